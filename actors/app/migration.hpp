#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "actors/app/input_lines.hpp"
#include "actors/app/migration_state.hpp"
#include "actors/app/node_session.hpp"
#include "actors/redis/legacy_source.hpp"
#include "engine/identity/request.hpp"
#include "engine/legacy/legacy_key.hpp"
#include "engine/legacy/legacy_value.hpp"

namespace aicache::app {

/// Moves answers of a Python cache from its Redis into a node.
///
/// Shape      by requests: each is given its legacy key, that key is read, and what lies there is put under the request's
///            identity. By walking through all keys: the same for the few keys that say all of their request. In
///            batches; after each the state is handed on, and what a state says is settled is never asked again
/// Units      rate: requests, or keys, a second; 0 as many as go
/// Owner      one thread
/// Fails      unavailable: Redis or the node; the state handed on last stands. What it was about is not settled
/// Invariant  counts().asked() grows by one for each request or key; nothing is put but what may_answer() the request
///            under whose identity it is put, and nothing that lives longer than it did
class migration {
 public:
  struct options {
    request otherwise;  ///< tenant, model and operation of requests that do not say
    legacy_key_options keys;
    bool exact_texts = false;  ///< leave out requests whose key other texts may have as well
    std::uint64_t rate = 0;
    std::function<outcome<void>(const migration_state&)> on_settled;
    std::function<void(double share, const migration_counts&)> on_progress;
  };

  /// Without a node everything is read and judged, and nothing is put.
  migration(options o, legacy_source& from, node_session* to, migration_state begin);

  outcome<void> by_requests(input_lines& lines);
  outcome<void> by_keys(const std::string& pattern);

  const migration_counts& counts() const noexcept { return settled_.counts; }

 private:
  void add(const std::string& line);
  void add(request asked, std::string key);
  void judge(std::size_t place, legacy_entry& found);
  outcome<void> put_all();
  outcome<void> settle(double share);
  void keep_pace() const;
  std::size_t batch_size() const noexcept;

  options options_;
  legacy_source& from_;
  node_session* to_;
  legacy_value_reader values_;
  migration_state settled_;
  migration_state next_;
  // Of the batch under way.
  std::vector<request> asked_;
  std::vector<std::string> keys_;
  std::size_t asked_bytes_ = 0;
  std::vector<wanted_put> puts_;
  std::size_t put_bytes_ = 0;
  fault node_failed_{errc::none, {}};
  // For the pace.
  std::uint64_t begun_with_ = 0;
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace aicache::app
