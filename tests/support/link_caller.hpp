#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/redis/io_thread.hpp"
#include "actors/redis/link.hpp"

namespace aicache::test {

/// What the watchers of a link were told, for the test's thread to wait on.
class link_story {
 public:
  void add(const link_state& s) {
    const std::lock_guard lock(mutex_);
    last_ = s;
    ++told_;
    changed_.notify_all();
  }
  template <class Is>
  bool wait(Is is, std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return told_ > 0 && is(last_); });
  }
  link_state last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  link_state last_;
  int told_ = 0;
};

/// A link in an actor system of its own, and a caller. Unless told otherwise the gate is opened as soon as the link says
/// that Redis is reachable, as the invalidation does when it has learned what was missed.
class link_caller {
 public:
  using milliseconds = std::chrono::milliseconds;

  explicit link_caller(link_setup setup, bool opens_gate = true) {
    if (!setup.io) setup.io = std::make_shared<io_thread>();
    link = system_.spawn<redis_link>(setup);
    // CAF binds the arguments of an actor without any to a null reference, which a sanitizer minds.
    const auto watch = [told = story, opens_gate](const link_actor& to) -> link_watcher::behavior_type {
      return {[=](const link_state& s) {
        if (s.reachable && opens_gate) caf::anon_send(to, open_gate{s.outages});
        told->add(s);
      }};
    };
    link_watcher w = system_.spawn(watch, link);
    caf::anon_send(link, watch_link{w});
  }
  ~link_caller() { caf::anon_send_exit(link, caf::exit_reason::user_shutdown); }
  link_caller(const link_caller&) = delete;
  link_caller& operator=(const link_caller&) = delete;

  static redis_options at(std::uint16_t port, milliseconds deadline = std::chrono::seconds{10}) {
    redis_options o;
    o.address.port = port;
    // Long deadlines, but for tests of deadlines: a busy machine must not look like a slow server.
    o.core.read_deadline = o.core.write_deadline = deadline;
    o.core.connect_deadline = o.core.silence = std::max<milliseconds>(deadline, std::chrono::seconds{1});
    return o;
  }

  template <class Message>
  void send(Message m) {
    self_->send(caf::actor_cast<caf::actor>(link), std::move(m));
  }
  template <class Reply>
  Reply receive(milliseconds patience = std::chrono::seconds{30}) {
    Reply got;
    bool came = false;
    self_->receive(
        [&](Reply& r) {
          got = std::move(r);
          came = true;
        },
        caf::after(patience) >> [] {});
    REQUIRE(came);
    return got;
  }

  fetched fetch(std::vector<std::string> keys) {
    send(fetch_request{++ticket_, std::move(keys)});
    fetched f = receive<fetched>();
    REQUIRE(f.ticket == ticket_);
    return f;
  }
  fetched_value fetch(const std::string& key) { return fetch(std::vector<std::string>{key}).values.at(0); }
  std::vector<store_status> store(std::vector<store_item> items) {
    send(store_request{++ticket_, caf::actor_cast<caf::strong_actor_ptr>(self_), std::move(items)});
    stored s = receive<stored>();
    REQUIRE(s.ticket == ticket_);
    return s.items;
  }
  store_status store(std::string key, std::string bytes, std::int64_t life_ms = 0) {
    return store({{std::move(key), std::move(bytes), life_ms}}).at(0);
  }
  link_reply run(std::vector<std::string> command, std::string route = {}, std::int32_t master = -1) {
    send(link_commands{++ticket_, {{std::move(command), std::move(route), master}}});
    link_replies r = receive<link_replies>();
    REQUIRE(r.ticket == ticket_);
    return r.replies.at(0);
  }
  link_counters counters() {
    send(link_statistics_request{});
    return receive<link_figures>().counted;
  }

  /// Fetches until the link has asked Redis; how long that took.
  milliseconds until_served(const std::string& key = "no such key", milliseconds patience = std::chrono::seconds{10}) {
    const auto begin = std::chrono::steady_clock::now();
    const auto gone = [&] {
      return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
    };
    while (fetch(key).how == fetch_status::unavailable) {
      REQUIRE(gone() < patience);
      const std::uint64_t known = story->last().outages;
      story->wait([&](const link_state& s) { return s.outages != known; }, milliseconds{2});
    }
    return gone();
  }
  bool until_reachable(bool is = true, milliseconds patience = std::chrono::seconds{10}) {
    return story->wait([is](const link_state& s) { return s.reachable == is; }, patience);
  }

  std::shared_ptr<link_story> story = std::make_shared<link_story>();

 private:
  caf::actor_system_config config_ = [] {
    caf::actor_system_config c;
    c.set("scheduler.max-threads", 2U).set("scheduler.policy", caf::atom("sharing"));
    return c;
  }();
  caf::actor_system system_{config_};
  std::uint64_t ticket_ = 0;
  caf::scoped_actor self_{system_};

 public:
  link_actor link;
};

}  // namespace aicache::test
