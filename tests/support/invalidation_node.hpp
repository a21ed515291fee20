#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "actors/redis/invalidation.hpp"
#include "actors/redis/io_thread.hpp"
#include "actors/redis/link.hpp"

namespace aicache::test {

/// What one shard has been told, for the test's thread to wait on.
class shard_story {
 public:
  template <class Change>
  void change(Change&& what) {
    const std::lock_guard lock(mutex_);
    what(*this);
    changed_.notify_all();
  }
  template <class Is>
  bool wait(Is is, std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return is(*this); });
  }

  generation_book book{{}};
  shared_tier_state state;
  int lost_track = 0;
  std::uint64_t told = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

/// A shard that only keeps a book; it says that each invalidation took three entries.
inline caf::behavior book_keeper(caf::event_based_actor* self, const std::shared_ptr<shard_story>& story) {
  return {
      [=](const invalidate_scopes& m) {
        story->change([&](shard_story& s) {
          ++s.told;
          s.lost_track += m.lost_track ? 1 : 0;
          s.book.raise_floor(m.floor);
          for (const scope& what : m.scopes) m.settles ? s.book.settle(what, m.since) : s.book.raise(what, m.since);
        });
        if (m.ticket != 0)
          self->send(caf::actor_cast<caf::actor>(self->current_sender()), scopes_invalidated{m.ticket, 3});
      },
      [=](const shared_tier_state& m) { story->change([&](shard_story& s) { s.state = m; }); },
  };
}

/// A node's invalidation with a link and a subscription to a real Redis, and two shards that keep books.
class invalidation_node {
 public:
  explicit invalidation_node(std::uint16_t port, std::uint64_t origin, std::filesystem::path journal = {},
                             std::chrono::milliseconds lease = std::chrono::seconds{1}) {
    redis_options how;
    how.address.port = port;
    how.core.read_deadline = how.core.write_deadline = std::chrono::milliseconds{300};
    auto io = std::make_shared<io_thread>();
    link = system_.spawn<redis_link>(link_setup{how, 1, false, {}, io});
    invalidation_setup setup;
    setup.options.origin = origin;
    setup.options.lease = lease;
    setup.options.sweep.pause = duration{1};
    setup.link = link;
    setup.subscribe = listen_on(io, how);
    setup.clock = node_clock({1'000'000}, system_.clock().now());
    if (!journal.empty()) {
      auto opened = journal_file::open(journal);
      REQUIRE(opened);
      setup.journal = std::make_shared<journal_file>(std::move(*opened));
    }
    who = system_.spawn<caf::detached>(invalidation, std::move(setup));
    serve();
  }
  ~invalidation_node() {
    for (const auto& s : shards_) caf::anon_send_exit(s, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(who, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
  }
  invalidation_node(const invalidation_node&) = delete;
  invalidation_node& operator=(const invalidation_node&) = delete;

  /// New shards take the place of those there are.
  void serve() {
    for (const auto& s : shards_) caf::anon_send_exit(s, caf::exit_reason::kill);
    shards_.clear();
    stories.clear();
    serve_shards m;
    for (int i = 0; i < 2; ++i) {
      stories.push_back(std::make_shared<shard_story>());
      shards_.push_back(system_.spawn(book_keeper, stories.back()));
      m.shards.push_back(caf::actor_cast<shard_actor>(shards_.back()));
    }
    send(std::move(m));
  }

  template <class Message>
  void send(Message m) {
    self_->send(caf::actor_cast<caf::actor>(who), std::move(m));
  }
  template <class Reply, class Message>
  Reply ask(Message m) {
    Reply got;
    bool came = false;
    self_->request(caf::actor_cast<caf::actor>(who), std::chrono::seconds{30}, std::move(m))
        .receive(
            [&](const Reply& r) {
              got = r;
              came = true;
            },
            [](const caf::error&) {});
    REQUIRE(came);
    return got;
  }
  invalidated invalidate(scope_kind kind, std::string tenant, std::string name, bool wait = false) {
    return ask<invalidated>(invalidate_request{kind, std::move(tenant), std::move(name), wait});
  }
  bool until_available(bool is = true) {
    for (const auto& s : stories)
      if (!s->wait([is](const shard_story& t) { return t.state.available == is; })) return false;
    return true;
  }
  /// Until both shards know that what was born in `born` and belongs to `s` is dead.
  bool until_dead(const scope& s, generation born, std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    for (const auto& story : stories)
      if (!story->wait([&](const shard_story& t) { return !t.book.is_alive(born, {&s, 1}); }, patience)) return false;
    return true;
  }
  generation newest() {
    generation g = 0;
    stories[0]->change([&](const shard_story& s) { g = s.state.newest; });
    return g;
  }

  std::vector<std::shared_ptr<shard_story>> stories;

 private:
  caf::actor_system_config config_ = [] {
    caf::actor_system_config c;
    c.set("scheduler.max-threads", 2U).set("scheduler.policy", caf::atom("sharing"));
    return c;
  }();
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  std::vector<caf::actor> shards_;

 public:
  link_actor link;
  invalidation_actor who;
};

}  // namespace aicache::test
