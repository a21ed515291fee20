// How fast an application reads over the network, beside redis-benchmark in the same run: batches of 64 keys through one
// connection against GET with 64 in a pipeline, and 256 callers of one key each against 50 connections without a pipeline;
// by one, two and four processes at a time. Values of 1 KB, every get a hit. A round measures everything once; medians.
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "actors/client.hpp"
#include "actors/node.hpp"
#include "engine/statistics/histogram.hpp"
#include "tests/support/redis_server.hpp"

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::histogram)

namespace {

using namespace aicache;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr std::uint64_t questions = 16'384;
constexpr std::size_t value_bytes = 1'024;
constexpr std::size_t batch = 64;
constexpr std::size_t batches_under_way = 16;
constexpr std::size_t callers = 256;
constexpr std::chrono::milliseconds warm_up = 300ms;
constexpr std::chrono::milliseconds measured = 1'000ms;

request question(std::uint64_t n) {
  return {"bench", "model-1", "qa", "question " + std::to_string(n % questions), "", ""};
}

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "bench_remote: %s\n", what.c_str());
  std::exit(1);
}

/// What one process, or several together, got.
struct figures {
  double keys_per_second = 0;
  double client_us = 0;  ///< of processor time, a key
  double p50_us = 0;     ///< of a call
  double p99_us = 0;
};

double cpu_us() {
  rusage r{};
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// -- the asking process ------------------------------------------------------

/// What all callers of a process share. They run on scheduler threads, each adds to figures of its own.
struct caller_setup {
  client cache;
  std::size_t keys = 1;
  clock_type::time_point from;
  clock_type::time_point until;
};

/// One caller: asks, waits for the answer, and asks again until the time is over. Its figures go to whoever spawned it.
struct caller {
  explicit caller(caf::stateful_actor<caller>* a) : self(a) {}

  caf::behavior start(const caller_setup& s, std::uint64_t seed, const caf::actor& tell) {
    setup = std::make_unique<caller_setup>(s);
    next = seed * 7'919;
    to = tell;
    ask();
    return {[](caf::ok_atom) {}};
  }
  void ask() {
    if (began = clock_type::now(); began >= setup->until) {
      caf::anon_send(to, std::move(latency), keys);
      return self->quit();
    }
    std::vector<request> all;
    for (std::size_t i = 0; i < setup->keys; ++i) all.push_back(question(next += 31));
    setup->cache.get_list(
        self, all, {}, [this](const std::vector<answer>& got) { answered(got); },
        [](const caf::error&) { fail("the cache is gone"); });
  }
  void answered(const std::vector<answer>& got) {
    for (const answer& a : got)
      if (!a.hit()) fail(std::string("a get was no hit: ") + describe(a.error));
    if (began >= setup->from) {
      latency.record(static_cast<std::uint64_t>((clock_type::now() - began) / 1ns));
      keys += got.size();
    }
    ask();
  }

  caf::stateful_actor<caller>* self;
  std::unique_ptr<caller_setup> setup;
  std::uint64_t next = 0;
  std::uint64_t keys = 0;
  histogram latency;
  clock_type::time_point began;
  caf::actor to;
};

int ask(const std::string& address, bool singly) {
  config::settings s;
  s.node.threads = 2;
  system_config config(s, system_config::network::on);
  caf::actor_system system{config};
  auto cache = client::connect(system, {address});
  if (!cache) fail(cache.why().detail);
  std::puts("connected");
  std::fflush(stdout);
  const auto from = clock_type::now() + warm_up;
  const caller_setup setup{*cache, singly ? 1 : batch, from, from + measured};
  caf::scoped_actor self{system};
  const std::size_t count = singly ? callers : batches_under_way;
  for (std::uint64_t i = 0; i < count; ++i)
    system.spawn([](caf::stateful_actor<caller>* a, const caller_setup& how, std::uint64_t seed,
                    const caf::actor& to) { return a->state.start(how, seed, to); },
                 setup, i + static_cast<std::uint64_t>(getpid()), caf::actor_cast<caf::actor>(self));
  self->receive(caf::after(warm_up) >> [] {});
  const double cpu = cpu_us();
  histogram latency;
  std::uint64_t keys = 0;
  for (std::size_t i = 0; i < count; ++i)
    self->receive([&](const histogram& h, std::uint64_t n) {
      latency.merge(h);
      keys += n;
    });
  const double seconds = std::chrono::duration<double>(clock_type::now() - from).count();
  std::printf("%.0f %.3f %.1f %.1f\n", static_cast<double>(keys) / seconds,
              (cpu_us() - cpu) / static_cast<double>(keys), static_cast<double>(latency.quantile(0.5)) / 1e3,
              static_cast<double>(latency.quantile(0.99)) / 1e3);
  return 0;
}

// -- the measuring process ---------------------------------------------------

void fill(const std::string& address) {
  system_config config({}, system_config::network::on);
  caf::actor_system system{config};
  const auto cache = client::connect(system, {address});
  if (!cache) fail(cache.why().detail);
  std::vector<request> asked;
  std::vector<response> made;
  for (std::uint64_t n = 0; n < questions; ++n) {
    asked.push_back(question(n));
    made.push_back({std::string(value_bytes, static_cast<char>('a' + n % 26)), "model-1", 1, 1, 1});
  }
  put_options o;
  o.deadline = duration{60'000};
  for (const put_result& r : cache->put(asked, made, o))
    if (r.status != put_status::stored) fail("a put was refused");
}

// Processor time of another process so far, in microseconds.
double cpu_us_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 2)));
  std::string skipped;
  double user = 0;
  double system = 0;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  rest >> user >> system;
  return (user + system) * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

