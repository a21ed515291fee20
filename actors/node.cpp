#include "actors/node.hpp"

#include <sched.h>

#include <algorithm>
#include <caf/io/all.hpp>
#include <chrono>

#include "config/rules.hpp"

namespace aicache {

namespace {

unsigned cores_of_this_machine() {
  // What this process may use, which in a container is less than what the machine has.
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

instant unix_time() {
  return {std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

}  // namespace

system_config::system_config(const config::settings& s, network n) {
  add_messages(*this);
  const std::size_t threads = s.node.threads == 0 ? cores_of_this_machine() : s.node.threads;
  set("scheduler.max-threads", threads);
  set("scheduler.policy", caf::atom("sharing"));
  if (n == network::off) return;
  // Without workers a message is deserialized where it is received: one thread hop less.
  set("middleman.workers", std::size_t{0});
  set("middleman.heartbeat-interval", caf::timespan{std::chrono::milliseconds{200}});
  set("middleman.connection-timeout", caf::timespan{std::chrono::seconds{1}});
  load<caf::io::middleman>();
}

node_options to_options(const config::settings& s, unsigned cores, instant unix_now) {
  node_options o;
  const std::uint64_t most = std::max<std::uint64_t>(1, s.memory.budget / config::smallest_shard);
  o.shards = s.node.shards != 0 ? s.node.shards
                                : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                      std::max<std::uint64_t>(1, s.node.threads != 0 ? s.node.threads : cores), most));
  o.origin = unix_now;
  tier_options& t = o.shard.tiers;
  t.budget = s.memory.budget / o.shards;
  t.warm_share = s.memory.warm_share;
  t.value_bytes = s.limits.value_bytes;
  t.compression_level = static_cast<int>(s.compression.level);
  t.compression_min_bytes = s.compression.min_bytes;
  t.compression_min_gain = s.compression.min_gain;
  t.worker_bytes = s.compression.worker_bytes;
  t.dictionary_bytes = s.compression.dictionary_bytes;
  t.dictionary_samples = static_cast<std::uint32_t>(s.compression.dictionary_samples);
  o.shard.lifetimes.otherwise = s.ttl.default_;
  o.shard.lifetimes.longest = s.ttl.max;
  for (const auto& [name, ttl] : s.ttl.operations) o.shard.lifetimes.operations.emplace(name, ttl);
  o.shard.leases.lease = s.lease.duration;
  o.shard.leases.parked = static_cast<std::uint32_t>(s.lease.max_parked);
  o.shard.leases.parked_per_key = static_cast<std::uint32_t>(s.lease.max_parked_per_key);
  o.shard.park = s.lease.park_timeout;
  o.shard.promotion_hits = static_cast<std::uint32_t>(s.promotion.hits);
  o.shard.operations = static_cast<std::uint16_t>(std::min<std::int64_t>(s.limits.operations, UINT16_MAX));
  o.shard.tenants = static_cast<std::uint16_t>(std::min<std::int64_t>(s.limits.tenants, UINT16_MAX));
  o.shard.seed = static_cast<std::uint64_t>(unix_now.ms);
  client_limits& l = o.limits;
  l.batch_keys = static_cast<std::uint64_t>(s.limits.batch_keys);
  l.in_flight_keys = static_cast<std::uint64_t>(s.limits.in_flight_keys);
  l.text_bytes = s.limits.text_bytes;
  l.options_bytes = s.limits.options_bytes;
  l.value_bytes = s.limits.value_bytes;
  l.small_text = static_cast<std::uint32_t>(s.text_tiers.small);
  l.medium_text = static_cast<std::uint32_t>(s.text_tiers.medium);
  l.large_text = static_cast<std::uint32_t>(s.text_tiers.large);
  l.unicode_nfc = s.identity.unicode_nfc;
  l.line_ends = s.identity.line_ends;
  l.trailing_blanks = s.identity.trailing_blanks;
  o.report_interval = s.monitor.report_interval;
  o.codec_workers = static_cast<std::uint32_t>(s.compression.workers);
  o.learn_eviction = s.eviction.learning;
  o.expected_answer = s.memory.expected_answer;
  o.supervision = {s.supervision.restart_backoff, s.supervision.restart_backoff_max,
                   static_cast<std::uint32_t>(s.supervision.restart_limit), s.supervision.restart_window};
  return o;
}

front_actor start_node(caf::actor_system& system, const config::settings& s) {
  return system.spawn(front, to_options(s, cores_of_this_machine(), unix_time()));
}

outcome<std::uint16_t> publish(caf::actor_system& system, const front_actor& front, const std::string& host,
                               std::uint16_t port) {
  if (!system.has_middleman()) return fault{errc::invalid_argument, "CAF's I/O module is not loaded"};
  auto bound = system.middleman().publish(front, port, host.c_str(), true);
  if (!bound) return fault{errc::unavailable, system.render(bound.error())};
  return *bound;
}

std::uint64_t stop_node(caf::actor_system& system, const front_actor& front, duration patience) {
  std::uint64_t abandoned = 0;
  caf::scoped_actor self{system};
  self->request(front, patience, drain_request{})
      .receive([&](const drained& d) { abandoned = d.abandoned; }, [](caf::error&) {});
  self->send_exit(front, caf::exit_reason::user_shutdown);
  self->wait_for(front);
  return abandoned;
}

}  // namespace aicache
