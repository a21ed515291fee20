#include "config/rules.hpp"

#include <catch2/catch.hpp>

#include "config/key_table.hpp"
#include "config/sources.hpp"

namespace aicache::rules_test {

using namespace aicache::config;

namespace {

/// The keys that are in breach of rules, in order.
std::vector<std::string> in_breach(const settings& s) {
  std::vector<std::string> out;
  for (const auto& rule : all_rules())
    for (const auto& found : rule.check(s)) {
      CHECK(found.rule.starts_with("must be ") + found.rule.starts_with("must give ") == 1);
      CHECK_FALSE(found.fix.empty());
      out.push_back(found.key);
    }
  return out;
}

using none = std::vector<std::string>;
using these = std::vector<std::string>;

}  // namespace

TEST_CASE("the defaults keep every rule", "[config][rules]") { CHECK(in_breach(settings{}) == none{}); }

TEST_CASE("every rule reads keys that exist and complains of one of them", "[config][rules]") {
  for (const auto& rule : all_rules()) {
    CHECK_FALSE(rule.reads.empty());
    for (const auto key : rule.reads) CHECK(nearest_key(key).key() == key);
  }
}

TEST_CASE("the node listens on loopback only", "[config][rules]") {
  settings s;
  for (const char* host : {"127.0.0.1", "127.255.255.255", "127.0.0.0", "127.1.2.3", "::1", "localhost"}) {
    CAPTURE(host);
    CHECK(is_loopback(host));
    s.node.host = host;
    CHECK(in_breach(s) == none{});
  }
  for (const char* host : {"0.0.0.0",
                           "::",
                           "*",
                           "128.0.0.1",
                           "10.0.0.1",
                           "127.0.0",
                           "127.0.0.1.",
                           "127.0.0.1.2",
                           "127.1",
                           "127",
                           "127.0.0.256",
                           "127.0.0.01",
                           "0177.0.0.1",
                           "127.0.0.-1",
                           "127.0.0.1 ",
                           " 127.0.0.1",
                           "127.0.0.1.example.org",
                           "localhost.example.org",
                           "LOCALHOST",
                           "127...1",
                           "::2",
                           "",
                           ".",
                           "127.0.0.1:80",
                           "127.0.0.+1",
                           "127.0.0.1\n"}) {
    CAPTURE(host);
    CHECK_FALSE(is_loopback(host));
    s.node.host = host;
    CHECK(in_breach(s) == these{"node.host"});
  }
}

TEST_CASE("with TLS the node listens anywhere; half of TLS is none, and all that it lacks is told", "[config][rules]") {
  settings s;
  s.node.host = "0.0.0.0";
  s.tls.certificate_file = "node.pem";
  s.tls.key_file = "node.key";
  s.tls.ca_file = "ca.pem";
  s.tls.peers = "cache.example.org,*.workers.example.org,10.0.0.7,fd00::1";
  CHECK(in_breach(s) == none{});
  std::string* const parts[] = {&s.tls.certificate_file, &s.tls.key_file, &s.tls.ca_file};
  const char* const keys[] = {"tls.certificate_file", "tls.key_file", "tls.ca_file"};
  for (std::size_t missing = 0; missing < 3; ++missing) {
    const std::string kept = std::exchange(*parts[missing], "");
    CHECK(in_breach(s) == these{"node.host", keys[missing]});
    *parts[missing] = kept;
  }
  settings bare;
  bare.tls.peers = "cache.example.org";
  CHECK(in_breach(bare) == these{"tls.certificate_file", "tls.key_file", "tls.ca_file"});
  bare.tls.peers.clear();
  bare.tls.passphrase_file = "phrase";
  CHECK(in_breach(bare) == these{"tls.certificate_file", "tls.key_file", "tls.ca_file"});
}

TEST_CASE("peers are names and addresses", "[config][rules]") {
  settings s;
  s.tls.certificate_file = s.tls.key_file = s.tls.ca_file = "some.pem";
  for (const char* name : {"a", "a.b", "*.a.b", "a-1.b", "127.0.0.1", "::1"}) {
    CAPTURE(name);
    s.tls.peers = name;
    CHECK(in_breach(s) == none{});
  }
  for (const char* name : {"*", "*.", ".a", "a.", "a b", "a,,b", ",a", "a,*", "*a.b", "a.*.b", "https://a"}) {
    CAPTURE(name);
    s.tls.peers = name;
    CHECK(in_breach(s) == these{"tls.peers"});
  }
}

TEST_CASE("every shard has room for an index and a few answers", "[config][rules]") {
  settings s;
  s.memory.budget = 1_MiB;
  for (const std::uint32_t shards : {0U, 1U, 4U}) {
    s.node.shards = shards;
    CHECK(in_breach(s) == none{});
  }
  s.node.shards = 5;
  CHECK(in_breach(s) == these{"memory.budget"});
  s.memory.budget = 5 * smallest_shard;
  CHECK(in_breach(s) == none{});
  --s.memory.budget;
  CHECK(in_breach(s) == these{"memory.budget"});
}

TEST_CASE("the largest batch can be in flight", "[config][rules]") {
  settings s;
  s.limits.in_flight_keys = s.limits.batch_keys;
  CHECK(in_breach(s) == none{});
  --s.limits.in_flight_keys;
  CHECK(in_breach(s) == these{"limits.batch_keys"});
}

TEST_CASE("no life is longer than the longest", "[config][rules]") {
  settings s;
  s.ttl.max = 24_h;
  CHECK(in_breach(s) == none{});
  s.ttl.max = s.ttl.default_;
  CHECK(in_breach(s) == these{"ttl.operations", "ttl.operations", "ttl.operations"});
  s.ttl.operations.clear();
  CHECK(in_breach(s) == none{});
  --s.ttl.max;
  CHECK(in_breach(s) == these{"ttl.default"});
}

TEST_CASE("one key parks no more callers than all keys together", "[config][rules]") {
  settings s;
  s.lease.max_parked = s.lease.max_parked_per_key;
  CHECK(in_breach(s) == none{});
  --s.lease.max_parked;
  CHECK(in_breach(s) == these{"lease.max_parked_per_key"});
}

TEST_CASE("text tiers ascend strictly", "[config][rules]") {
  settings s;
  s.text_tiers.medium = s.text_tiers.small + 1;
  CHECK(in_breach(s) == none{});
  s.text_tiers.medium = s.text_tiers.small;
  CHECK(in_breach(s) == these{"text_tiers.medium"});
  s.text_tiers.medium = 5000;
  s.text_tiers.large = 5000;
  CHECK(in_breach(s) == these{"text_tiers.large"});
  s.text_tiers.small = 5000;
  CHECK(in_breach(s) == these{"text_tiers.medium", "text_tiers.large"});
}

TEST_CASE("warnings come before alarms", "[config][rules]") {
  settings s;
  s.monitor.memory_critical = s.monitor.memory_warning;
  s.monitor.invalidations_critical = s.monitor.invalidations_warning;
  CHECK(in_breach(s) == none{});
  s.monitor.memory_critical = 0.5;
  --s.monitor.invalidations_critical;
  CHECK(in_breach(s) == these{"monitor.memory_critical", "monitor.invalidations_critical"});
}

TEST_CASE("workers are given nothing that is not compressed", "[config][rules]") {
  settings s;
  s.compression.worker_bytes = s.compression.min_bytes;
  CHECK(in_breach(s) == none{});
  --s.compression.worker_bytes;
  CHECK(in_breach(s) == these{"compression.worker_bytes"});
}

TEST_CASE("a dictionary is large enough to be trained, or there is none", "[config][rules]") {
  settings s;
  for (const std::uint64_t bytes : {0, 256, 65536}) {
    s.compression.dictionary_bytes = bytes;
    CHECK(in_breach(s) == none{});
  }
  for (const std::uint64_t bytes : {1, 255}) {
    s.compression.dictionary_bytes = bytes;
    CHECK(in_breach(s) == these{"compression.dictionary_bytes"});
  }
}

TEST_CASE("a member of a cluster has a plain name and can find the others", "[config][rules]") {
  settings s;
  s.cluster.name = "node-1";
  CHECK(in_breach(s) == these{"cluster.seeds"});
  s.cluster.seeds = "10.0.0.1:7411,node-2.example:7411,[::1]:7411";
  CHECK(in_breach(s) == none{});
  s.cluster.seeds.clear();
  s.redis.url = "redis://127.0.0.1:6379";
  CHECK(in_breach(s) == none{});
  s.cluster.name = "node 1";
  CHECK(in_breach(s) == these{"cluster.name"});
  s.cluster.name = "node-1";
  for (const char* seeds : {"10.0.0.1", ":7411", "a:0", "a:65536", "a:1,,b:2", "a:1, b:2", "a:x"}) {
    CAPTURE(seeds);
    s.cluster.seeds = seeds;
    CHECK(in_breach(s) == these{"cluster.seeds"});
  }
}

TEST_CASE("a lease in a cluster has three heartbeats", "[config][rules]") {
  settings s;
  s.cluster.heartbeat = s.cluster.lease / 3;
  CHECK(in_breach(s) == none{});
  s.cluster.heartbeat += std::chrono::milliseconds{1};
  CHECK(in_breach(s) == these{"cluster.heartbeat"});
}

TEST_CASE("the pause before a restart starts below its bound", "[config][rules]") {
  settings s;
  s.supervision.restart_backoff = s.supervision.restart_backoff_max;
  CHECK(in_breach(s) == none{});
  ++s.supervision.restart_backoff;
  CHECK(in_breach(s) == these{"supervision.restart_backoff"});
}

TEST_CASE("the level of the log is one that exists", "[config][rules]") {
  settings s;
  for (const char* level : {"trace", "debug", "info", "warn", "error", "off"}) {
    s.log.level = level;
    CHECK(in_breach(s) == none{});
  }
  for (const char* level : {"Info", "warning", "", "in"}) {
    s.log.level = level;
    CHECK(in_breach(s) == these{"log.level"});
  }
}

TEST_CASE("a rule is not asked while a key that it reads is in doubt", "[config][rules]") {
  const auto result = load({std::nullopt, {}, {"text_tiers.medium=100000", "text_tiers.large=x"}});
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].key == "text_tiers.large");
}

TEST_CASE("a breach is blamed on the source that wrote the key", "[config][rules]") {
  const auto result = load({std::nullopt, {{"AICACHE_LOG_LEVEL", "loud"}}, {"ttl.max=1m", "ttl.operations=none"}});
  REQUIRE(result.problems.size() == 2);
  CHECK(result.problems[0].key == "ttl.default");
  CHECK(result.problems[0].source == "default");
  CHECK(result.problems[1].key == "log.level");
  CHECK(result.problems[1].source == "environment AICACHE_LOG_LEVEL");
}

}  // namespace aicache::rules_test
