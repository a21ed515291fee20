// What the engine costs where it is hot, beside a table that only looks up. Every figure is CPU time of one thread;
// figures of one run may be compared with each other, those of different machines may not.
#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/identity/identify.hpp"
#include "engine/shard/shard_core.hpp"
#include "perf/floor_table.hpp"

namespace {

using namespace aicache;

constexpr std::size_t batch_of_sixteen = 16;
constexpr std::size_t queries = 1 << 21;
constexpr std::uint64_t ample = 64ULL << 30;

identity id_of(std::uint64_t number) {
  identity id;
  for (std::uint64_t word = 0; word < 4; ++word) {
    const std::uint64_t w = sample_hash({number + 1, word + 1});
    std::memcpy(id.digest.data() + word * sizeof w, &w, sizeof w);
  }
  return id;
}

/// An answer as models give them, in JSON: half of it is the same in all.
std::string json_answer(std::size_t size, std::uint64_t number) {
  static constexpr const char* words[] = {"service ", "late ",    "order ", "refund ",
                                          "happy ",   "quality ", "price ", "support "};
  std::string text = R"({"sentiment":"positive","confidence":0.)" + std::to_string(sample_hash({number, 1}) % 1000) +
                     R"(,"model":"large-2024-07","usage":{"prompt_tokens":)" + std::to_string(number % 977) +
                     R"(,"completion_tokens":)" + std::to_string(number % 89) + R"(},"explanation":")";
  for (std::uint64_t x = number; text.size() + 2 < size;) text += words[(x = x * 6364136223846793005ULL + 1) >> 61];
  text.resize(size - 2);
  return text + "\"}";
}

shard_options options_with(std::uint64_t budget, double warm_share) {
  shard_options o;
  o.tiers.budget = budget;
  o.tiers.warm_share = warm_share;
  return o;
}

/// A shard and a floor table with the same number of entries, and questions in an order that no cache foresees.
struct pair_of_tables {
  explicit pair_of_tables(std::size_t n) : entries(n), core(options_with(ample, 0)), floor(n) {
    const std::string value(100, 'v');
    core.resolve(names);
    effects out;
    for (std::size_t i = 0; i < n; ++i) {
      const put_item item{id_of(i), 0, 0, text_tier::small, 0, own_lifetime, blob::make(value, {}), false, {}};
      put_result r;
      core.put({&item, 1}, 1, {}, {&r, 1}, out);
      const identity id = id_of(i);
      floor.insert(id.key().lo, reinterpret_cast<const char*>(id.digest.data()), value);
    }
    std::mt19937_64 random(7);
    for (std::size_t i = 0; i < queries; ++i) items.push_back({id_of(random() % n), 0, 0, text_tier::small, false});
  }

  const name_lists names{{"qa"}, {"tenant"}};
  std::size_t entries;
  shard_core core;
  perf::floor_table floor;
  std::vector<get_item> items;
};

/// The tables of the size at hand; those of another size are given up.
pair_of_tables& tables_of(std::size_t n) {
  static std::unique_ptr<pair_of_tables> held;
  if (!held || held->entries != n) {
    held.reset();
    held = std::make_unique<pair_of_tables>(n);
  }
  return *held;
}

const char* key_of(const get_item& item) { return reinterpret_cast<const char*>(item.id.digest.data()); }

void floor_hit(benchmark::State& state) {
  pair_of_tables& t = tables_of(static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    const get_item& item = t.items[i++ % queries];
    sum += static_cast<unsigned char>(*t.floor.find(item.id.key().lo, key_of(item)));
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations());
}

void floor_hit_batch(benchmark::State& state) {
  pair_of_tables& t = tables_of(static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    const get_item* items = &t.items[i++ % (queries / batch_of_sixteen) * batch_of_sixteen];
    for (std::size_t k = 0; k < batch_of_sixteen; ++k) t.floor.prefetch(items[k].id.key().lo);
    for (std::size_t k = 0; k < batch_of_sixteen; ++k) t.floor.prefetch_item(items[k].id.key().lo);
    for (std::size_t k = 0; k < batch_of_sixteen; ++k)
      sum += static_cast<unsigned char>(*t.floor.find(items[k].id.key().lo, key_of(items[k])));
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_of_sixteen));
}

/// `drop`: the caller's part is measured as well, giving the answers' references back.
template <std::size_t batch, bool drop>
void shard_hit(benchmark::State& state) {
  pair_of_tables& t = tables_of(static_cast<std::size_t>(state.range(0)));
  std::array<get_result, batch> results;
  effects out;
  std::size_t i = 0;
  std::uint64_t sum = 0;
  t.core.resolve(t.names);
  const shard_core::batch common{1, 1, never};
  for (auto _ : state) {
    const get_item* items = &t.items[i++ % (queries / batch) * batch];
    t.core.get({items, batch}, common, {1000}, results, out);
    for (get_result& r : results) {
      sum += std::to_integer<unsigned>(*r.value->data());
      if constexpr (drop) {
        r.value = {};
      } else {
        new (&r.value) blob_ref;  // kept for ever, as if by somebody else
      }
    }
  }
  t.core.served(1);
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}

