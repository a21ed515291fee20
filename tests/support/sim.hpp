#pragma once

#include "actors/client.hpp"
#include "actors/node.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <string>
#include <utility>
#include <vector>

namespace aicache::test {

/// The configuration of an actor system whose scheduler and clock are cranked by hand.
class sim_config : public system_config {
 public:
  sim_config() { set("scheduler.policy", caf::atom("testing")); }
};

/// What a small node for tests is told: no learner, and nothing that a worker would have to do.
inline node_options small_node(std::uint32_t shards = 2) {
  node_options o;
  o.shards = shards;
  o.shard.tiers.budget = 4 << 20;
  o.shard.tiers.warm_share = 0;
  o.learn_eviction = false;
  o.origin = {1'000'000};
  return o;
}

/// One question of many, known by a number.
inline request ask(std::uint64_t number, std::string operation = "qa", std::string tenant = "t") {
  return {std::move(tenant), "model", std::move(operation), "question " + std::to_string(number), "", ""};
}

/// The right answer to ask(number).
inline response reply_to(std::uint64_t number) { return {"answer " + std::to_string(number), "model-1", 10, 20, 30}; }

/// A node in an actor system that stands still until it is cranked: no threads, no time, the same run every time.
/// (Codec workers have threads of their own: give a sim's node nothing to compress.)
class sim {
 public:
  explicit sim(const node_options& o = small_node()) : node(system.spawn(front, o)) { run(); }
  ~sim() {
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    run();
    // CAF's clock holds who made a request until the time-out, also of one that was answered.
    scheduler().advance_time(2 * longest_deadline);
    run();
  }
  sim(const sim&) = delete;
  sim& operator=(const sim&) = delete;

  /// Everything that can be done without time passing.
  void run() { scheduler().run(); }

  /// Time passes in steps of `step`, and what becomes due is done.
  void pass(duration d, duration step = duration{10}) {
    for (duration gone{0}; gone < d; gone += step) {
      scheduler().advance_time(std::min(step, d - gone));
      run();
    }
  }

  /// A client of the node. Its blocking calls would wait for ever here: use those with futures, and `result`.
  client connect() {
    scheduler().inline_all_enqueues();
    auto c = client::attach(system, node);
    scheduler().after_next_enqueue(nullptr);
    REQUIRE(c);
    run();
    return *c;
  }

  template <class T>
  static bool is_ready(const std::future<T>& f) {
    return f.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }

  /// What a call gave; fails when it did not end without time passing.
  template <class T>
  T result(std::future<T> f) {
    run();
    REQUIRE(is_ready(f));
    return f.get();
  }

  /// The answer to a message, from any actor of the system.
  template <class Reply, class Handle, class Message>
  Reply told(const Handle& who, Message m) {
    auto promise = std::make_shared<std::promise<Reply>>();
    auto f = promise->get_future();
    // CAF binds the arguments of an actor without any to a null reference, which a sanitizer minds.
    const auto asker = [who, promise](caf::event_based_actor* self, const Message& asked) {
      self->request(caf::actor_cast<caf::actor>(who), caf::infinite, asked).then([promise](const Reply& r) {
        promise->set_value(r);
      });
    };
    system.spawn(asker, std::move(m));
    return result(std::move(f));
  }

  shard_map map() { return told<shard_map>(node, map_request{}); }
  node_statistics statistics() { return told<node_statistics>(node, statistics_request{}); }
  void kill(const shard_actor& s) {
    caf::anon_send_exit(s, caf::exit_reason::kill);
    run();
  }

  sim_config config;
  caf::actor_system system{config};
  front_actor node;

 private:
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }
};

}  // namespace aicache::test
