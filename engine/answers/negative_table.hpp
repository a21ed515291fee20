#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>

#include "engine/answers/provider_error.hpp"
#include "engine/key.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Which of a provider's errors are remembered, and for how long.
struct negative_options {
  duration ttl{3'000};       ///< zero: none is
  duration longest{60'000};  ///< that a caller may ask for, such as what the provider said to wait
  bool rate_limited = true;
  bool refused = true;
  bool bad_request = true;
  bool failed = true;
  std::size_t most = 4'096;  ///< errors that one shard remembers

  bool keeps(errc why) const noexcept {
    if (ttl <= duration{0} || !is_provider_error(why)) return false;
    return (why == errc::provider_rate_limited && rate_limited) || (why == errc::provider_refused && refused) ||
           (why == errc::provider_bad_request && bad_request) || (why == errc::provider_failed && failed);
  }
};

/// Requests whose answer could not be had a moment ago, so that a stampede asks a failing provider once.
///
/// Shape      by key, the error and when it is forgotten; a queue in the order in which they came
/// Owner      one shard; not thread-safe; in memory only, for an error seen by one node may be that node's own
/// Invariant  at most `most` are remembered: the oldest give way
/// Cost       O(1) an event
class negative_table {
 public:
  struct error {
    errc why = errc::none;
    instant since;
    instant until;
  };

  explicit negative_table(std::size_t most) noexcept : most_(most) {}

  void note(const key128& key, const error& e);

  /// Null when nothing is known of it any more.
  const error* find(const key128& key, instant now) const noexcept {
    if (known_.empty()) [[likely]]
      return nullptr;
    const auto at = known_.find(key);
    return at == known_.end() || at->second.until <= now ? nullptr : &at->second;
  }

  void forget(const key128& key) noexcept {
    if (!known_.empty()) known_.erase(key);
  }
  void clear() noexcept;

  /// Forgets what is over, in at most `limit` steps; true when there may be more.
  bool expire(instant now, unsigned limit);

  std::size_t size() const noexcept { return known_.size(); }
  std::size_t bytes() const noexcept;
  bool sound() const;

 private:
  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };

  std::size_t most_;
  std::unordered_map<key128, error, key_hash> known_;
  std::deque<std::pair<key128, instant>> order_;  // with its `since`: what was forgotten or noted anew stays behind
};

}  // namespace aicache
