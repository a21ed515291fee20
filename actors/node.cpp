#include "actors/node.hpp"

#include <sched.h>

#include <algorithm>
#include <caf/io/all.hpp>
#include <chrono>
#include <random>

#include "actors/dial.hpp"
#include "actors/redis/io_thread.hpp"
#include "actors/transport/transport.hpp"
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

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Whether the shared tier is of use by then. Most nodes find Redis at once, and should not begin with misses.
bool is_shared_within(caf::actor_system& system, const front_actor& node, duration patience) {
  constexpr std::chrono::milliseconds step{5};
  caf::scoped_actor self{system};
  for (duration gone{0}; gone <= patience; gone += step) {
    bool shared = false;
    // Without a time-out of CAF's: one that fires stays in the mailbox, and the mailbox with it.
    self->request(node, caf::infinite, shared_tier_request{}).receive([&](bool s) { shared = s; }, [](caf::error&) {});
    if (shared) return true;
    self->receive(caf::after(step) >> [] {});
  }
  return false;
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
  module_factories.push_back([s](caf::actor_system& system) { return new transport(system, s); });
}

namespace {

record_book::options figures_options(const config::settings& s) {
  record_book::options o;
  for (const auto& [name, ttl] : s.ttl.operations) o.operations.emplace(name, ttl);
  o.otherwise = s.ttl.default_;
  o.recent_slot = std::max(duration{1}, s.monitor.recent_window / static_cast<std::int64_t>(o.recent_slots));
  o.memory.warning_percent = 100 * s.monitor.memory_warning;
  o.memory.critical_percent = 100 * s.monitor.memory_critical;
  o.invalidations.warning_per_hour = static_cast<std::uint64_t>(s.monitor.invalidations_warning);
  o.invalidations.critical_per_hour = static_cast<std::uint64_t>(s.monitor.invalidations_critical);
  o.ledger_rows = static_cast<std::size_t>(s.ledger.rows);
  o.tenants = static_cast<std::size_t>(s.limits.tenants);
  o.prices = price_table{s.ledger.currency};
  for (const auto& [model, p] : s.ledger.prices)
    if (!o.prices.set(model, {p.input, p.output})) continue;  // what validation lets through is within its limits
  return o;
}

}  // namespace

