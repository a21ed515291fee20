#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "engine/client/client_core.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::test {

using owner = client_core::owner;

inline std::shared_ptr<call> call_of(call_kind kind, const std::vector<std::uint64_t>& numbers,
                                     duration deadline = duration{1'000}) {
  auto c = std::make_shared<call>();
  c->kind = kind;
  c->deadline = deadline;
  for (std::uint64_t n : numbers) {
    if (kind == call_kind::get) {
      c->gets.push_back({id_of(n), 0, 0, text_tier::small, false});
    } else if (kind == call_kind::put) {
      c->puts.push_back({id_of(n), 0, 0, text_tier::small, 0, own_lifetime, {}});
    } else {
      c->keys.push_back({id_of(n)});
    }
  }
  return c;
}

inline std::vector<std::uint64_t> numbers_to(std::uint64_t n) {
  std::vector<std::uint64_t> all(n);
  for (std::uint64_t i = 0; i < n; ++i) all[i] = i;
  return all;
}

// A result that says which item it belongs to.
inline get_result answer_to(const identity& id, get_status status = get_status::hit) {
  get_result r;
  r.status = status;
  r.created = {static_cast<std::int64_t>(id.key().lo >> 1)};
  return r;
}

inline std::size_t keys_of(const client_core::send_part& p) {
  return std::visit([](const auto& b) { return b->items.size(); }, p.what);
}

// A client with its time and everything that it has sent and finished.
struct driven {
  explicit driven(client_core::limits l = {}, std::uint32_t shards = 0) : core(l), given(l) {
    if (shards > 0) map(std::vector<owner>(shards, owner::replaced));
  }

  std::uint64_t start(std::shared_ptr<call> c) {
    core.start(++token, std::move(c), now, out);
    sort();
    return token;
  }
  void map(const std::vector<owner>& owners) { map(0, owners); }
  void map(std::uint32_t node, const std::vector<owner>& owners) {
    core.map(node, ++epoch, owners, given, now, out);
    sort();
  }
  void serve_alone(std::uint32_t node) {
    core.serve_alone(node, now, out);
    sort();
  }
  void serve_together(std::vector<std::uint32_t> nodes) {
    core.serve_together(std::move(nodes), now, out);
    sort();
  }
  void lost(std::uint32_t node) {
    core.lost(node, out);
    sort();
  }
  void pass(duration d) {
    now = now + d;
    core.tick(now, out);
    sort();
  }
  void down(std::uint32_t shard) {
    core.shard_down(0, shard, out);
    sort();
  }
  // The shard of the oldest message says that none of its items is its own.
  client_core::send_part move_on() {
    client_core::send_part p = std::move(sent.front());
    sent.pop_front();
    std::visit(
        [](const auto& b) {
          b->results.assign(b->items.size(), {});
          for (auto& r : b->results) r.error = errc::moved;
        },
        p.what);
    if (const auto* g = std::get_if<std::shared_ptr<get_body>>(&p.what))
      for (get_result& r : (*g)->results) r.status = get_status::error;
    replied(p.correlation, errc::none, p.what);
    return p;
  }
  // Answers the oldest message: every get with `status`, everything else with success.
  client_core::send_part answer(get_status status = get_status::hit) {
    client_core::send_part p = std::move(sent.front());
    sent.pop_front();
    answer(p, status);
    return p;
  }
  void answer(const client_core::send_part& p, get_status status = get_status::hit) {
    if (const auto* g = std::get_if<std::shared_ptr<get_body>>(&p.what)) {
      (*g)->results.clear();
      for (const get_item& i : (*g)->items) (*g)->results.push_back(answer_to(i.id, status));
    } else if (const auto* put = std::get_if<std::shared_ptr<put_body>>(&p.what)) {
      (*put)->results.assign((*put)->items.size(), {});
    } else {
      const auto& k = *std::get_if<std::shared_ptr<key_body>>(&p.what);
      k->results.assign(k->items.size(), {true, errc::none, 1});
    }
    replied(p.correlation, errc::none, p.what);
  }
  void replied(std::uint64_t correlation, errc whole, const client_core::body& what) {
    core.replied(correlation, whole, what, now, out);
    sort();
  }
  void late(std::uint64_t correlation, std::uint32_t position, get_result r) {
    core.late(correlation, position, std::move(r), now, out);
    sort();
  }
  void fail_all(errc why) {
    core.fail_all(why, out);
    sort();
  }
  void sort() {
    for (client_core::effect& e : out) {
      if (auto* p = std::get_if<client_core::send_part>(&e)) {
        sent.push_back(std::move(*p));
      } else if (auto* a = std::get_if<client_core::ask_owners>(&e)) {
        asked_owners.push_back(a->node);
      } else {
        auto& f = *std::get_if<client_core::finish>(&e);
        REQUIRE(finished.emplace(f.token, std::move(f.done)).second);
      }
    }
    out.clear();
    REQUIRE(core.sound());
  }
  errc error_of(std::uint64_t of_token, std::size_t at = 0) const {
    const call& c = *finished.at(of_token);
    if (c.kind == call_kind::get) return c.got[at].error;
    return c.kind == call_kind::put ? c.stored[at].error : c.told[at].error;
  }

  client_core core;
  client_core::limits given;
  instant now{1'000'000};
  std::uint64_t epoch = 0;
  std::uint64_t token = 0;
  client_core::effects out;
  std::deque<client_core::send_part> sent;
  std::vector<std::uint32_t> asked_owners;  // nodes that were asked for the map of their cluster
  std::map<std::uint64_t, std::shared_ptr<call>> finished;
};

// A number whose key lies in the range of `shard` of `shards`.
inline std::uint64_t number_in(std::uint32_t shard, std::uint32_t shards, std::uint64_t from = 0) {
  while (shard_of(id_of(from).key(), shards) != shard) ++from;
  return from;
}

}  // namespace aicache::test
