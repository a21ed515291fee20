// How fast the link to Redis reads, against redis-benchmark on the same server in the same run: requests of so many
// keys, so many of them outstanding; values of 1 KB, one connection each. Medians; each run stands
// beside one of redis-benchmark, and the ratio is taken of the two.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include "actors/redis/io_thread.hpp"
#include "actors/redis/link.hpp"
#include "tests/support/redis_server.hpp"

namespace {

using namespace aicache;
using clock_type = std::chrono::steady_clock;

constexpr int keys_in_store = 1'000;
constexpr std::size_t value_bytes = 1'024;

const std::string& key(std::uint64_t n) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names;
    for (int i = 0; i < keys_in_store; ++i) {
      char text[32];
      std::snprintf(text, sizeof text, "key:%012d", i);
      names.emplace_back(text);
    }
    return names;
  }();
  return all[n % keys_in_store];
}

// Keeps `outstanding` requests under way until the time is over; then says how many keys a second it got.
caf::behavior reader(caf::event_based_actor* self, link_actor link, std::size_t keys_per_request, int outstanding,
                     std::chrono::milliseconds time, std::shared_ptr<std::promise<double>> told) {
  struct progress {
    clock_type::time_point begin = clock_type::now();
    std::uint64_t next = 0;
    std::uint64_t keys = 0;
    int open = 0;
  };
  auto p = std::make_shared<progress>();
  const auto to = caf::actor_cast<caf::actor>(link);
  const auto ask = [=] {
    fetch_request r{p->next, {}};
    r.keys.reserve(keys_per_request);
    for (std::size_t i = 0; i < keys_per_request; ++i) r.keys.push_back(key(p->next * 7919 + i * 31));
    ++p->next;
    ++p->open;
    self->send(to, std::move(r));
  };
  for (int i = 0; i < outstanding; ++i) ask();
  return {[=](const fetched& f) {
    --p->open;
    for (const fetched_value& v : f.values)
      if (v.how == fetch_status::present && v.bytes.size() == value_bytes) ++p->keys;
    const auto gone = clock_type::now() - p->begin;
    if (gone < time) return ask();
    if (p->open > 0) return;
    told->set_value(static_cast<double>(p->keys) / std::chrono::duration<double>(gone).count());
    self->quit();
  }};
}

// Requests a second, as redis-benchmark says.
double redis_benchmark(std::uint16_t port, int pipeline, int requests) {
  const std::string command = "redis-benchmark -p " + std::to_string(port) + " -t get -c 1 -d 1024 -r 1000 --csv -P " +
                              std::to_string(pipeline) + " -n " + std::to_string(requests) + " 2>/dev/null";
  std::FILE* out = popen(command.c_str(), "r");
  double rate = 0;
  char line[512];
  while (std::fgets(line, sizeof line, out) != nullptr) {
    double r = 0;
    if (std::sscanf(line, "\"GET\",\"%lf\"", &r) == 1) rate = r;
  }
  pclose(out);
  return rate;
}

// Of this process, all threads, in microseconds.
double cpu_time() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 5;
  CLI::App app{"How fast the link to Redis reads, beside redis-benchmark on a server of its own."};
  app.add_option("--rounds", rounds, "of which the medians are taken")->check(CLI::Range(1, 1'000));
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  test::redis_server server;
  caf::actor_system_config config;
  config.set("scheduler.max-threads", 2U).set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  redis_options how;
  how.address.port = server.port();
  how.core.read_deadline = how.core.write_deadline = std::chrono::seconds{10};
  link_setup setup{how, 1, false, {}, std::make_shared<io_thread>("aicache.redis", how.look)};
  const link_actor link = system.spawn<redis_link>(setup);
  caf::scoped_actor self{system};
  const auto to = caf::actor_cast<caf::actor>(link);
  for (bool stored_all = false; !stored_all;) {
    self->send(to, open_gate{0});
    store_request fill{1, caf::actor_cast<caf::strong_actor_ptr>(self), {}};
    for (int i = 0; i < keys_in_store; ++i)
      fill.items.push_back({key(static_cast<std::uint64_t>(i)), std::string(value_bytes, 'x'), 0});
    self->send(to, std::move(fill));
    self->receive([&](const stored& s) {
      stored_all = std::all_of(s.items.begin(), s.items.end(), [](store_status i) { return i == store_status::done; });
    });
  }
  struct row {
    std::size_t keys;
    int outstanding;
    int pipeline;  // of redis-benchmark, to compare with
    std::vector<double> ours = {};
    std::vector<double> cpu = {};  // microseconds a key
    std::vector<double> theirs = {};
    std::vector<double> ratios = {};
  };
  std::vector<row> rows = {{1, 1, 1}, {16, 1, 16}, {64, 1, 64}, {64, 16, 64}, {64, 64, 64}};
  constexpr std::chrono::milliseconds time{250};
  for (int round = 0; round < rounds; ++round)
    for (row& r : rows) {
      auto told = std::make_shared<std::promise<double>>();
      const double cpu = cpu_time();
      system.spawn(reader, link, r.keys, r.outstanding, time, told);
      r.ours.push_back(told->get_future().get());
      r.cpu.push_back((cpu_time() - cpu) / (r.ours.back() * std::chrono::duration<double>(time).count()));
      r.theirs.push_back(redis_benchmark(server.port(), r.pipeline, r.pipeline == 1 ? 10'000 : 200'000));
      r.ratios.push_back(r.ours.back() / r.theirs.back());
    }
  std::printf("%10s %12s %12s %11s %20s %10s\n", "keys", "outstanding", "keys/s", "us CPU/key", "redis-benchmark -P",
              "ratio");
  for (const row& r : rows)
    std::printf("%10zu %12d %12.0f %11.2f %15.0f (%2d) %10.2f\n", r.keys, r.outstanding, median(r.ours), median(r.cpu),
                median(r.theirs), r.pipeline, median(r.ratios));
  caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
  return 0;
}
