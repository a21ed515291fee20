#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/shared/generation_commands.hpp"

namespace aicache {

/// Keeps a node's book of generations up to date with Redis, and finds out when Redis has lost some of them.
///
/// Shape      a reading asks for what was raised since the last one, page by page. Where Redis gives reason for doubt
///            (it was restarted, remembers less than before, or another node told it lost generations again) the reading
///            starts anew from the beginning and is compared with the book. Lost is what the book has and Redis has
///            not; and whatever Redis numbered anew after it had lost numbers: such scopes are given back to be
///            invalidated once more, since answers may carry either meaning of their numbers
/// Owner      the node's invalidation; not thread-safe; one reading at a time
/// Invariant  the book holds every invalidation up to learned(), and learned() never falls
/// Cost       O(what was raised since); in doubt O(all that is remembered), at most the limits of the book
class generation_reader {
 public:
  enum class step : std::uint8_t {
    more,        ///< there is another page: ask for it
    done,        ///< the book holds what Redis held when it was asked
    lost,        ///< Redis has lost generations: restore, then begin anew
    unreadable,  ///< the reply makes no sense
  };

  /// What a page said that the book did not.
  struct news {
    std::vector<numbered_scope> raised;  ///< in order of their generations
    generation floor = 0;                ///< the new floor; 0 if it stays
    bool lost_track = false;             ///< keys were erased that nobody remembers
    std::vector<scope> twice;            ///< numbered by a Redis that had lost numbers: to be invalidated again
  };

  generation_reader(const generation_commands& commands, std::size_t page) : commands_(commands), page_(page) {}

  void begin();
  link_command next_page() const { return commands_.learn(since_, page_); }
  /// `outage` names the time between two outages: a Redis that does not tell its run id is doubted after each.
  step read(const redis_reply& reply, std::uint64_t outage, generation_book& book, news& out);

  /// What Redis must be told after a loss.
  std::vector<link_command> restore(const generation_book& book) const;

  /// Redis gave a number that it had given before.
  void doubt() noexcept { doubted_ = true; }
  bool is_doubted() const noexcept { return doubted_; }

  generation learned() const noexcept { return learned_; }
  /// The highest number that was ever seen; all up to learned() is known, of what is above only some.
  generation highest() const noexcept { return highest_; }
  /// The book holds this invalidation. False when some before it are missing.
  bool learn_next(generation g) noexcept;

 private:
  bool is_doubtful(const generations_page& p, std::uint64_t outage) const;
  void apply(const generations_page& p, generation_book& book, news& out);
  bool is_missing(const generations_page& p, const generation_book& book) const;

  // What a page says of Redis as a whole.
  struct standing {
    std::string run;
    std::uint64_t restored = 0;
    std::uint64_t scopes = 0;
    std::uint64_t keys = 0;
    generation floor = 0;
    generation key_floor = 0;
    std::uint64_t outage = 0;
  };

  const generation_commands& commands_;
  std::size_t page_;
  generation learned_ = 0;
  generation highest_ = 0;
  generation floor_ = 0;  // Redis' own; the book's may be higher, for it forgets in another order
  bool doubted_ = false;
  bool ever_read_ = false;
  standing last_;  // at the end of the last reading
  // The reading under way.
  bool first_page_ = true;
  bool whole_ = false;  // from the beginning, to be compared
  bool renumbered_ = false;
  std::vector<scope> ambiguous_;  // with another number than the book's, which means something only after a loss
  generation since_ = 0;
  generation known_ = 0;  // learned_ when it began
  generation had_ = 0;    // highest_ when it began
  standing begun_;
  std::unordered_map<scope, generation, scope_hash> seen_;
};

}  // namespace aicache