figures of_processes(const std::string& self, const std::string& address, bool singly, int processes) {
  std::vector<std::unique_ptr<test::program>> all;
  for (int i = 0; i < processes; ++i)
    all.push_back(std::make_unique<test::program>(
        std::vector<std::string>{self, "--ask", singly ? "singly" : "in-batches", "--node", address}));
  figures sum;
  for (auto& p : all) {
    if (!p->line(10s)) fail("a client did not connect");
  }
  for (auto& p : all) {
    const auto line = p->line(20s);
    figures f;
    if (!line ||
        std::sscanf(line->c_str(), "%lf %lf %lf %lf", &f.keys_per_second, &f.client_us, &f.p50_us, &f.p99_us) != 4)
      fail("a client told no figures");
    sum.keys_per_second += f.keys_per_second;
    sum.client_us += f.client_us / processes;
    sum.p50_us += f.p50_us / processes;
    sum.p99_us = std::max(sum.p99_us, f.p99_us);
  }
  return sum;
}

figures of_redis(std::uint16_t port, int connections, int pipeline, int requests) {
  const std::string command = "redis-benchmark -p " + std::to_string(port) + " -t get -d 1024 -r 1000 --csv -c " +
                              std::to_string(connections) + " -P " + std::to_string(pipeline) + " -n " +
                              std::to_string(requests) + " 2>/dev/null";
  std::FILE* out = popen(command.c_str(), "r");
  if (out == nullptr) fail("redis-benchmark does not run");
  figures f;
  char line[512];
  while (std::fgets(line, sizeof line, out) != nullptr) {
    double rate = 0;
    double average = 0;
    double least = 0;
    double p50 = 0;
    double p95 = 0;
    double p99 = 0;
    if (std::sscanf(line, "\"GET\",\"%lf\",\"%lf\",\"%lf\",\"%lf\",\"%lf\",\"%lf\"", &rate, &average, &least, &p50,
                    &p95, &p99) == 6)
      f = {rate, 0, p50 * 1e3, p99 * 1e3};
  }
  pclose(out);
  return f;
}

double median(std::vector<double> all) {
  std::sort(all.begin(), all.end());
  return all[all.size() / 2];
}

struct row {
  bool singly = false;
  int processes = 1;
  std::vector<figures> got = {};
  std::vector<double> node_us = {};  // of processor time, a key
  std::vector<double> ratios = {};   // to redis-benchmark just before

  double of(double figures::*which) const {
    std::vector<double> all;
    for (const figures& f : got) all.push_back(f.*which);
    return median(all);
  }
};

int measure(const std::string& self, int rounds) {
  test::redis_server redis;
  test::program node({self.substr(0, self.rfind('/')) + "/aicached", "--set", "node.port=0", "--set",
                      "http.enabled=false", "--set", "node.threads=2"});
  const auto ready = node.line(30s);
  const std::string begin = "ready caf=";
  if (!ready || !ready->starts_with(begin)) fail("no node: " + node.errors_so_far());
  const std::string address = ready->substr(begin.size(), ready->find(' ', begin.size()) - begin.size());
  fill(address);
  const std::string store = "redis-benchmark -q -t set -r 1000 -n 20000 -P 16 -d 1024 -p ";
  if (std::system((store + std::to_string(redis.port()) + " >/dev/null 2>&1").c_str()) != 0)
    fail("Redis is not filled");
  std::vector<row> rows = {{false, 1}, {false, 2}, {false, 4}, {true, 1}, {true, 2}, {true, 4}};
  std::vector<figures> theirs[2];
  for (int round = 0; round < rounds; ++round) {
    theirs[0].push_back(of_redis(redis.port(), 1, 64, 300'000));
    theirs[1].push_back(of_redis(redis.port(), 50, 1, 60'000));
    for (row& r : rows) {
      const double before = cpu_us_of(node.pid());
      r.got.push_back(of_processes(self, address, r.singly, r.processes));
      const double keys = r.got.back().keys_per_second * std::chrono::duration<double>(warm_up + measured).count();
      r.node_us.push_back((cpu_us_of(node.pid()) - before) / keys);
      r.ratios.push_back(r.got.back().keys_per_second / theirs[r.singly ? 1 : 0].back().keys_per_second);
    }
  }
  std::printf(
      "| what | keys a second | against Redis | p50 of a call, us | p99, us | us of processor time a key: client | "
      "node |\n|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < 2; ++i) {
    row r{i == 1, 1, theirs[i]};
    std::printf("| redis-benchmark GET, %s | %.0f | | %.0f | %.0f | | |\n",
                i == 0 ? "one connection, 64 deep" : "50 connections, 1 deep", r.of(&figures::keys_per_second),
                r.of(&figures::p50_us), r.of(&figures::p99_us));
  }
  for (const row& r : rows)
    std::printf("| %s, %d process%s | %.0f | %.2f x | %.0f | %.0f | %.2f | %.2f |\n",
                r.singly ? "single gets of 256 callers" : "batches of 64, 16 under way", r.processes,
                r.processes == 1 ? "" : "es", r.of(&figures::keys_per_second), median(r.ratios), r.of(&figures::p50_us),
                r.of(&figures::p99_us), r.of(&figures::client_us), median(r.node_us));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 3;
  std::string how;
  std::string address;
  CLI::App app{"How fast an application reads over the network, beside redis-benchmark on a server of its own."};
  app.add_option("--rounds", rounds, "of which the medians are taken")->check(CLI::Range(1, 1'000));
  app.add_option("--ask", how, "be a client, and ask so")->type_name("singly|in-batches");
  app.add_option("--node", address, "with --ask: of that node")->type_name("HOST:PORT");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);
  if (!how.empty()) return ask(address, how == "singly");
  char self[4'096];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) fail("it does not know where it is");
  return measure(std::string(self, static_cast<std::size_t>(n)), rounds);
}
