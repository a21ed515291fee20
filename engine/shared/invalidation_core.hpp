#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/outcome.hpp"
#include "engine/shared/generation_reader.hpp"
#include "engine/shared/invalidation_journal.hpp"
#include "engine/shared/sweep_core.hpp"
#include "engine/shared/traffic.hpp"
#include "engine/statistics/counters.hpp"

namespace aicache {

/// The mind of a node's invalidation: numbers what is invalidated here, learns what is invalidated elsewhere, keeps what
/// Redis has not been told, and says when shards may believe what lies in Redis.
///
/// Shape      an invalidation is told to the shards at once, waits in the journal, and goes to Redis with all others that
///            wait, one batch at a time; the number that comes back settles it in the shards. Numbers of others come by
///            announcement when nothing was missed, else by a reading, which is made at least every half lease anyway.
///            After an outage: replay the journal, read, tell the shards, and only then open the gate. When Redis has
///            lost generations it is told them again before anything else
/// Units      times in `instant`; a lease counts from when the reading that renewed it was asked for
/// Owner      one actor of a node; not thread-safe; never blocks; is told the time
/// Fails      without Redis, or when it answers with errors: nothing is lost, invalidations wait, the gate is closed
///            when the lease ends; a caller is always answered, at the latest when `count_deadline` and the deadline of
///            commands are over (who waits for a sweep: `sweep_deadline`)
/// Invariant  while the gate is open the shards know of every invalidation that any node had numbered one lease ago
/// Cost       O(scopes) per event; one message per generation and shard
class invalidation_core {
 public:
  struct options {
    std::string prefix = "aicache";
    duration lease{1'000};
    generation_book::limits book;
    std::size_t journal = 65'536;  ///< scopes
    std::size_t batch = 1'024;     ///< scopes numbered at once
    std::size_t page = 4'096;      ///< scopes read at once
    std::size_t calls = 16'384;    ///< callers who wait; more are refused
    std::size_t name_bytes = 4'096;
    duration count_deadline{4'000};
    duration reply_deadline{5'000};
    duration sweep_deadline{600'000};
    sweep_core::options sweep;  ///< its prefix is taken from ours
    std::uint64_t origin = 1;   ///< differs with every incarnation of every node
    bool alone = false;         ///< there is no Redis: what is invalidated here concerns nobody else
  };

  // -- effects ---------------------------------------------------------------

  /// Tell the shards of invalidations, or, with `shard` at least 0, this one.
  struct tell_shards {
    std::int32_t shard = -1;
    std::uint64_t ticket = 0;  ///< not 0: they count
    generation since = unnumbered;
    bool settles = false;
    bool lost_track = false;
    generation floor = 0;
    std::vector<scope> scopes;
  };
  struct tell_state {
    std::int32_t shard = -1;
    bool available = false;
    generation newest = 0;
  };
  struct run_commands {
    std::uint64_t ticket = 0;
    std::vector<link_command> commands;
  };
  struct open_gate {
    std::uint64_t outages = 0;
  };
  struct close_gate {};
  struct reply {
    std::uint64_t caller = 0;
    errc why = errc::none;
    bool numbered = false;
    std::uint64_t in_memory = 0;
    std::uint64_t in_redis = 0;
    bool swept = false;
  };
  /// Write these down, so that they survive this process, before anything that follows.
  struct journal_append {
    std::vector<scope> scopes;
  };
  /// Redis knows of everything that was written down.
  struct journal_clear {};
  /// What an operator wants to know.
  enum class remark : std::uint8_t { collapsed, generations_lost, lease_lost, refused };
  using effect = std::variant<tell_shards, tell_state, run_commands, open_gate, close_gate, reply, journal_append,
                              journal_clear, remark>;
  using effects = std::vector<effect>;

  struct request {
    scope_kind kind = scope_kind::everything;
    std::string tenant;
    std::string name;
    bool wait = false;
    bool sweep = true;  ///< false: another node of the cluster sweeps Redis after it
  };

  /// What a request means, and what a sweep after it would go through. Fails: invalid_argument for what cannot be named;
  /// too_large over `name_bytes`.
  static errc understand(const request& r, std::size_t name_bytes, scope& what, sweep_request& sweep);

  /// `written_down`: what a former process of this node left in its journal.
  explicit invalidation_core(options o, std::span<const scope> written_down = {});
  invalidation_core(const invalidation_core&) = delete;
  invalidation_core& operator=(const invalidation_core&) = delete;

  void requested(std::uint64_t caller, const request& r, instant now, effects& out);
  void keys_erased(std::span<const key128> keys, instant now, effects& out);
  /// For every shard the number of its incarnation, another for every actor; 0 where there is none now.
  void shards_changed(std::span<const std::uint64_t> incarnations, instant now, effects& out);
  void counted(std::uint32_t shard, std::uint64_t ticket, std::uint64_t entries, instant now, effects& out);
  void link_changed(bool reachable, std::uint32_t masters, std::uint64_t outages, instant now, effects& out);
  void replied(std::uint64_t ticket, std::span<const link_reply> replies, instant now, effects& out);
  void announced(std::string_view text, instant now, effects& out);
  void subscribed(instant now, effects& out);
  void pause_sweeps(bool paused, instant now, effects& out);
  void tick(instant now, effects& out);

  /// Whether Redis may be searched just now, of how many masters, and which of what was found there is alive.
  struct searchable {
    bool available = false;
    std::uint32_t masters = 1;
    std::vector<bool> alive;
  };
  searchable judge(std::span<const shared_entry> entries) const;

  /// When tick() is wanted next.
  instant next_tick(instant now) const;

  const std::string& channel() const noexcept { return commands_.channel(); }
  const generation_book& book() const noexcept { return book_; }
  generation learned() const noexcept { return alone_newest_ != 0 ? alone_newest_ : reader_.learned(); }
  bool is_available() const noexcept { return available_; }
  invalidation_counters counters() const;
  /// Whether everybody is answered, and Redis has been told everything.
  bool is_idle() const noexcept { return calls_.empty() && !journal_.is_waiting() && !journal_.in_flight(); }

 private:
  enum class purpose : std::uint8_t { number, read, restore, sweep };
  enum class number_state : std::uint8_t { open, done, failed };

  struct call {
    std::uint64_t caller = 0;
    std::uint64_t place = 0;
    scope what;
    sweep_request sweep;
    bool wait = false;
    number_state number = number_state::open;
    std::vector<bool> owed;  // counts, by shard
    std::uint64_t in_memory = 0;
    std::uint64_t in_redis = 0;
    bool swept = false;
    std::uint64_t sweep_number = 0;
    instant count_until;
    instant sweep_until;
  };
  struct question {
    purpose why;
    instant asked;
  };

  // Callers and shards.
  invalidation_journal::added open_scope(const scope& s, effects& out);
  std::vector<bool> present() const;
  void tell(const scope& s, generation g, bool settles, effects& out) const;
  void tell_raised(std::span<const numbered_scope> raised, bool settles, std::int32_t only, effects& out) const;
  void tell_newest(effects& out) const { out.push_back(tell_state{-1, available_, learned()}); }
  bool finish(const call& c, instant now, effects& out) const;
  void finish_calls(instant now, effects& out);

  // Redis.
  void ask(purpose why, std::vector<link_command> commands, instant now, effects& out);
  bool is_under_way(purpose why) const;
  void advance(instant now, effects& out);
  bool is_reading_due(instant now) const;
  void open_if_current(instant now, effects& out);
  void became_unavailable(effects& out);
  void on_number(std::span<const link_reply> replies, instant now, effects& out);
  void numbers_came(generation g, effects& out);
  void numbers_failed(effects& out);
  void on_page(std::span<const link_reply> replies, instant now, effects& out);
  void tell_news(const generation_reader::news& n, effects& out);
  void on_restored(std::span<const link_reply> replies, instant now);
  void on_swept(std::span<const link_reply> replies, instant now);
  void keep(effects& out);
  void sweep_later(sweep_request r);
  std::uint32_t shards() const noexcept { return static_cast<std::uint32_t>(incarnations_.size()); }

  options options_;
  generation_commands commands_;
  generation_book book_;
  generation_reader reader_;
  invalidation_journal journal_;
  sweep_core sweeps_;
  invalidation_counters counted_;
  std::vector<std::uint64_t> incarnations_;
  std::map<std::uint64_t, call> calls_;  // by ticket, which is also what the shards count under
  std::unordered_map<std::uint64_t, question> asked_;
  std::uint64_t last_ticket_ = 0;
  generation alone_newest_ = 0;
  bool reachable_ = false;
  bool available_ = false;
  std::uint32_t masters_ = 1;
  std::uint64_t outages_ = 0;
  std::uint64_t outage_read_ = UINT64_MAX;  // between which outages the last whole reading was made
  std::uint64_t outage_reading_ = UINT64_MAX;
  std::unordered_map<scope, sweep_request, scope_hash> unswept_;  // not numbered yet
  bool sweep_all_ = false;  // something died whose name or whose removal has been lost
  bool written_ = false;    // the written journal holds something
  generation sent_at_ = 0;  // what was known when the batch in flight was sent
  bool refusing_ = false;   // Redis answered the last batch with an error
  bool read_wanted_ = false;
  instant reading_since_{0};      // the last reading was begun
  instant read_at_{0};            // and this the last one that succeeded
  instant next_read_{INT64_MIN};  // not before
  instant next_number_{INT64_MIN};
  instant last_restore_{INT64_MIN / 2};
};

}  // namespace aicache
