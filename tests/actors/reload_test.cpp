#include "tests/support/sim.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "config/change.hpp"
#include "config/key_table.hpp"
#include "tests/support/redis_server.hpp"

// Settings that change while a node runs.
namespace aicache::reload_test {
namespace {

using namespace test;
using config::settings;

/// A small node that knows which settings it runs by; `change` may still say otherwise.
node_options by(const settings& s, std::function<config::loaded()> sources = {}) {
  node_options o = to_options(s, 1, {1'000'000});
  o.settings = std::make_shared<const settings>(s);
  o.sources = std::move(sources);
  return o;
}

settings small() {
  settings s;
  s.memory.budget = 4 << 20;
  s.memory.warm_share = 0;
  s.eviction.learning = false;
  s.monitor.hit_curve = false;
  s.node.shards = 1;
  s.ttl.jitter = 0;
  return s;
}

reload_reply use(sim& s, const settings& wanted) {
  return s.told<reload_reply>(s.node, use_settings{std::make_shared<const settings>(wanted)});
}
settings running(sim& s) { return *s.told<running_settings>(s.node, settings_request{}).now; }

std::set<std::string> keys_of(const std::vector<setting_change>& changes) {
  std::set<std::string> keys;
  for (const setting_change& c : changes) keys.insert(c.key);
  return keys;
}

/// Another value than the small node's for every key that may change while it runs.
const std::map<std::string, std::string>& other_values() {
  static const std::map<std::string, std::string> values{
      {"limits.batch_keys", "100"},
      {"limits.in_flight_keys", "1000"},
      {"ttl.default", "2h"},
      {"ttl.max", "30d"},
      {"ttl.operations", "qa=5m"},
      {"ttl.jitter", "3"},
      {"gate.store_empty", "true"},
      {"gate.store_truncated", "true"},
      {"gate.store_filtered", "true"},
      {"gate.store_tool_calls", "false"},
      {"gate.store_unknown", "true"},
      {"gate.share_unstored", "true"},
      {"negative.ttl", "9s"},
      {"negative.max_ttl", "90s"},
      {"negative.rate_limited", "false"},
      {"negative.refused", "false"},
      {"negative.bad_request", "false"},
      {"negative.failed", "false"},
      {"stale.while_revalidate", "7s"},
      {"stale.if_error", "70s"},
      {"stale.while_revalidate_operations", "qa=8s"},
      {"stale.if_error_operations", "qa=80s"},
      {"lease.duration", "20s"},
      {"lease.park_timeout", "10s"},
      {"lease.max_parked", "100"},
      {"lease.max_parked_per_key", "10"},
      {"promotion.hits", "3"},
      {"redis.user", "somebody"},
      {"redis.password", "another"},
      {"redis.password_file", "password"},
      {"redis.connections", "2"},
      {"redis.get_deadline", "70ms"},
      {"redis.put_deadline", "700ms"},
      {"redis.connect_deadline", "2s"},
      {"redis.reconnect_max", "3s"},
      {"redis.ca_file", "ca"},
      {"redis.certificate_file", "certificate"},
      {"redis.key_file", "key"},
      {"redis.verify_name", "false"},
      {"invalidation.lease", "3s"},
      {"invalidation.sweep_batch", "17"},
      {"invalidation.sweep_pause", "17ms"},
      {"encryption.keys", "1=" + std::string(64, 'a')},
      {"encryption.keys_file", "keys"},
      {"supervision.restart_backoff", "70ms"},
      {"supervision.restart_backoff_max", "7s"},
      {"supervision.restart_limit", "7"},
      {"supervision.restart_window", "70s"},
      {"monitor.report_interval", "500ms"},
      {"monitor.memory_warning", "0.5"},
      {"monitor.memory_critical", "0.95"},
      {"monitor.invalidations_warning", "5"},
      {"monitor.invalidations_critical", "500"},
      {"ledger.prices", "model-1=3/15"},
      {"log.level", "warn"},
  };
  return values;
}

/// Everything that the front hands on when settings change, as text.
std::string handed_on(const settings& s, const node_options& o) {
  std::string all;
  const auto tell = [&all](auto... n) { ((all += std::to_string(n) + ' '), ...); };
  const shard_options& h = o.shard;
  tell(h.lifetimes.otherwise.count(), h.lifetimes.longest.count(), h.lifetimes.jitter_percent,
       h.stale.while_revalidate.count(), h.stale.if_error.count(), h.gate.store_empty, h.gate.store_truncated,
       h.gate.store_filtered, h.gate.store_tool_calls, h.gate.store_unknown, h.gate.share_unstored,
       h.negatives.ttl.count(), h.negatives.longest.count(), h.negatives.rate_limited, h.negatives.refused,
       h.negatives.bad_request, h.negatives.failed, h.leases.lease.count(), h.leases.parked, h.leases.parked_per_key,
       h.park.count(), h.promotion_hits, o.limits.batch_keys, o.limits.in_flight_keys, o.report_interval.count(),
       o.supervision.backoff.count(), o.supervision.backoff_max.count(), o.supervision.limit,
       o.supervision.window.count(), o.figures.memory.warning_percent, o.figures.memory.critical_percent,
       o.figures.invalidations.warning_per_hour, o.figures.invalidations.critical_per_hour);
  for (const auto* list : {&h.lifetimes.operations, &h.stale.while_revalidate_of, &h.stale.if_error_of})
    for (const auto& [name, length] : *list) all += name + '=' + std::to_string(length.count()) + ' ';
  const auto cost = o.figures.prices.find("model-1");
  all += cost ? std::to_string(cost->input) : "unpriced";
  return all + ' ' + s.log.level;
}

/// The same of what read_sharing_again takes over.
std::string shared_by(const sharing_options& o) {
  const redis_options& how = o.link.how;
  std::string all = how.address.user + ' ' + how.address.password + ' ' + how.tls.ca_file + ' ' +
                    how.tls.certificate_file + ' ' + how.tls.key_file + (how.tls.verify_name ? " named " : " any ");
  for (const std::int64_t n :
       {how.core.read_deadline.count(), how.core.write_deadline.count(), how.core.connect_deadline.count(),
        how.core.reconnect_longest.count(), static_cast<std::int64_t>(o.link.connections),
        static_cast<std::int64_t>(o.invalidation.lease.count()), static_cast<std::int64_t>(o.invalidation.sweep.batch),
        static_cast<std::int64_t>(o.invalidation.sweep.pause.count()),
        static_cast<std::int64_t>(o.keys ? o.keys->active() : 0)})
    all += std::to_string(n) + ' ';
  return all;
}

}  // namespace

TEST_CASE("every setting that may change while a node runs is told to those who work by it", "[actors][reload]") {
  const scratch_folder folder;
  const auto file_of = [&](const std::string& name) { return (folder.path() / name).string(); };
  std::ofstream(file_of("password")) << "out of a file\n";
  std::ofstream(file_of("keys")) << "7=" << std::string(64, 'b') << "\n";
  for (const char* name : {"ca", "certificate", "key"}) std::ofstream(file_of(name)) << "-\n";
  settings before = small();
  before.redis.url = "redis://127.0.0.1:1";
  before.redis.password = "secret";
  before.encryption.enabled = true;
  before.encryption.keys = "3=" + std::string(64, 'c');
  std::size_t live = 0;
  for (const config::key_row& row : config::all_keys()) {
    const std::string key = row.key();
    CAPTURE(key);
    const auto other = other_values().find(key);
    CHECK((other != other_values().end()) == (row.reload == config::takes_effect::live));
    if (other == other_values().end()) continue;
    ++live;
    settings after = before;
    const bool is_file = key.ends_with("_file");
    // A file takes the place of what stands in the settings.
    if (key == "redis.password_file") after.redis.password.clear();
    if (key == "encryption.keys_file") after.encryption.keys.clear();
    if (key == "redis.certificate_file") after.redis.key_file = file_of("key");
    if (key == "redis.key_file") after.redis.certificate_file = file_of("certificate");
    REQUIRE(row.assign(after, config::written{is_file ? file_of(other->second) : other->second, false}).empty());
    const auto found = config::compare(before, after);
    CHECK(std::any_of(found.now.begin(), found.now.end(), [&](const config::change& c) { return c.key == key; }));
    CHECK(found.at_restart.empty());
    sharing_options sharing;
    REQUIRE(read_sharing(before, 1, sharing).empty());
    const std::string shared = shared_by(sharing);
    bool renewed = false;
    REQUIRE(read_sharing_again(after, sharing, renewed).empty());
    const bool is_shared = key.starts_with("redis.") || key.starts_with("invalidation.");
    CHECK(renewed == is_shared);
    const bool is_told = handed_on(before, to_options(before, 1, {0})) != handed_on(after, to_options(after, 1, {0}));
    CHECK(is_told != (is_shared || key.starts_with("encryption.")));
    CHECK((shared_by(sharing) != shared) == (is_shared || key.starts_with("encryption.")));
  }
  CHECK(live == other_values().size());
}

TEST_CASE("a running node does by its new settings, without a restart", "[actors][reload]") {
  settings before = small();
  before.ttl.default_ = std::chrono::seconds{10};
  before.ttl.operations = {};
  sim s(by(before));
  const client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))).status == put_status::stored);
  CHECK(s.result(c.put_async(ask(2), response{"", "m", 1, 1, 1})).error == errc::answer_empty);

  settings after = before;
  after.ttl.default_ = std::chrono::seconds{30};
  after.ttl.operations = {{"other", duration{5'000}}};
  after.gate.store_empty = true;
  after.ledger.prices = {{"model-1", {1'000'000, 2'000'000}}};
  const reload_reply told = use(s, after);
  CHECK(told.problems.empty());
  CHECK(keys_of(told.applied) ==
        std::set<std::string>{"ttl.default", "ttl.operations", "gate.store_empty", "ledger.prices"});
  CHECK(told.refused.empty());
  CHECK(running(s) == after);
  CHECK(s.result(c.put_async(ask(3), reply_to(3))).status == put_status::stored);
  CHECK(s.result(c.put_async(ask(4, "other"), reply_to(4))).status == put_status::stored);
  CHECK(s.result(c.put_async(ask(2), response{"", "m", 1, 1, 1})).status == put_status::stored);
  // What was kept before keeps its end.
  CHECK(s.result(c.get_async(ask(1))).time_left() == duration{10'000});
  CHECK(s.result(c.get_async(ask(3))).time_left() == duration{30'000});
  CHECK(s.result(c.get_async(ask(4, "other"))).time_left() == duration{5'000});
  s.pass(duration{1'000});
  // 30 tokens: ten read for one, twenty written for two dollars a million.
  const std::string ledger = s.told<figures_reply>(s.node, figures_request{figures_view::ledger}).json;
  CHECK(ledger.find("\"calls\":3") != std::string::npos);
}

TEST_CASE("a shard that is replaced works by the settings of now", "[actors][reload]") {
  settings before = small();
  before.ttl.operations = {};
  sim s(by(before));
  settings after = before;
  after.ttl.default_ = std::chrono::seconds{7};
  after.supervision.restart_backoff = duration{10};
  use(s, after);
  s.kill(s.map().shards[0]);
  s.pass(duration{20});
  const client c = s.connect();
  CHECK(s.result(c.put_async(ask(1), reply_to(1))).status == put_status::stored);
  CHECK(s.result(c.get_async(ask(1))).time_left() == duration{7'000});
}

TEST_CASE("clients learn of new limits by a new map", "[actors][reload]") {
  settings before = small();
  sim s(by(before));
  const client c = s.connect();
  const std::uint64_t epoch = s.map().epoch;
  settings after = before;
  after.limits.in_flight_keys = 2;
  after.limits.batch_keys = 2;
  use(s, after);
  CHECK(s.map().epoch == epoch + 1);
  CHECK(s.map().limits.in_flight_keys == 2);
  const std::vector<request> three{ask(1), ask(2), ask(3)};
  const auto refused = [&] {
    std::size_t n = 0;
    for (const answer& a : s.result(c.get_async(std::span<const request>(three)))) n += a.error == errc::overloaded;
    return n;
  };
  CHECK(refused() == 1);
  // The same settings again are no change, and no new map.
  CHECK(use(s, after).applied.empty());
  CHECK(s.map().epoch == epoch + 1);
  use(s, before);
  CHECK(refused() == 0);
}

TEST_CASE("what cannot change is told with its reason, and the rest is applied", "[actors][reload]") {
  settings before = small();
  sim s(by(before));
  settings after = before;
  after.memory.budget = 8 << 20;
  after.node.port = 1;
  after.redis.url = "redis://:hunter2@127.0.0.1:1";
  after.promotion.hits = 3;
  const reload_reply told = use(s, after);
  CHECK(keys_of(told.applied) == std::set<std::string>{"promotion.hits"});
  CHECK(keys_of(told.refused) == std::set<std::string>{"memory.budget", "node.port", "redis.url"});
  for (const setting_change& c : told.refused) {
    CHECK(c.why == config::restart_reason(c.key));
    CHECK((c.before + c.after).find("hunter2") == std::string::npos);
  }
  settings now = before;
  now.promotion.hits = 3;
  CHECK(running(s) == now);
}

TEST_CASE("with any problem nothing changes, and all problems are told", "[actors][reload]") {
  settings before = small();
  sim s(by(before));
  settings after = before;
  after.ttl.default_ = std::chrono::seconds{7};
  after.ttl.jitter = 99;
  after.monitor.memory_warning = 0.9;
  after.monitor.memory_critical = 0.2;
  const reload_reply told = use(s, after);
  CHECK(told.problems.size() == 2);
  CHECK(told.applied.empty());
  CHECK(told.refused.empty());
  CHECK(running(s) == before);
}

TEST_CASE("files that cannot be read are problems, and nothing is taken over", "[actors][reload]") {
  settings before = small();
  before.redis.url = "redis://127.0.0.1:1";
  before.encryption.enabled = true;
  before.encryption.keys = "3=" + std::string(64, 'c');
  sharing_options sharing;
  REQUIRE(read_sharing(before, 1, sharing).empty());
  const std::string shared = shared_by(sharing);
  settings after = before;
  after.redis.get_deadline = duration{77};
  after.redis.password_file = "/nowhere/at/all";
  after.encryption.keys_file = "/nowhere/either";
  bool renewed = false;
  CHECK(read_sharing_again(after, sharing, renewed).size() == 2);
  CHECK_FALSE(renewed);
  CHECK(shared_by(sharing) == shared);
}

TEST_CASE("new settings must fit what stays until a restart", "[actors][reload]") {
  settings before = small();
  before.encryption.enabled = true;
  before.encryption.keys = "3=" + std::string(64, 'c');
  before.redis.url = "redis://127.0.0.1:1";
  REQUIRE(config::check(before).empty());
  settings after = before;
  // Encryption stays on until a restart, and would have no keys.
  after.encryption.enabled = false;
  after.encryption.keys.clear();
  after.promotion.hits = 3;
  REQUIRE(config::check(after).empty());
  node_options o = by(before);
  o.shard.shared.on = false;  // nobody is there
  sim s(o);
  const reload_reply told = use(s, after);
  REQUIRE(told.problems.size() == 1);
  CHECK(told.problems[0].find("restart") != std::string::npos);
  CHECK(running(s) == before);
}

TEST_CASE("a node reads its own sources on demand, or says that it has none", "[actors][reload]") {
  const settings before = small();
  config::loaded read;
  read.value = before;
  sim s(by(before, [&read] { return read; }));
  read.value.promotion.hits = 4;
  CHECK(keys_of(s.told<reload_reply>(s.node, reload_request{}).applied) == std::set<std::string>{"promotion.hits"});
  read.problems = {{"file", "ttl.default", "must be a time", "write 1h"},
                   {"file", "ttl.max", "must be one too", "30d"}};
  read.value.promotion.hits = 5;
  CHECK(s.told<reload_reply>(s.node, reload_request{}).problems.size() == 2);
  CHECK(running(s).promotion.hits == 4);
  sim in_code(by(before));
  CHECK(in_code.told<reload_reply>(in_code.node, reload_request{}).problems.size() == 1);
  sim untold(small_node());
  CHECK(use(untold, before).problems.size() == 1);
}

}  // namespace aicache::reload_test
