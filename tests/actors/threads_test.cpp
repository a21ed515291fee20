#include "actors/client.hpp"
#include "actors/node.hpp"
#include "tests/support/sim.hpp"

#include <atomic>
#include <random>
#include <thread>

using namespace aicache;
using namespace aicache::test;

namespace {

config::settings settings_of_a_test() {
  config::settings s;
  s.node.threads = 2;
  s.node.shards = 2;
  s.memory.budget = 128 << 20;
  return s;
}

// A node on real threads, with a client in its own system or in another that reaches it over loopback.
struct running_node {
  explicit running_node(bool remote) {
    node = *start_node(system, settings);
    if (!remote) {
      cache = std::make_unique<client>(*client::attach(system, node));
      return;
    }
    const auto port = publish(system, node, "127.0.0.1", 0);
    REQUIRE(port);
    there = std::make_unique<caf::actor_system>(there_config);
    auto c = client::connect(*there, "127.0.0.1", *port);
    REQUIRE(c);
    cache = std::make_unique<client>(*c);
  }
  ~running_node() {
    cache.reset();
    there.reset();
    stop_node(system, node, duration{5'000});
  }
  running_node(const running_node&) = delete;
  running_node& operator=(const running_node&) = delete;

  config::settings settings = settings_of_a_test();
  system_config config{settings, system_config::network::on};
  system_config there_config{settings, system_config::network::on};
  caf::actor_system system{config};
  front_actor node;
  std::unique_ptr<caf::actor_system> there;
  std::unique_ptr<client> cache;
};

// Texts that compress, and texts that do not.
std::string text_of(std::size_t size, std::uint64_t seed, bool noise) {
  std::mt19937_64 dice(seed);
  std::string s(size, '\0');
  for (char& c : s) c = noise ? static_cast<char>(dice()) : static_cast<char>('a' + dice() % 4);
  return s;
}

}  // namespace

TEST_CASE("a thread does everything with a cache in its process and on another machine", "[actors][client][remote]") {
  running_node n(GENERATE(false, true));
  const client& c = *n.cache;
  CHECK(c.get(ask(1)).status == get_status::miss);
  CHECK(c.put(ask(1), reply_to(1)) == put_result{});
  CHECK(c.get(ask(1)).text() == "answer 1");
  CHECK(c.get(ask(1)).model() == "model-1");
  CHECK(c.get(ask(1)).facts() == answer_facts{10, 20, 30, 8});
  CHECK(c.exists(ask(1)).found);
  CHECK(c.touch(ask(1), duration{60'000}) == key_result{true, errc::none, 60'000});
  CHECK(c.time_left(ask(1)).left_ms <= 60'000);
  CHECK(c.time_left(ask(1)).left_ms > 50'000);
  CHECK(c.erase(ask(1)).found);
  CHECK_FALSE(c.erase(ask(1)).found);
  CHECK_FALSE(c.exists(ask(1)).found);
  CHECK_FALSE(c.touch(ask(1), duration{60'000}).found);
  CHECK_FALSE(c.time_left(ask(1)).found);
  get_options o;
  o.lease = true;
  const answer leased = c.get(ask(1), o);
  REQUIRE(leased.must_compute());
  CHECK(c.release(ask(1), leased.lease).found);
  CHECK_FALSE(c.release(ask(1), leased.lease).found);

  put_options tagged;
  tagged.tags = {"doc-17"};
  CHECK(c.put(ask(1), reply_to(1), tagged) == put_result{});
  CHECK(c.put(ask(2), reply_to(2)) == put_result{});
  const auto forgotten = c.invalidate({scope_kind::tag, "t", "doc-17", true});
  REQUIRE(forgotten);
  CHECK(forgotten->in_memory == 1);
  CHECK_FALSE(c.get(ask(1)).hit());
  CHECK(c.get(ask(2)).hit());
  CHECK(c.invalidate({scope_kind::everything})->in_memory == 1);
  CHECK_FALSE(c.get(ask(2)).hit());
  CHECK(c.invalidate({scope_kind::tag, "t", ""}).why().code == errc::invalid_argument);
  CHECK(c.invalidate({static_cast<scope_kind>(7)}).why().code == errc::invalid_argument);

  std::vector<request> requests;
  std::vector<response> responses;
  for (std::uint64_t i = 0; i < 500; ++i) {
    requests.push_back(ask(i));
    responses.push_back({text_of(i * 7 + 1, i, true), "m", static_cast<std::uint32_t>(i), 1, 2});
  }
  CHECK(c.put(requests, responses) == std::vector<put_result>(500));
  CHECK(c.put(std::span(requests).first(2), std::span(responses).first(1))[1] ==
        put_result{put_status::refused, errc::invalid_argument});
  const auto all = c.get(requests);
  REQUIRE(all.size() == 500);
  for (std::size_t i = 0; i < 500; ++i) REQUIRE(all[i].text() == responses[i].text);
  const auto gone = c.by_key(call_kind::erase, requests);
  CHECK(std::all_of(gone.begin(), gone.end(), [](const key_result& r) { return r.found; }));

  int computed = 0;
  const auto compute = [&]() -> outcome<response> {
    ++computed;
    return reply_to(9);
  };
  CHECK(c.get_or_compute(ask(9), compute).text() == "answer 9");
  CHECK(c.get_or_compute(ask(9), compute).hit());
  CHECK(computed == 1);
  CHECK(c.get_or_compute(ask(10), []() -> outcome<response> {
           return fault{errc::compute_failed, "no"};
         }).error == errc::compute_failed);
  CHECK(c.get_or_compute_async(ask(11), []() -> outcome<response> { throw 1; }).get().error == errc::compute_failed);
  CHECK(c.get_or_compute_async(ask(10), compute).get().text() == "answer 9");
  CHECK(c.get_or_compute_async(ask(11), compute).get().text() == "answer 9");
}

TEST_CASE("a thousand callers of one missing answer, ten times, compute it once and are all answered",
          "[actors][client][lease]") {
  running_node n(false);
  const client& c = *n.cache;
  std::atomic<int> computed{0};
  std::vector<std::future<answer>> all;
  const compute_function compute = [&]() -> outcome<response> {
    ++computed;
    return reply_to(1);
  };
  for (int i = 0; i < 10'000; ++i) all.push_back(c.get_or_compute_async(ask(1), compute, {true, duration{60'000}}));
  for (auto& f : all) REQUIRE(f.get().text() == "answer 1");
  CHECK(computed == 1);
}

TEST_CASE("threads see only right answers while shards are killed under them", "[actors][client][front]") {
  running_node n(false);
  const client& c = *n.cache;
  std::atomic<bool> wrong{false};
  std::atomic<bool> failed{false};
  std::vector<std::thread> users;
  for (unsigned u = 0; u < 3; ++u)
    users.emplace_back([&, u] {
      std::mt19937_64 dice(u);
      for (int i = 0; i < 300; ++i) {
        const std::uint64_t number = dice() % 50;
        if (dice() % 2 == 0) {
          const put_result r = c.put(ask(number), reply_to(number));
          if (r.status == put_status::refused && r.error != errc::unavailable) failed = true;
        } else {
          const answer a = c.get(ask(number));
          if (a.status == get_status::error && a.error != errc::unavailable) failed = true;
          if (a.hit() && a.text() != reply_to(number).text) wrong = true;
        }
      }
    });
  std::vector<request> everything;
  for (std::uint64_t i = 0; i < 50; ++i) everything.push_back(ask(i));
  caf::scoped_actor self{n.system};
  std::uint64_t epoch = 0;
  for (std::size_t death = 0; death < 4; ++death) {
    shard_map m;
    self->request(n.node, caf::infinite, map_request{})
        .receive([&](shard_map& got) { m = std::move(got); }, [](caf::error&) {});
    CHECK(m.epoch > epoch);
    epoch = m.epoch;
    const shard_actor victim = m.shards[death % 2];
    if (!victim) continue;
    self->send_exit(victim, caf::exit_reason::kill);
    self->wait_for(victim);
    // Keys of all shards: who answers them all has seen the successor.
    c.get(everything);
  }
  for (auto& u : users) u.join();
  CHECK_FALSE(wrong);
  CHECK_FALSE(failed);
  CHECK(c.put(ask(1), reply_to(1)) == put_result{});
}

TEST_CASE("large answers come back whole, by way of the codec workers", "[actors][client][large]") {
  running_node n(GENERATE(false, true));
  const client& c = *n.cache;
  const std::size_t sizes[] = {100 << 10, 1 << 20, 5 << 20, (16 << 20) - 64};
  for (std::uint64_t i = 0; i < 4; ++i)
    CHECK(c.put(ask(i), {text_of(sizes[i], i, i % 2 == 1), "m", 0, 0, 0}) == put_result{});
  // Twice: the first read may find it raw, a later one compressed, and still another just promoted.
  for (int round = 0; round < 3; ++round)
    for (std::uint64_t i = 0; i < 4; ++i) {
      CAPTURE(i, round);
      const answer a = c.get(ask(i), {false, duration{20'000}});
      REQUIRE(a.error == errc::none);
      // A giant may have been evicted; what is answered is right.
      if (a.hit()) CHECK(a.text() == text_of(sizes[i], i, i % 2 == 1));
      if (sizes[i] <= 5 << 20) CHECK(a.hit());
    }
  const response too_large{std::string((16 << 20) + 1, 'x'), "m", 0, 0, 0};
  CHECK(c.put(ask(9), too_large) == put_result{put_status::refused, errc::too_large});
}

TEST_CASE("a remote node that ends leaves its clients with errors, not waiting", "[actors][client][remote]") {
  running_node n(true);
  const client& c = *n.cache;
  REQUIRE(c.put(ask(1), reply_to(1)) == put_result{});
  get_options o;
  o.lease = true;
  REQUIRE(c.get(ask(2), o).must_compute());
  auto waiting = c.get_async(ask(2), o);
  REQUIRE(c.get(ask(1)).hit());
  caf::anon_send_exit(n.node, caf::exit_reason::kill);
  CHECK(waiting.get().status == get_status::error);
  CHECK(c.get(ask(1)).error == errc::unavailable);
  CHECK(c.put(ask(1), reply_to(1)).error == errc::unavailable);
}

TEST_CASE("a client cannot be made of a node that is not there", "[actors][client][remote]") {
  config::settings s = settings_of_a_test();
  system_config config(s, system_config::network::on);
  caf::actor_system system{config};
  // The port of a node whose whole process is gone.
  const auto closed = [&] {
    system_config of_another(s, system_config::network::on);
    caf::actor_system another{of_another};
    const auto node = *start_node(another, s);
    const auto port = publish(another, node, "127.0.0.1", 0);
    REQUIRE(port);
    stop_node(another, node, duration{1'000});
    return *port;
  }();
  CHECK(client::connect(system, "127.0.0.1", closed).why().code == errc::unavailable);
  CHECK(client::attach(system, front_actor{}).why().code == errc::unavailable);
  system_config offline(s);
  caf::actor_system alone{offline};
  CHECK(client::connect(alone, "127.0.0.1", 1).why().code == errc::invalid_argument);
}
