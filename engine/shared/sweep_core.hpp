#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/redis/link_requests.hpp"
#include "engine/shared/generation_book.hpp"
#include "engine/types.hpp"

namespace aicache {

/// What a sweep goes through.
struct sweep_request {
  scope what;
  std::optional<std::string> tenant;     ///< only its keys; none: of all tenants
  std::optional<std::string> operation;  ///< only its keys; none: of all operations
};

/// Removes dead answers from Redis in small steps.
///
/// Shape      one sweep at a time, master after master: SCAN a batch, read the heads of what it found, UNLINK what the
///            book says is dead, rest, go on. Sweeps that wait for their turn are one when they mean the same, and one
///            over everything when they are too many. What bears our name but holds no envelope is left alone
/// Owner      the node's invalidation; not thread-safe; is told the time; one set of commands is out at a time
/// Fails      a command that is not answered sends the sweep back to the start of the master at hand, after a while;
///            after `patience` failures in a row, without an outage, the sweep is given up
/// Invariant  `removed` counts what UNLINK said it removed: exact, unless a reply was lost
/// Cost       a step is one round trip of at most a batch of commands (SCAN may return some more keys than asked for)
class sweep_core {
 public:
  struct options {
    std::string prefix;
    std::size_t batch = 256;  ///< keys
    duration pause{10};       ///< between batches
    duration retry{500};      ///< after a failure
    std::size_t waiting = 256;
    unsigned patience = 8;
  };

  struct finished {
    std::uint64_t sweep = 0;
    std::uint64_t removed = 0;
    bool complete = false;
  };

  struct figures {
    std::uint64_t scanned = 0;  ///< keys that were looked at
    std::uint64_t removed = 0;
    std::uint64_t foreign = 0;  ///< bear our name and hold no envelope of ours
    std::uint64_t sweeps = 0;   ///< that went through
    std::uint64_t masters = 0;  ///< that sweeps went through
  };

  explicit sweep_core(options o) : options_(std::move(o)) {}

  /// Asks for a sweep that has not begun yet when this is called; its number.
  std::uint64_t add(sweep_request r);
  void pause(bool paused) noexcept { paused_ = paused; }
  /// How Redis stands. An outage begins the master at hand anew.
  void link(bool reachable, std::uint32_t masters) noexcept;

  /// The commands of the next step, if it is time for it.
  std::vector<link_command> next(instant now);
  /// When next() may have something to do; `never` while it waits for replies, a link or work.
  instant due() const noexcept;
  /// What became of them. Returns the sweep that has ended with it, if one has.
  std::optional<finished> replied(std::span<const link_reply> replies, const generation_book& book, instant now);

  /// What the sweep under way, if it is this one, has removed so far.
  std::uint64_t removed_by(std::uint64_t sweep) const noexcept {
    return !queue_.empty() && queue_.front().number == sweep ? queue_.front().removed : 0;
  }
  const figures& counted() const noexcept { return counted_; }
  bool is_idle() const noexcept { return queue_.empty(); }

 private:
  enum class step : std::uint8_t { scan, examine, remove };
  struct job {
    std::uint64_t number = 0;
    sweep_request request;
    std::uint64_t removed = 0;
  };

  std::optional<finished> failed(instant now);
  std::optional<finished> scanned(const link_reply& r, instant now);
  void examined(std::span<const link_reply> replies, const generation_book& book);
  std::optional<finished> rested(instant now);
  std::optional<finished> end(bool complete);
  bool is_dead(const std::string& key, std::string_view head, const generation_book& book);
  void restart_master() noexcept;

  options options_;
  std::deque<job> queue_;  // the first is under way
  std::uint64_t last_number_ = 0;
  bool paused_ = false;
  bool reachable_ = false;
  std::uint32_t masters_ = 1;
  bool begun_ = false;  // the first of the queue
  bool out_ = false;    // commands are
  bool stale_ = false;  // replies to what is out are of no use any more
  step step_ = step::scan;
  std::uint32_t master_ = 0;
  std::string cursor_ = "0";
  std::vector<std::string> keys_;
  instant rest_until_{INT64_MIN};
  unsigned failures_ = 0;
  figures counted_;
};

}  // namespace aicache
