#include "actors/redis/subscription.hpp"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "actors/redis/io_thread.hpp"
#include "tests/support/liar.hpp"
#include "tests/support/link_caller.hpp"
#include "tests/support/redis_server.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;

namespace {

// A subscription on an I/O thread of its own, and what it said.
class listener {
 public:
  explicit listener(redis_options o, std::string channel = "news")
      : subscription_(redis_subscription::make(
            io_.context(), std::move(o), std::move(channel),
            [this](std::string text) {
              const std::lock_guard lock(mutex_);
              messages_.push_back(std::move(text));
              changed_.notify_all();
            },
            [this](bool subscribed) {
              const std::lock_guard lock(mutex_);
              alternates_ = alternates_ && subscribed != subscribed_;
              subscribed_ = subscribed;
              times_ += subscribed ? 1 : 0;
              changed_.notify_all();
            })) {
    subscription_->start();
  }
  ~listener() {
    subscription_->stop();
    CHECK(alternates_);
  }

  bool until(bool subscribed, std::chrono::milliseconds patience = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return subscribed_ == subscribed; });
  }
  std::string message() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 10s, [&] { return !messages_.empty(); })) return "nothing came";
    std::string first = std::move(messages_.front());
    messages_.pop_front();
    return first;
  }
  int times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  std::size_t waiting() {
    const std::lock_guard lock(mutex_);
    return messages_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> messages_;
  bool subscribed_ = false;
  bool alternates_ = true;
  int times_ = 0;
  io_thread io_;
  std::shared_ptr<redis_subscription> subscription_;
};

void publish(link_caller& by, const std::string& text) { CHECK(by.run({"PUBLISH", "news", text}).reply.integer == 1); }

}  // namespace

TEST_CASE("a subscriber hears what is published to its channel, and nothing else", "[redis][system]") {
  redis_server server({"--requirepass", "word"});
  redis_options o = link_caller::at(server.port());
  o.address.password = "word";
  o.address.database = 3;
  link_caller by({o, 1, false, {}, nullptr});
  REQUIRE(by.until_reachable());
  listener l(o);
  REQUIRE(l.until(true));
  CHECK(by.run({"PUBLISH", "olds", "x"}).reply.integer == 0);
  const std::string large(1 << 20, 'x');
  publish(by, "one");
  publish(by, std::string("t\0o", 3));
  publish(by, large);
  for (int i = 0; i < 1'000; ++i) publish(by, std::to_string(i));
  CHECK(l.message() == "one");
  CHECK(l.message() == std::string("t\0o", 3));
  CHECK((l.message() == large));
  for (int i = 0; i < 1'000; ++i) CHECK(l.message() == std::to_string(i));
}

TEST_CASE("a subscription survives the death of its server, and says so", "[redis][system]") {
  redis_server server;
  link_caller by({link_caller::at(server.port()), 1, false, {}, nullptr});
  listener l(link_caller::at(server.port(), 100ms));
  REQUIRE(l.until(true));
  server.kill();
  REQUIRE(l.until(false));
  REQUIRE(server.start());
  REQUIRE(l.until(true, 3s));
  CHECK(l.times() == 2);
  REQUIRE(by.until_reachable());
  publish(by, "again");
  CHECK(l.message() == "again");
}

TEST_CASE("a server that hangs is noticed, one that is only silent is kept", "[redis][system]") {
  redis_server server;
  listener l(link_caller::at(server.port(), 100ms));
  REQUIRE(l.until(true));
  // Longer than it takes to ask for a sign of life, and to give up for want of it.
  CHECK_FALSE(l.until(false, 2'500ms));
  CHECK(l.times() == 1);
  server.signal(SIGSTOP);
  CHECK(l.until(false, 3s));
  server.signal(SIGCONT);
  CHECK(l.until(true, 3s));
}

TEST_CASE("a peer that lies to a subscriber is dropped, and nothing it says is passed on", "[redis][system]") {
  const std::string subscribed = "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n";
  for (const std::string& lie : {
           std::string("$1000000000\r\nabc"),
           std::string("*1000000000\r\n"),
           std::string("-NOAUTH no\r\n"),
           std::string("+OK\r\n"),
           std::string("*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n"),
           std::string("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n"),
           std::string("*0\r\n"),
           std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
           subscribed + "*3\r\n$7\r\nmessage\r\n$5\r\nother\r\n$1\r\nx\r\n",
           subscribed + "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n:1\r\n",
           subscribed + "$1\r\nx\r\n",
           subscribed + "*2\r\n$7\r\nmessage\r\n$4\r\nnews\r\n",
       })
    for (const bool hangs_up : {true, false}) {
      CAPTURE(lie, hangs_up);
      liar peer(lie, hangs_up);
      redis_options o = link_caller::at(peer.port(), 100ms);
      o.reply_bytes = 1 << 20;
      o.core.connect_deadline = o.core.silence = 60ms;
      o.core.reconnect_first = o.core.reconnect_longest = 10ms;
      listener l(o);
      const bool begins_well = lie.starts_with(subscribed);
      if (begins_well) {
        CHECK(l.until(true));
        CHECK(l.until(false));
      } else {
        CHECK_FALSE(l.until(true, 50ms));
      }
      CHECK(l.waiting() == 0);
    }
}
