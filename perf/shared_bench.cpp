// What it costs to make an answer ready for Redis, and to believe one from there: part of bench_engine.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "engine/shared/shared_codec.hpp"

namespace {

using namespace aicache;

/// An answer of `size` bytes, of which about a half compresses away.
shared_answer answer_of(std::size_t size) {
  std::string text;
  for (std::uint64_t n = 1; text.size() < size; ++n)
    text += "the order was late, and " + std::to_string(sample_hash({n, 1})) + " is its number; ";
  text.resize(size);
  shared_answer a;
  a.value = blob::make(text, {});
  a.tags = {1, 2};
  return a;
}

std::shared_ptr<const key_ring> keys(bool encrypts) {
  return encrypts ? *parse_key_ring("1=" + std::string(64, '7')) : nullptr;
}

void seal(benchmark::State& state, bool encrypts) {
  shared_codec codec{{}, keys(encrypts)};
  const shared_answer a = answer_of(static_cast<std::size_t>(state.range(0)));
  std::string out;
  for (auto _ : state) benchmark::DoNotOptimize(codec.seal(a, out));
  state.counters["envelope_bytes"] = static_cast<double>(out.size());
  state.SetItemsProcessed(state.iterations());
}

void open(benchmark::State& state, bool encrypts, keep_packed packed) {
  shared_codec codec{{}, keys(encrypts)};
  const shared_answer a = answer_of(static_cast<std::size_t>(state.range(0)));
  std::string bytes;
  if (!codec.seal(a, bytes)) return state.SkipWithError("not sealed");
  for (auto _ : state) {
    auto opened = codec.open(bytes, a.id, packed);
    if (!opened) return state.SkipWithError("not opened");
    benchmark::DoNotOptimize(opened);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(seal, plain, false)->Name("shared_seal/plain")->Arg(1024);
BENCHMARK_CAPTURE(seal, encrypted, true)->Name("shared_seal/encrypted")->Arg(1024);
BENCHMARK_CAPTURE(open, plain, false, keep_packed::no)->Name("shared_open/plain")->Arg(1024);
BENCHMARK_CAPTURE(open, encrypted, true, keep_packed::no)->Name("shared_open/encrypted")->Arg(1024);
BENCHMARK_CAPTURE(open, plain_packed, false, keep_packed::yes)->Name("shared_open_packed/plain")->Arg(1024);
BENCHMARK_CAPTURE(open, encrypted_packed, true, keep_packed::yes)->Name("shared_open_packed/encrypted")->Arg(1024);

}  // namespace
