#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/types.hpp"
#include "messages/cluster_peers.hpp"
#include "messages/statistics.hpp"

namespace aicache::http {

/// What the monitor says in JSON: the first figures_views, in their order. A row each: also a route.
enum class view : std::uint8_t { summary, ledger, recommendations, curve };
inline constexpr std::size_t view_count = 4;
constexpr const char* to_string(view v) noexcept {
  switch (v) {
    case view::ledger: return "ledger";
    case view::recommendations: return "recommendations";
    case view::curve: return "curve";
    case view::summary: break;
  }
  return "summary";
}

/// What the monitor's JSON tells that is a metric too; nothing where it was not told.
struct told_figures {
  std::uint64_t saved_millionths = 0;
  struct priorities {
    std::uint64_t high = 0, medium = 0, low = 0;
  };
  std::optional<priorities> advice;
};

/// What was known of the node at one time. Never changed once it is published.
struct snapshot {
  using point = std::chrono::steady_clock::time_point;

  point taken{};
  instant at;  ///< the same in Unix time
  node_statistics statistics;
  std::vector<operation_statistics> operations;  ///< of the statistics, as labels tell them apart
  std::vector<tenant_statistics> tenants;        ///< the same
  std::vector<bool> shards_up;                   ///< by number; empty while the map is not known
  std::uint64_t epoch = 0;                       ///< of that map
  cluster_state cluster;                         ///< without a name where the node is in none
  std::optional<bool> shared;                    ///< whether Redis is of use; nothing where there is none
  std::array<std::string, view_count> views;     ///< JSON; empty where nobody has answered yet
  told_figures told;                             ///< of these
  std::string events;                            ///< JSON, as event_log writes it
  std::string config;                            ///< JSON of the settings, secrets masked; empty likewise
  std::string config_hash;
};

/// Where the newest snapshot hangs, and how the node's life goes.
///
/// Owner      all threads at once: the exporter writes, whoever serves HTTP reads
/// Cost       a lock around the copy of a pointer
class snapshot_board {
 public:
  void publish(std::shared_ptr<const snapshot> s) {
    const std::lock_guard lock(mutex_);
    newest_ = std::move(s);
  }
  /// Null before the first.
  std::shared_ptr<const snapshot> newest() const {
    const std::lock_guard lock(mutex_);
    return newest_;
  }

  void drain() noexcept { draining_ = true; }
  bool is_draining() const noexcept { return draining_; }
  /// The front is dead.
  void end() noexcept { ended_ = true; }
  bool has_ended() const noexcept { return ended_; }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const snapshot> newest_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> ended_{false};
};

/// Whether a node should be asked things now, and why not.
struct readiness {
  std::vector<std::string> reasons;  ///< why not: empty when it is ready
  std::vector<std::string> doubts;   ///< what it lacks, and serves all the same

  bool is_ready() const noexcept { return reasons.empty(); }
};

/// By the board at `now`, of a node that should be looked at every `refresh`.
readiness judge(const snapshot_board& board, snapshot::point now, duration refresh);

}  // namespace aicache::http
