#include "actors/search.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "actors/errors.hpp"

namespace aicache {

namespace {
constexpr duration search_patience{10'000};
}  // namespace

search_state::~search_state() {
  if (asked_.pending()) asked_.deliver(to_error(errc::unavailable));
}

search_actor::behavior_type search_state::start(search_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  core_ = std::make_unique<search_core>(setup_.options, setup_.wanted);
  names_ = std::make_shared<const name_lists>(name_lists{{std::string(generic_operation)}, {setup_.wanted.tenant}, {}});
  // The link answers everything that it takes, unless it dies.
  self_->set_down_handler([this](const caf::down_msg&) {
    if (std::exchange(asks_redis_, false)) decide([this] { return core_->failed(); });
  });
  if (setup_.link) self_->monitor(setup_.link);
  return {
      [this](begin_search) -> caf::result<search_result> {
        asked_ = self_->make_response_promise<search_result>();
        decide([this] { return core_->begin(); });
        return asked_;
      },
      [this](const link_replies& m) {
        if (m.ticket != ticket_ || !std::exchange(asks_redis_, false)) return;
        decide([&] { return core_->redis(m.replies, now()); });
      },
  };
}

// An exception would kill the actor; what it can be is want of memory.
template <class Decide>
void search_state::decide(Decide&& next) {
  try {
    std::visit([this](auto& step) { perform(step); }, *std::make_unique<search_core::step>(next()));
  } catch (const std::exception&) {
    if (asked_.pending()) asked_.deliver(to_error(errc::overloaded));
    self_->quit();
  }
}

void search_state::perform(search_core::ask_shard& s) {
  auto failed = [this](const caf::error&) { decide([this] { return core_->failed(); }); };
  const shard_actor to = s.shard < setup_.shards.size() ? setup_.shards[s.shard] : shard_actor{};
  if (!to) return failed({});
  self_->request(to, search_patience, std::move(s.what))
      .then([this](const memory_found& found) { decide([&] { return core_->memory(found); }); }, failed);
}

void search_state::perform(search_core::ask_redis& s) {
  asks_redis_ = true;
  self_->send(setup_.link, link_commands{++ticket_, std::move(s.commands)});
}

void search_state::perform(search_core::ask_alive& s) {
  self_->request(setup_.invalidation, search_patience, judge_entries{std::move(s.entries)})
      .then([this](const entries_judged& j) { decide([&] { return core_->alive(j.available, j.masters, j.alive); }); },
            [this](const caf::error&) { decide([this] { return core_->failed(); }); });
}

// Asks the owners of these keys, and calls `done(results found, whether all have answered)`.
template <class Batch, class Reply, class Done>
void search_state::by_key(const std::vector<identity>& ids, Done done) {
  struct gathering {
    std::size_t open = 1;
    std::uint64_t found = 0;
    bool all = true;
  };
  auto sum = std::make_shared<gathering>();
  auto one = [sum, done]() mutable {
    if (--sum->open == 0) done(sum->found, sum->all);
  };
  std::vector<std::shared_ptr<key_body>> bodies(setup_.shards.size());
  const auto send = [&](std::size_t to) {
    const std::shared_ptr<key_body> body = std::exchange(bodies[to], nullptr);
    if (!setup_.shards[to]) {
      sum->all = false;
      return;
    }
    Batch b;
    b.body = body;
    ++sum->open;
    self_->request(setup_.shards[to], search_patience, std::move(b))
        .then(
            [sum, one](const Reply& r) mutable {
              sum->all = sum->all && r.why == errc::none && r.body;
              if (r.body)
                for (const key_result& k : r.body->results) sum->found += k.found ? 1 : 0;
              one();
            },
            [sum, one](const caf::error&) mutable {
              sum->all = false;
              one();
            });
  };
  for (const identity& id : ids) {
    const std::size_t to = shard_of(id.key(), static_cast<std::uint32_t>(bodies.size()));
    if (!bodies[to]) {
      bodies[to] = std::make_shared<key_body>();
      bodies[to]->names = names_;
    }
    key_item item;
    item.id = id;
    bodies[to]->items.push_back(item);
    if (bodies[to]->items.size() >= setup_.batch_keys) send(to);
  }
  for (std::size_t to = 0; to < bodies.size(); ++to)
    if (bodies[to]) send(to);
  one();
}

// A batch that must not wait is answered from memory alone.
void search_state::perform(search_core::count_in_memory& s) {
  by_key<exists_batch, exists_reply>(
      s.ids, [this](std::uint64_t found, bool) { decide([&] { return core_->counted(found); }); });
}

void search_state::perform(search_core::erase& s) {
  by_key<erase_batch, erase_reply>(s.ids,
                                   [this](std::uint64_t, bool all) { decide([&] { return core_->erased(all); }); });
}

void search_state::perform(search_core::end& s) {
  asked_.deliver(std::move(s.result));
  self_->quit();
}

}  // namespace aicache
