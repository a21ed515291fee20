// How fast answers cross from actor to actor: through the client actor, straight from the shards, with and without
// monitoring, and over the network. Identities are made beforehand; every get is a hit.
//
// bench_actors [--node=HOST:PORT] [Google Benchmark's flags]; with --node the network is measured against that node.
#include <benchmark/benchmark.h>
#include <spdlog/spdlog.h>

#include <caf/io/all.hpp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "actors/client.hpp"
#include "actors/node.hpp"

namespace {

using namespace aicache;

constexpr std::size_t threads = 2;  // as the goals are stated
constexpr std::size_t drivers = 2;
constexpr std::size_t outstanding = 8;  // calls of one driver
constexpr std::size_t keys = 16'384;
constexpr std::size_t round_keys = 1 << 17;  // of one driver, between two looks at the clock
constexpr std::size_t local_bytes = 100;
constexpr std::size_t remote_bytes = 1'024;
constexpr duration patience{60'000};

const std::vector<identity>& identities() {
  static const std::vector<identity> all = [] {
    std::vector<identity> made(keys);
    std::mt19937_64 random(1);
    for (identity& id : made)
      for (std::size_t at = 0; at < id.digest.size(); at += sizeof(std::uint64_t)) {
        const std::uint64_t word = random();
        std::memcpy(id.digest.data() + at, &word, sizeof word);
      }
    return made;
  }();
  return all;
}

std::shared_ptr<const name_lists> names() {
  static const auto lists = std::make_shared<const name_lists>(name_lists{{"bench"}, {"tenant"}});
  return lists;
}

get_item item_of(std::size_t number) { return {identities()[number % keys], 0, 0, text_tier::small, false}; }

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bench_actors: %s\n", what);
  std::exit(1);
}

/// Makes calls through a client actor, as client::get_list does, `outstanding` at a time.
struct calling_driver {
  explicit calling_driver(caf::stateful_actor<calling_driver>* a) : self(a) {}

  caf::behavior start(client_actor through, std::size_t batch, std::size_t first) {
    target = std::move(through);
    for (std::size_t c = 0; c < outstanding; ++c) {
      auto made = std::make_shared<call>();
      made->deadline = patience;
      made->names = names();
      for (std::size_t i = 0; i < batch; ++i) made->gets.push_back(item_of(first + c * batch + i));
      calls.push_back(std::move(made));
    }
    return {[this](std::uint64_t messages) {
      promise = self->make_response_promise();
      left = open = messages;
      for (auto& c : calls) ask(c);
      return promise;
    }};
  }

  void ask(const std::shared_ptr<call>& c) {
    if (left == 0) return;
    --left;
    self->request(target, caf::infinite, make_call{c})
        .then(
            [this](const call_finished& done) {
              if (done.what->got.front().status != get_status::hit) fail("a get was no hit");
              if (--open == 0) promise.deliver(caf::ok_atom::value);
              ask(done.what);
            },
            [](const caf::error&) { fail("a call was not answered"); });
  }

  caf::stateful_actor<calling_driver>* self;
  client_actor target;
  std::vector<std::shared_ptr<call>> calls;
  caf::response_promise promise;
  std::size_t left = 0;
  std::size_t open = 0;
};

/// Sends batches straight to the shards: what the client actor is measured against.
struct sending_driver {
  explicit sending_driver(caf::stateful_actor<sending_driver>* a) : self(a) {}

  caf::behavior start(const std::vector<shard_actor>& to, std::size_t batch, std::size_t first) {
    shards = to;
    std::vector<std::vector<get_item>> of_shard(shards.size());
    for (std::size_t i = 0; i < keys; ++i) {
      const get_item item = item_of(first + i);
      of_shard[shard_of(item.id.key(), static_cast<std::uint32_t>(shards.size()))].push_back(item);
    }
    for (std::size_t m = 0; m < outstanding; ++m) {
      const auto& items = of_shard[m % shards.size()];
      auto body = std::make_shared<get_body>();
      body->names = names();
      for (std::size_t i = 0; i < batch; ++i) body->items.push_back(items[(m * batch + i) % items.size()]);
      bodies.push_back(std::move(body));
    }
    return {[this](std::uint64_t messages) {
              promise = self->make_response_promise();
              left = open = messages;
              for (std::size_t m = 0; m < bodies.size(); ++m) ask(m);
              return promise;
            },
            [this](const get_reply& r) {
              if (r.why != errc::none || r.body->results.front().status != get_status::hit) fail("a get was no hit");
              if (--open == 0) promise.deliver(caf::ok_atom::value);
              ask(r.correlation);
            }};
  }

  void ask(std::size_t m) {
    if (left == 0) return;
    --left;
    self->send(shards[m % shards.size()], get_batch{m, patience.count(), false, 0, bodies[m]});
  }

