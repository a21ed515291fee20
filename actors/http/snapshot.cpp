#include "actors/http/snapshot.hpp"

#include <algorithm>

#include "engine/degradation/level.hpp"

namespace aicache::http {

namespace {
// Past a few missed turns, and for longer than a busy machine may take.
constexpr int turns_missed = 3;
constexpr duration grace{5'000};
}  // namespace

readiness judge(const snapshot_board& board, snapshot::point now, duration refresh) {
  readiness r;
  if (board.has_ended()) r.reasons.push_back("the node has ended");
  const auto s = board.newest();
  if (!s) {
    r.reasons.push_back("the node has not told its state yet");
    return r;
  }
  const auto level = static_cast<service_level>(s->statistics.level);
  if (board.is_draining() || level == service_level::draining) r.reasons.push_back("the node drains before it ends");
  const auto age = std::chrono::duration_cast<duration>(now - s->taken);
  if (age > turns_missed * refresh + grace)
    r.reasons.push_back("the node has not told its state for " + std::to_string(age.count()) + " ms");
  const auto down = std::count(s->shards_up.begin(), s->shards_up.end(), false);
  const auto all = static_cast<std::ptrdiff_t>(s->shards_up.size());
  if (down > 0 && down == all) r.reasons.push_back("no shard is up");
  if (!s->cluster.refusal.empty()) r.reasons.push_back("not let into the cluster: " + s->cluster.refusal);
  if (s->cluster.leaving) r.reasons.push_back("the node has left its cluster");
  if (!s->cluster.name.empty() && s->cluster.serving == 0 && s->cluster.refusal.empty() && !s->cluster.leaving)
    r.reasons.push_back("the node serves no key ranges of its cluster");
  if (down > 0 && down < all)
    r.doubts.push_back(std::to_string(down) + " of " + std::to_string(all) + " shards are being restarted");
  if (level == service_level::memory_only) r.doubts.push_back("redis is of no use at present: memory alone answers");
  if (level == service_level::shedding) r.doubts.push_back("too much waits: puts and leases are refused");
  return r;
}

}  // namespace aicache::http
