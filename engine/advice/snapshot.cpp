#include "engine/advice/snapshot.hpp"

namespace aicache {

advice_snapshot snapshot_of(const record_book& book, const advice_ground& ground) {
  const node_totals& totals = book.totals();
  const operation_counters all = totals.over_operations();
  advice_snapshot s;
  for (const auto& [name, o] : totals.operations()) {
    operation_facts facts;
    facts.name = name;
    facts.life = book.life_of(name);
    facts.hits = o.counted.hits();
    facts.misses = o.counted.misses();
    facts.expired = o.counted.misses_expired;
    if (const auto timed = distribution_of(o.latency)) {
      facts.timed = timed->count;
      facts.mean_nanoseconds = timed->mean;
    }
    facts.lifetimes = o.lifetimes;
    s.operations.push_back(std::move(facts));
  }
  s.texts = {{all.gets_small, all.gets_medium, all.gets_large, all.gets_xlarge}, ground.text_small, ground.text_large};
  if (!totals.present_by_shard().empty()) {
    const shard_gauges present = totals.present();
    s.memory = memory_facts{present.budget, present.charged(), ground.warm_share};
  }
  const shard_counters& shards = totals.shards();
  if (shards.packed + shards.unpackable != 0) {
    const auto share = percent(shards.packed_bytes, shards.packed_raw_bytes);
    s.compression =
        compression_facts{shards.packed, shards.unpackable, share ? *share / 100 : 1.0, ground.compression_min_bytes};
  }
  if (all.puts != 0) s.evictions = eviction_facts{all.puts, shards.evictions_hot + shards.evictions_warm};
  if (all.hits_parked + all.misses_waited + all.misses_unparked != 0)
    s.leases =
        lease_facts{all.hits_parked, all.misses_waited, all.misses_unparked, ground.park_timeout, ground.most_parked};
  return s;
}

}  // namespace aicache
