// aicache-replay: how often would this cache miss on a recorded trace? Plays a trace of keys through real shard cores,
// each entry one unit of memory, and prints one line of CSV for every size.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "config/version.hpp"
#include "engine/shard/shard_core.hpp"
#include "perf/input_file.hpp"

namespace {

using namespace aicache;

struct replay_options {
  std::string trace;
  std::vector<std::uint64_t> entries;
  std::uint32_t shards = 1;
  std::uint64_t seed = 1;
};

// Time stands still in a replay: nothing expires, and no wait ends.
constexpr instant always{1};

// A key of the trace becomes an identity as uniform as a digest: the finaliser of SplitMix64, once per half. The seed
// moves every key to another place, to tell luck from merit.
identity identity_of(std::uint64_t key, std::uint64_t seed) {
  const auto mixed = [](std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  };
  identity id;
  const std::uint64_t hi = mixed(key ^ mixed(seed));
  const std::uint64_t lo = mixed(hi);
  std::memcpy(id.digest.data(), &hi, sizeof hi);
  std::memcpy(id.digest.data() + sizeof hi, &lo, sizeof lo);
  return id;
}

/// One node: shards and the learner that steers them all, as the monitor does it.
class replayed_node {
 public:
  replayed_node(std::uint64_t entries, std::uint32_t shards, std::uint64_t seed)
      : learner_({entries * unit(), unit(), first_eviction_mode}), queues_(shards) {
    for (std::uint32_t s = 0; s < shards; ++s) {
      shard_options o;
      o.gate.store_empty = true;  // keys are replayed, not answers
      o.tiers.budget = (entries / shards + (s < entries % shards ? 1 : 0)) * unit();
      o.tiers.warm_share = 0;
      o.tiers.charge_overhead = false;
      o.seed = seed + s;
      shards_.push_back(std::make_unique<shard_core>(o));
      shards_.back()->resolve(names_);
    }
    steer_all();
  }

  /// One request: a get, and on a miss a put. True for a hit.
  bool request(const identity& id) {
    const std::uint32_t at = shard_of(id.key(), static_cast<std::uint32_t>(shards_.size()));
    shard_core& shard = *shards_[at];
    const get_item asked{id, 0, 0, text_tier::small, false};
    get_result got;
    shard.get({&asked, 1}, {}, always, {&got, 1}, none_);
    const bool hit = got.status == get_status::hit;
    if (sample_hash(id.key()) <= threshold_) sampled_one(at);
    if (!hit) {
      const put_item made{id, 0, 0, text_tier::small, 0, own_lifetime, blob::make("", {})};
      put_result stored;
      shard.put({&made, 1}, 1, always, {&stored, 1}, none_);
    }
    none_.clear();
    return hit;
  }

 private:
  // What an empty answer is charged: the memory of every entry here.
  static std::uint64_t unit() {
    static const std::uint64_t charged = blob::make("", {})->charged();
    return charged;
  }

  // A shard sends its samples as soon as it has a batch of the size that the learner asks for, or room for no more.
  void sampled_one(std::uint32_t at) {
    const std::uint32_t wanted = learner_.batch_size(static_cast<std::uint32_t>(shards_.size()));
    if (++queues_[at] < wanted && !shards_[at]->samples_full()) return;
    queues_[at] = 0;
    learner_.feed(shards_[at]->take_samples());
    if (learner_.mode() != mode_ || learner_.sample_threshold() != threshold_) steer_all();
  }

  void steer_all() {
    mode_ = learner_.mode();
    threshold_ = learner_.sample_threshold();
    for (const auto& s : shards_) s->steer(mode_, threshold_);
  }

  const name_lists names_{{"replay"}, {"trace"}};
  mode_learner learner_;
  eviction_mode mode_ = first_eviction_mode;
  std::uint64_t threshold_ = 0;
  std::vector<std::unique_ptr<shard_core>> shards_;
  std::vector<std::uint32_t> queues_;  // samples that wait in each shard
  effects none_;
};

outcome<std::vector<std::uint64_t>> read_trace(const std::string& path) {
  auto file = perf::input_file::open(path);
  if (!file) return file.why();
  std::vector<std::uint64_t> keys;
  std::array<std::uint64_t, 8192> part;
  for (;;) {
    const auto n = file->read(std::as_writable_bytes(std::span(part)));
    if (!n) return n.why();
    if (*n % sizeof(std::uint64_t) != 0) return fault{errc::corrupt, "the trace ends within a key"};
    if (*n == 0) return keys;
    keys.insert(keys.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*n / sizeof(std::uint64_t)));
  }
}

int replay(const replay_options& o) {
  const auto keys = read_trace(o.trace);
  if (!keys || keys->empty()) {
    std::fprintf(stderr, "aicache-replay: %s: %s\n", o.trace.c_str(),
                 keys ? "the trace is empty" : keys.why().detail.c_str());
    return 1;
  }
  const std::string name = perf::bare_name(o.trace);
  std::puts("trace,size_entries,miss_ratio");
  for (std::uint64_t entries : o.entries) {
    replayed_node node(entries, o.shards, o.seed);
    std::uint64_t missed = 0;
    for (std::uint64_t key : *keys) missed += node.request(identity_of(key, o.seed)) ? 0 : 1;
    std::printf("%s,%llu,%.6f\n", name.c_str(), static_cast<unsigned long long>(entries),
                static_cast<double>(missed) / static_cast<double>(keys->size()));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"aicache-replay: the miss ratio of aicache's eviction on a trace of keys"};
  replay_options o;
  app.add_option("--trace", o.trace, "64-bit little-endian keys, one a request; .zst is decompressed")
      ->required()
      ->type_name("FILE.u64[.zst]");
  app.add_option("--entries", o.entries, "a size of the cache in entries; repeat it for several")
      ->required()
      ->check(CLI::PositiveNumber);
  app.add_option("--shards", o.shards, "shards that share the entries")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "places the keys anew")->capture_default_str();
  app.set_version_flag("--version", AICACHE_VERSION);
  CLI11_PARSE(app, argc, argv);
  return replay(o);
}
