#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "actors/client.hpp"
#include "actors/node.hpp"
#include "tests/system/cluster.hpp"

// What readers of a cluster saw, written down with the times of every call and judged afterwards: whatever fails
// meanwhile, nobody may read what was forgotten, or overwritten in Redis, longer ago than the lease.
namespace aicache::cluster_history_test {
namespace {

using namespace test;
using clock_type = std::chrono::steady_clock;

constexpr std::uint64_t keys = 48;
constexpr std::uint64_t groups = 6;  // of keys with one tag
constexpr unsigned callers = 6;
constexpr std::chrono::milliseconds lease = 1'000ms;

/// How often it is run, each time with another seed; more by AICACHE_HISTORY_RUNS.
int runs() {
  const char* wanted = std::getenv("AICACHE_HISTORY_RUNS");
  return wanted == nullptr ? 2 : std::atoi(wanted);
}

struct event {
  enum class kind { put, get, erase, forget } what = kind::get;
  std::uint64_t key = 0;      ///< of forget: the group
  std::uint64_t version = 0;  ///< put, or seen; 0 for none
  clock_type::time_point begin;
  clock_type::time_point end;
  bool done = false;    ///< it was said to have been carried out; else it may have been or not
  bool shared = false;  ///< of put: Redis has it
};

request about(std::uint64_t key) { return {"acme", "model-1", "qa", "history " + std::to_string(key), "", ""}; }
std::string tag_of(std::uint64_t key) { return "group-" + std::to_string(key % groups); }

/// Calls at random, until told to stop.
class caller {
 public:
  caller(client cache, std::uint64_t seed, std::atomic<std::uint64_t>& versions, const std::atomic<bool>& stop)
      : cache_(std::move(cache)), dice_(seed), versions_(versions), stop_(stop) {}

  void run() {
    while (!stop_) {
      event e;
      e.key = dice_() % keys;
      const auto roll = dice_() % 100;
      e.what = roll < 70   ? event::kind::get
               : roll < 92 ? event::kind::put
               : roll < 98 ? event::kind::erase
                           : event::kind::forget;
      e.begin = clock_type::now();
      call(e);
      e.end = clock_type::now();
      events.push_back(e);
    }
  }

  std::vector<event> events;
  std::vector<std::string> wrong;  ///< answers to another question