void put_with_eviction(benchmark::State& state, double warm_share) {
  shard_core core(options_with(64 << 20, warm_share));
  const name_lists names{{"qa"}, {"tenant"}};
  core.resolve(names);
  effects out;
  std::vector<std::string> answers;
  for (std::uint64_t i = 0; i < 1000; ++i) answers.push_back(json_answer(1024, i));
  std::uint64_t number = 0;
  const auto put = [&] {
    const put_item item{id_of(number), 0, 0, text_tier::small, 0, own_lifetime, blob::make(answers[number % 1000], {}),
                        false,         {}};
    put_result r;
    core.put({&item, 1}, 1, {}, {&r, 1}, out);
    out.clear();
    ++number;
  };
  while (core.counters().evictions_hot + core.counters().evictions_warm < 1000) put();
  for (auto _ : state) put();
  state.SetItemsProcessed(state.iterations());
}

void warm_hit(benchmark::State& state, bool with_dictionary) {
  const auto size = static_cast<std::size_t>(state.range(0));
  shard_options o = options_with(256 << 20, 0.5);
  o.tiers.compression_min_bytes = 64;
  o.tiers.compression_min_gain = 1;
  if (!with_dictionary) o.tiers.dictionary_bytes = 0;
  shard_core core(o);
  const name_lists names{{"qa"}, {"tenant"}};
  core.resolve(names);
  effects out;
  constexpr std::uint64_t entries = 10'000;
  for (std::uint64_t i = 0; i < entries + o.tiers.dictionary_samples; ++i) {
    const std::uint64_t key = i % entries;
    const put_item item{id_of(key), 0, 0, text_tier::xlarge, 0, own_lifetime, blob::make(json_answer(size, key), {}),
                        false,      {}};
    put_result r;
    core.put({&item, 1}, 1, {}, {&r, 1}, out);
    for (effect& e : out)
      if (auto* job = std::get_if<train_job>(&e)) {
        effects none;
        core.trained(job->operation, train(job->samples, job->dictionary_bytes, job->level), none);
      }
    out.clear();
  }
  std::uint64_t i = 0;
  for (auto _ : state) {
    const get_item item{id_of(i++ * 7919 % entries), 0, 0, text_tier::xlarge, false};
    get_result r;
    core.get({&item, 1}, {1, 1, never}, {1000}, {&r, 1}, out);
    benchmark::DoNotOptimize(r.value.get());
  }
  const shard_counters& c = core.counters();
  state.counters["ratio"] = static_cast<double>(c.packed_raw_bytes) / static_cast<double>(c.packed_bytes);
  state.SetItemsProcessed(state.iterations());
}

void identify_request(benchmark::State& state) {
  identifier identify{identity_options{}};
  const request asked{
      "tenant", "large-2024-07", "summarize", std::string(150, 'x'), R"({"max_length":100,"style":"short"})", ""};
  for (auto _ : state) benchmark::DoNotOptimize(identify.identify(asked));
  state.SetItemsProcessed(state.iterations());
}

void register_all() {
  benchmark::RegisterBenchmark("identity_150_bytes", identify_request);
  for (const std::int64_t n : {100'000, 1'000'000, 10'000'000}) {
    benchmark::RegisterBenchmark("floor/one", floor_hit)->Arg(n);
    benchmark::RegisterBenchmark("shard/one", shard_hit<1, false>)->Arg(n);
    benchmark::RegisterBenchmark("shard/one_and_drop", shard_hit<1, true>)->Arg(n);
    benchmark::RegisterBenchmark("floor/batch16", floor_hit_batch)->Arg(n);
    benchmark::RegisterBenchmark("shard/batch16", shard_hit<batch_of_sixteen, false>)->Arg(n);
    benchmark::RegisterBenchmark("shard/batch16_and_drop", shard_hit<batch_of_sixteen, true>)->Arg(n);
  }
  benchmark::RegisterBenchmark("put_with_eviction/hot_only", put_with_eviction, 0.0);
  benchmark::RegisterBenchmark("put_with_eviction/warm", put_with_eviction, 0.5);
  for (const std::int64_t size : {240, 1024}) {
    benchmark::RegisterBenchmark("warm_hit/plain", warm_hit, false)->Arg(size);
    benchmark::RegisterBenchmark("warm_hit/dictionary", warm_hit, true)->Arg(size);
  }
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