  caf::stateful_actor<sending_driver>* self;
  std::vector<shard_actor> shards;
  std::vector<std::shared_ptr<get_body>> bodies;
  caf::response_promise promise;
  std::size_t left = 0;
  std::size_t open = 0;
};

template <class Driver>
caf::actor spawn_driver(caf::actor_system& system, auto what, std::size_t batch, std::size_t number) {
  return system.spawn([](caf::stateful_actor<Driver>* self, decltype(what) to, std::size_t size,
                         std::size_t first) { return self->state.start(std::move(to), size, first); },
                      std::move(what), batch, number * keys / drivers);
}

void fill(caf::actor_system& system, const client& cache, std::size_t bytes) {
  auto c = std::make_shared<call>();
  c->kind = call_kind::put;
  c->deadline = patience;
  c->names = names();
  for (std::size_t i = 0; i < keys; ++i)
    c->puts.push_back({identities()[i], 0, 0, text_tier::small, 0, own_lifetime,
                       blob::make(std::string(bytes, static_cast<char>('a' + i % 26)), {})});
  caf::scoped_actor self{system};
  self->request(cache.actor(), patience, make_call{c})
      .receive(
          [](const call_finished& done) {
            for (const put_result& r : done.what->stored)
              if (r.status != put_status::stored) fail("a put was refused");
          },
          [](const caf::error&) { fail("the cache could not be filled"); });
}

/// A node with two shards on two threads, filled; or a client's side of one that is elsewhere.
class bench_node {
 public:
  explicit bench_node(const config::settings& s)
      : config_(s), system_(config_), front_(*start_node(system_, s)), cache_(attach()) {
    fill(system_, cache_, local_bytes);
    caf::scoped_actor self{system_};
    self->request(front_, patience, map_request{})
        .receive([&](const shard_map& m) { shards_ = m.shards; },
                 [](const caf::error&) { fail("the node has no map"); });
  }
  bench_node(const std::string& host, std::uint16_t port)
      : config_(settings(watching::reports_and_learns), system_config::network::on),
        system_(config_),
        cache_(connect(host, port)) {
    fill(system_, cache_, remote_bytes);
  }
  ~bench_node() {
    if (front_) stop_node(system_, front_, patience);
  }

  enum class watching { off, reports, reports_and_learns };

  static config::settings settings(watching how) {
    config::settings s;
    s.node.threads = threads;
    s.node.shards = threads;
    // As good as off: no report falls into a measurement.
    if (how == watching::off) s.monitor.report_interval = duration{3'600'000};
    s.eviction.learning = how == watching::reports_and_learns;
    return s;
  }

  caf::actor_system& system() { return system_; }
  const std::vector<shard_actor>& shards() const { return shards_; }
  client attach() {
    auto c = client::attach(system_, front_, patience);
    if (!c) fail("no client");
    return *c;
  }

  client& cache() { return cache_; }

 private:
  client connect(const std::string& host, std::uint16_t port) {
    auto c = client::connect(system_, host, port, patience);
    if (!c) fail("the node cannot be reached");
    return *c;
  }

  system_config config_;
  caf::actor_system system_;
  front_actor front_;
  client cache_;
  std::vector<shard_actor> shards_;
};

void run_rounds(benchmark::State& state, caf::actor_system& system, const std::vector<caf::actor>& all,
                std::size_t batch) {
  const std::size_t messages = std::max<std::size_t>(outstanding, round_keys / 8 / std::max<std::size_t>(8, batch) * 8);
  caf::scoped_actor self{system};
  for (auto _ : state) {
    for (const caf::actor& d : all) self->send(d, std::uint64_t{messages});
    for (std::size_t i = 0; i < all.size(); ++i) self->receive([](caf::ok_atom) {});
  }
  state.counters["keys/s"] = benchmark::Counter(static_cast<double>(state.iterations() * all.size() * messages * batch),
                                                benchmark::Counter::kIsRate);
  for (const caf::actor& d : all) self->send_exit(d, caf::exit_reason::user_shutdown);
}

void through_client(benchmark::State& state, bench_node& node, std::size_t clients) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<client> held{node.cache()};
  while (held.size() < clients) held.push_back(node.attach());
  std::vector<caf::actor> all;
  for (std::size_t d = 0; d < drivers; ++d)
    all.push_back(spawn_driver<calling_driver>(node.system(), held[d % held.size()].actor(), batch, d));
  run_rounds(state, node.system(), all, batch);
}

void from_shards(benchmark::State& state, bench_node& node) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  std::vector<caf::actor> all;
  for (std::size_t d = 0; d < drivers; ++d)
    all.push_back(spawn_driver<sending_driver>(node.system(), node.shards(), batch, d));
  run_rounds(state, node.system(), all, batch);
}

void batches(benchmark::internal::Benchmark* b) {
  for (std::int64_t size : {1, 16, 64, 256}) b->Arg(size);
  b->UseRealTime()->Unit(benchmark::kMillisecond);
}

// Takes --node=HOST:PORT out of the arguments.
std::optional<std::string> node_argument(int& argc, char** argv) {
  constexpr std::string_view flag = "--node=";
  std::optional<std::string> found;
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(flag)) {
      found = std::string(argument.substr(flag.size()));
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const auto address = node_argument(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  spdlog::set_level(spdlog::level::warn);
  if (address) {
    const auto colon = address->rfind(':');
    if (colon == std::string::npos) fail("--node is HOST:PORT");
    bench_node there(address->substr(0, colon), static_cast<std::uint16_t>(std::stoi(address->substr(colon + 1))));
    benchmark::RegisterBenchmark("remote_get", [&](benchmark::State& s) { through_client(s, there, 1); })
        ->Arg(64)
        ->Arg(256)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  }
  using watching = bench_node::watching;
  bench_node whole(bench_node::settings(watching::reports_and_learns));
  bench_node reporting(bench_node::settings(watching::reports));
  bench_node unwatched(bench_node::settings(watching::off));
  batches(benchmark::RegisterBenchmark("client_each", [&](auto& s) { through_client(s, whole, drivers); }));
  batches(benchmark::RegisterBenchmark("client_shared", [&](auto& s) { through_client(s, whole, 1); }));
  batches(benchmark::RegisterBenchmark("shards", [&](auto& s) { from_shards(s, whole); }));
  batches(benchmark::RegisterBenchmark("shards_reporting", [&](auto& s) { from_shards(s, reporting); }));
  batches(benchmark::RegisterBenchmark("shards_unmonitored", [&](auto& s) { from_shards(s, unwatched); }));
  benchmark::RunSpecifiedBenchmarks();
}