 private:
  void call(event& e) {
    switch (e.what) {
      case event::kind::get: {
        const answer a = cache_.get(about(e.key), {false, 2'000ms});
        e.done = a.error == errc::none;
        if (!a.hit()) return;
        std::uint64_t key = 0;
        if (std::sscanf(std::string(a.text()).c_str(), "%lu %lu", &key, &e.version) != 2 || key != e.key)
          wrong.push_back(std::to_string(e.key) + ": " + std::string(a.text()));
        return;
      }
      case event::kind::put: {
        e.version = ++versions_;
        put_options o;
        o.write_through = true;
        o.deadline = 2'000ms;
        o.tags = {tag_of(e.key)};
        const put_result r =
            cache_.put(about(e.key), {std::to_string(e.key) + ' ' + std::to_string(e.version), "m", 1, 1, 1}, o);
        e.done = r.status == put_status::stored;
        e.shared = e.done && r.shared == shared_copy::written;
        return;
      }
      case event::kind::erase: e.done = cache_.erase(about(e.key)).error == errc::none; return;
      case event::kind::forget: {
        e.key %= groups;
        e.done = static_cast<bool>(cache_.invalidate({scope_kind::tag, "acme", tag_of(e.key)}, 2'000ms));
        return;
      }
    }
  }

  client cache_;
  std::mt19937_64 dice_;
  std::atomic<std::uint64_t>& versions_;
  const std::atomic<bool>& stop_;
};

struct verdict {
  std::size_t gets = 0;
  std::size_t hits = 0;
  std::size_t failed = 0;               ///< calls that ended with an error
  std::vector<std::string> forgotten;   ///< read later than the lease after it was forgotten
  std::vector<std::string> superseded;  ///< read later than the lease after Redis had a newer one
};

verdict judge(const std::vector<event>& all) {
  verdict v;
  std::map<std::uint64_t, const event*> put_of;
  std::array<std::vector<const event*>, keys> ends;    // invalidations of a key
  std::array<std::vector<const event*>, keys> shared;  // puts of it that Redis had
  for (const event& e : all) {
    if (!e.done) ++v.failed;
    if (e.what == event::kind::put) {
      put_of[e.version] = &e;
      if (e.shared) shared[e.key].push_back(&e);
    }
    if (!e.done) continue;
    if (e.what == event::kind::erase) ends[e.key].push_back(&e);
    if (e.what == event::kind::forget)
      for (std::uint64_t k = e.key; k < keys; k += groups) ends[k].push_back(&e);
  }
  for (const event& e : all) {
    if (e.what != event::kind::get) continue;
    ++v.gets;
    if (e.version == 0) continue;
    ++v.hits;
    const event& put = *put_of.at(e.version);
    // Of one that failed nobody knows when it came about.
    if (!put.done) continue;
    const auto too_late = [&](const event* by) { return put.end < by->begin && by->end + lease < e.begin; };
    const auto tell = [&](const event* by) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(e.begin - by->end).count();
      return "key " + std::to_string(e.key) + " version " + std::to_string(e.version) + ", " + std::to_string(ms) +
             " ms later";
    };
    for (const event* by : ends[e.key])
      if (too_late(by)) v.forgotten.push_back(tell(by));
    for (const event* by : shared[e.key])
      if (too_late(by)) v.superseded.push_back(tell(by) + " than version " + std::to_string(by->version));
  }
  return v;
}

/// One thing after another happens to the nodes and to Redis.
void disturb(cluster_processes& nodes, redis_server& redis, std::mt19937_64& dice, std::string& what_happened) {
  const std::vector<std::string> all{"a", "b", "c"};
  const std::string& victim = all[dice() % all.size()];
  switch (dice() % 4) {
    case 0:
      what_happened += " kill " + victim;
      nodes.kill(victim);
      std::this_thread::sleep_for(1'500ms);
      nodes.start(victim, usual(redis.port()));
      break;
    case 1:
      what_happened += " hang " + victim;
      nodes[victim].process().signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds{500 + dice() % 2'500});
      nodes[victim].process().signal(SIGCONT);
      break;
    case 2:
      what_happened += " redis hangs";
      redis.signal(SIGSTOP);
      std::this_thread::sleep_for(std::chrono::milliseconds{300 + dice() % 2'000});
      redis.signal(SIGCONT);
      break;
    case 3:
      what_happened += " leave " + victim;
      nodes[victim].process().drain();
      nodes.kill(victim);
      std::this_thread::sleep_for(300ms);
      nodes.start(victim, usual(redis.port()));
      break;
  }
  std::this_thread::sleep_for(700ms);
}

}  // namespace

TEST_CASE("whatever fails, nobody reads what was forgotten or overwritten longer ago than the lease",
          "[system][cluster][history]") {
  for (int run = 1; run <= runs(); ++run) {
    std::mt19937_64 dice(static_cast<std::uint64_t>(run));
    redis_server redis;
    cluster_processes nodes;
    std::vector<std::string> addresses;
    for (const char* name : {"a", "b", "c"})
      addresses.push_back(nodes.start(name, usual(redis.port())).process().address());
    REQUIRE(nodes.becomes_whole({"a", "b", "c"}));
    system_config config({}, system_config::network::on);
    caf::actor_system system{config};
    const auto cache = client::connect(system, addresses);
    REQUIRE(cache);
    std::atomic<std::uint64_t> versions{0};
    std::atomic<bool> stop{false};
    std::vector<std::unique_ptr<caller>> all;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < callers; ++i) {
      all.push_back(std::make_unique<caller>(*cache, dice(), versions, stop));
      threads.emplace_back([c = all.back().get()] { c->run(); });
    }
    std::string what_happened;
    for (int i = 0; i < 2; ++i) disturb(nodes, redis, dice, what_happened);
    const bool is_whole = nodes.becomes_whole({"a", "b", "c"});
    std::this_thread::sleep_for(lease + 500ms);
    stop = true;
    for (std::thread& t : threads) t.join();
    std::vector<event> events;
    std::vector<std::string> wrong;
    for (const auto& c : all) {
      events.insert(events.end(), c->events.begin(), c->events.end());
      wrong.insert(wrong.end(), c->wrong.begin(), c->wrong.end());
    }
    const verdict v = judge(events);
    CAPTURE(run, what_happened, events.size(), v.gets, v.hits, v.failed);
    CHECK(is_whole);
    CHECK(wrong == std::vector<std::string>{});
    CHECK(v.forgotten == std::vector<std::string>{});
    CHECK(v.superseded == std::vector<std::string>{});
    CHECK(v.hits > 100);
  }
}

}  // namespace aicache::cluster_history_test