namespace {

// What nodes of one cluster must agree in: what makes a key of a request, and what Redis holds. Without blanks.
std::string fingerprint_of(const config::settings& s) {
  constexpr int protocol = 1;
  const auto is = [](bool on) { return std::string(on ? "on" : "off"); };
  return "protocol=" + std::to_string(protocol) + ",identity.unicode_nfc=" + is(s.identity.unicode_nfc) +
         ",identity.line_ends=" + is(s.identity.line_ends) +
         ",identity.trailing_blanks=" + is(s.identity.trailing_blanks) + ",redis=" + is(!s.redis.url.empty()) +
         ",redis.prefix=" + s.redis.prefix + ",encryption=" + is(s.encryption.enabled);
}

cluster_options cluster_options_of(const config::settings& s) {
  cluster_options o;
  o.name = s.cluster.name;
  o.host = s.cluster.host;
  o.port = static_cast<std::uint16_t>(s.cluster.port);
  o.fingerprint = fingerprint_of(s);
  o.lease = s.cluster.lease;
  o.heartbeat = s.cluster.heartbeat;
  std::string_view rest = s.cluster.seeds;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    o.seeds.emplace_back(one);
  }
  return o;
}

}  // namespace

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
  t.stopwatch = [] { return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); };
  o.shard.lifetimes.otherwise = s.ttl.default_;
  o.shard.lifetimes.longest = s.ttl.max;
  for (const auto& [name, ttl] : s.ttl.operations) o.shard.lifetimes.operations.emplace(name, ttl);
  o.shard.lifetimes.jitter_percent = static_cast<unsigned>(s.ttl.jitter);
  o.shard.stale = {s.stale.while_revalidate, s.stale.if_error, s.stale.while_revalidate_operations,
                   s.stale.if_error_operations};
  // What callers keep under keys of their own is not computed anew by whoever finds it old.
  o.shard.stale.while_revalidate_of[std::string(generic_operation)] = duration{0};
  o.shard.stale.if_error_of[std::string(generic_operation)] = duration{0};
  o.shard.gate = {s.gate.store_empty,      s.gate.store_truncated, s.gate.store_filtered,
                  s.gate.store_tool_calls, s.gate.store_unknown,   s.gate.share_unstored};
  negative_options& errors = o.shard.negatives;
  errors.ttl = s.negative.ttl;
  errors.longest = s.negative.max_ttl;
  errors.rate_limited = s.negative.rate_limited;
  errors.refused = s.negative.refused;
  errors.bad_request = s.negative.bad_request;
  errors.failed = s.negative.failed;
  o.shard.leases.lease = s.lease.duration;
  o.shard.leases.parked = static_cast<std::uint32_t>(s.lease.max_parked);
  o.shard.leases.parked_per_key = static_cast<std::uint32_t>(s.lease.max_parked_per_key);
  o.shard.park = s.lease.park_timeout;
  o.shard.promotion_hits = static_cast<std::uint32_t>(s.promotion.hits);
  o.shard.operations = static_cast<std::uint16_t>(std::min<std::int64_t>(s.limits.operations, UINT16_MAX));
  o.shard.tenants = static_cast<std::uint16_t>(std::min<std::int64_t>(s.limits.tenants, UINT16_MAX));
  // One byte at least: 0 would be no bound.
  const auto quota = [&](const config::type::portion::stored& part) {
    if (part == config::type::portion::stored{}) return std::uint64_t{0};
    return std::max<std::uint64_t>(1, part.of(s.memory.budget) / o.shards);
  };
  o.shard.quotas.otherwise = quota(s.tenants.quota);
  for (const auto& [name, part] : s.tenants.quotas) o.shard.quotas.tenants.emplace(name, quota(part));
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
  o.measure_curve = s.monitor.hit_curve;
  o.figures = figures_options(s);
  o.ground = {static_cast<std::uint64_t>(s.text_tiers.small),
              static_cast<std::uint64_t>(s.text_tiers.large),
              s.compression.min_bytes,
              s.memory.warm_share,
              s.lease.park_timeout,
              static_cast<std::uint64_t>(s.lease.max_parked)};
  o.expected_answer = s.memory.expected_answer;
  o.drain_timeout = s.node.drain_timeout;
  o.cluster = cluster_options_of(s);
  shared_options& shared = o.shard.shared;
  shared.on = !s.redis.url.empty();
  shared.prefix = s.redis.prefix;
  shared.dirty_keys = static_cast<std::size_t>(s.redis.write_behind_keys) / o.shards + 1;
  shared.write_bytes = s.redis.write_behind_bytes / o.shards + 1;
  o.supervision = {s.supervision.restart_backoff, s.supervision.restart_backoff_max,
                   static_cast<std::uint32_t>(s.supervision.restart_limit), s.supervision.restart_window};
  return o;
}

outcome<front_actor> start_node(caf::actor_system& system, const config::settings& s,
                                std::function<config::loaded()> sources) {
  node_options o = to_options(s, cores_of_this_machine(), unix_time());
  o.settings = std::make_shared<const config::settings>(s);
  o.sources = std::move(sources);
  o.cores = cores_of_this_machine();
  if (const auto problems = read_sharing(s, random_seed(), o.sharing); !problems.empty())
    return fault{errc::invalid_argument, config::render(problems)};
  const std::string address = o.sharing.link.how.address.printable();
  const bool shared = o.sharing.on;
  if (shared) {
    o.sharing.link.io = std::make_shared<io_thread>("aicache.redis", o.sharing.link.how.look);
    if (const auto way = transport::of(system)) (*way)->keep(o.sharing.link.io);
  }
  const front_actor node = system.spawn(front, std::move(o));
  if (!shared || is_shared_within(system, node, s.redis.connect_deadline) || !s.redis.required) return node;
  stop_node(system, node, duration{0});
  return fault{errc::unavailable, "redis.required is set, and " + address + " cannot be reached"};
}

outcome<std::uint16_t> publish(caf::actor_system& system, const front_actor& front, const std::string& host,
                               std::uint16_t port) {
  const auto way = transport::of(system);
  if (!way) return way.why();
  const auto bound =
      (*way)->publish(caf::actor_cast<caf::strong_actor_ptr>(front), system.message_types(front), host, port);
  if (bound) caf::anon_send(front, published_at{host, *bound});
  return bound;
}

outcome<front_actor> front_of(caf::actor_system& system, const std::string& host, std::uint16_t port,
                              duration patience) {
  const auto end = system.clock().now() + patience;
  for (;;) {
    auto front = dial_once(system, host, port);
    if (front || front.why().code == errc::invalid_argument) return front;
    if (front.why().code != errc::deadline || system.clock().now() >= end)
      return fault{front.why().code, "no node at " + node_address{host, port}.printable() + ": " + front.why().detail};
  }
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
