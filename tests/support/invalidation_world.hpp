#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/shared/invalidation_core.hpp"
#include "tests/support/model_generations.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::test {

/// An answer on its way, or in Redis.
struct answer_of {
  std::uint64_t key = 0;
  std::vector<scope> scopes;
  generation born = 0;
  std::int64_t begun = 0;  // the step in which its making began: what it knows of the world
};

/// An invalidation as the truth has it.
struct truth {
  scope what;
  std::size_t node = 0;
  std::int64_t step = 0;
  std::uint64_t caller = 0;
  bool promised = false;            // its caller has been answered
  std::optional<instant> in_redis;  // since when Redis has it
  generation number = 0;            // in Redis
};

/// Two nodes with a shard each, one Redis, and somebody who knows the truth: which answers nobody may be given any more.
/// Commands and replies get lost, links break, nodes restart, shards die, and Redis comes back with what it had saved or
/// with nothing. A shard does here what invalidations demand of it: fills and writes that were begun before are dropped,
/// and an erased key that it may have written just before it heard of that is removed once more.
class invalidation_world {
 public:
  static constexpr duration lease{1'000};

  explicit invalidation_world(std::uint64_t seed, generation_book::limits book, std::size_t journal)
      : dice_(seed), book_(book), journal_(journal) {
    for (std::size_t n = 0; n < 2; ++n) start(n);
    for (std::size_t n = 0; n < 2; ++n) set_link(n, true);
  }

  void step() {
    ++step_;
    now_ = now_ + duration{roll(40)};
    const std::size_t n = roll(2);
    const std::uint64_t what = roll(40);
    if (what < 3) invalidate(n);
    if (what == 3) erase(n);
    if (what >= 4 && what < 8) begin_answer(n);
    if (what >= 8 && what < 12) finish_answer(n);
    if (what >= 12 && what < 14) write_answer(n);
    if (what == 14 && roll(8) == 0) set_link(n, !nodes_[n].reachable);
    if (what == 15 && roll(40) == 0) restart(n);
    if (what == 16 && roll(20) == 0) snapshot();
    if (what == 17 && roll(60) == 0) lose_data();
    if (what == 18) nodes_[n].hears = roll(4) != 0;
    if (what == 19 && roll(10) == 0) call(n, [&](auto& c, auto& out) { c.subscribed(now_, out); });
    if (what == 20 && roll(20) == 0) new_shard(n);
    if (what > 20) carry(n);
    tick(n);
    read(roll(2));
  }

  // Everything works for a while: whoever waits must get what is owed.
  void calm() {
    for (std::size_t n = 0; n < 2; ++n) {
      nodes_[n].hears = true;
      if (!nodes_[n].reachable) set_link(n, true);
    }
    careful_ = true;
    for (int i = 0; i < 600; ++i) {
      now_ = now_ + duration{20};
      for (std::size_t n = 0; n < 2; ++n) {
        while (!nodes_[n].commands.empty()) carry(n);
        while (!nodes_[n].heard.empty()) hear(n);
        tick(n);
        if (i > 300) REQUIRE(nodes_[n].gate);
      }
    }
    careful_ = false;
    for (const node& n : nodes_) {
      REQUIRE(n.core->is_available());
      REQUIRE(n.core->is_idle());
      REQUIRE(n.core->learned() == redis_.newest);
      REQUIRE(n.waiting.empty());
      REQUIRE(n.written.empty());
    }
  }

  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t losses = 0;
  std::uint64_t collapses = 0;

 private:
  struct node {
    std::unique_ptr<invalidation_core> core;
    std::unique_ptr<generation_book> shard;  // what its shards know
    generation newest = 0;
    bool available = false;
    bool gate = false;
    bool reachable = false;
    bool hears = true;
    std::uint64_t outages = 0;
    std::uint64_t incarnation = 1;
    std::deque<invalidation_core::run_commands> commands;
    std::deque<std::string> heard;
    std::vector<answer_of> making;
    std::vector<answer_of> to_write;
    std::vector<std::uint64_t> to_remove;
    std::vector<scope> written;
    std::vector<std::uint64_t> waiting;
  };

  std::uint64_t roll(std::uint64_t n) { return dice_() % n; }

  template <class Call>
  void call(std::size_t n, Call&& what) {
    invalidation_core::effects out;
    what(*nodes_[n].core, out);
    perform(n, out);
  }
  void tick(std::size_t n) {
    call(n, [&](auto& c, auto& out) { c.tick(now_, out); });
  }

  void start(std::size_t n) {
    node& at = nodes_[n];
    invalidation_core::options o;
    o.lease = lease;
    o.book = book_;
    o.journal = journal_;
    o.batch = 5;
    o.page = 3;
    o.origin = ++origins_;
    at.core = std::make_unique<invalidation_core>(o, at.written);
    at.shard = std::make_unique<generation_book>(generation_book::limits{1'000, 1'000});
    at.newest = 0;
    at.available = at.gate = at.reachable = false;
    at.commands.clear();
    at.heard.clear();
    at.making.clear();
    at.to_write.clear();
    at.to_remove.clear();
    at.waiting.clear();
    const std::uint64_t shards[] = {++at.incarnation};
    call(n, [&](auto& c, auto& out) { c.shards_changed(shards, now_, out); });
  }

  void restart(std::size_t n) {
    // What was not promised to anybody, and what Redis had lost and only this process knew, may be gone.
    std::erase_if(truth_, [&](const truth& t) {
      return t.node == n && !t.in_redis && (!t.promised || lost_.contains(t.caller));
    });
    start(n);
    set_link(n, true);
  }

  void new_shard(std::size_t n) {
    node& at = nodes_[n];
    at.shard = std::make_unique<generation_book>(generation_book::limits{1'000, 1'000});
    at.newest = 0;
    at.available = false;
    at.making.clear();
    at.to_write.clear();
    // Its successor is told nothing of removals: who must make them is the test's shard, which keeps them.
    const std::uint64_t shards[] = {++at.incarnation};
    call(n, [&](auto& c, auto& out) { c.shards_changed(shards, now_, out); });
  }

  void set_link(std::size_t n, bool up) {
    node& at = nodes_[n];
    at.reachable = up;
    if (!up) {
      ++at.outages;
      at.gate = false;
      // What was under way is carried out, or not, and nobody will know.
      while (!at.commands.empty()) carry(n);
    }
    call(n, [&](auto& c, auto& out) { c.link_changed(up, 1, at.outages, now_, out); });
  }

  void snapshot() {
    saved_ = redis_;
    saved_answers_ = answers_;
    saved_at_ = now_;
  }

  // Redis comes back with what it had saved, or with nothing.
  void lose_data() {
    for (std::size_t n = 0; n < 2; ++n)
      if (nodes_[n].reachable) set_link(n, false);
    const bool empty = roll(3) == 0;
    const std::string run = "run" + std::to_string(++losses + 1);
    redis_ = empty ? model_generations{} : saved_;
    redis_.run_id = run;
    redis_.published.clear();
    answers_ = empty ? decltype(answers_){} : saved_answers_;
    for (truth& t : truth_) {
      if (!t.in_redis || (!empty && *t.in_redis < saved_at_)) continue;
      t.in_redis.reset();
      lost_.insert(t.caller);
      if (!is_known_to(t.node, t)) t.node = 1 - t.node;
    }
    std::erase_if(truth_, [&](const truth& t) { return lost_.contains(t.caller) && !is_known_to(t.node, t); });
    if (empty) snapshot();
    for (node& n : nodes_) n.heard.clear();
    for (std::size_t n = 0; n < 2; ++n) set_link(n, true);
  }

  void invalidate(std::size_t n) {
    static const char* digits[] = {"0", "1", "2", "3", "4", "5"};
    invalidation_core::request r;
    truth t;
    switch (roll(12)) {
      case 0:
        if (roll(4) != 0) return;
        r.kind = scope_kind::everything;
        break;
      case 1:
      case 2:
      case 3:
        r.kind = scope_kind::operation;
        r.name = digits[roll(3)];
        t.what = scope_of_operation(r.name);
        break;
      case 4:
      case 5:
      case 6:
        r.kind = scope_kind::tenant;
        r.tenant = digits[roll(3)];
        t.what = scope_of_tenant(r.tenant);
        break;
      default:
        r.kind = scope_kind::tag;
        r.tenant = "t";
        r.name = digits[roll(6)];
        t.what = scope_of_tag(r.tenant, r.name);
        break;
    }
    t.node = n;
    t.step = step_;
    t.caller = ++callers_;
    truth_.push_back(t);
    nodes_[n].waiting.push_back(t.caller);
    call(n, [&](auto& c, auto& out) { c.requested(t.caller, r, now_, out); });
  }

  void erase(std::size_t n) {
    const std::uint64_t key = roll(12);
    const key128 k[] = {id_of(key).key()};
    node& at = nodes_[n];
    truth t{scope_of_key(k[0]), n, step_, ++callers_, false, {}};
    // A caller of erase is answered by its shard, at once; while Redis is away it is a promise all the same.
    t.promised = !at.reachable;
    truth_.push_back(t);
    at.shard->raise(t.what, unnumbered);
    drop(at, t.what, unnumbered);
    at.to_remove.push_back(key);
    call(n, [&](auto& c, auto& out) { c.keys_erased(k, now_, out); });
    remove(at);
  }
  void remove(node& at) {
    if (!at.gate) return;
    for (const std::uint64_t key : at.to_remove) answers_.erase(key);
    at.to_remove.clear();
  }

  void begin_answer(std::size_t n) {
    const std::uint64_t key = roll(12);
    answer_of a;
    a.key = key;
    a.scopes = {scope{}, scope_of_tenant(std::to_string(key % 3)), scope_of_operation(std::to_string(key / 4)),
                scope_of_tag("t", std::to_string(key % 6)), scope_of_key(id_of(key).key())};
    a.born = nodes_[n].newest;
    a.begun = step_;
    nodes_[n].making.push_back(a);
  }
  void finish_answer(std::size_t n) {
    node& at = nodes_[n];
    if (at.making.empty()) return;
    const std::size_t i = roll(at.making.size());
    at.to_write.push_back(at.making[i]);
    at.making.erase(at.making.begin() + static_cast<std::ptrdiff_t>(i));
  }
  void write_answer(std::size_t n) {
    node& at = nodes_[n];
    if (!at.gate || at.to_write.empty()) return;
    remove(at);
    answers_[at.to_write.front().key] = at.to_write.front();
    at.to_write.erase(at.to_write.begin());
  }

  static void drop(node& at, const scope& s, generation g) {
    auto gone = [&](const answer_of& a) {
      return a.born < g && std::find(a.scopes.begin(), a.scopes.end(), s) != a.scopes.end();
    };
    std::erase_if(at.making, gone);
    std::erase_if(at.to_write, gone);
  }

  void read(std::size_t n) {
    node& at = nodes_[n];
    if (!at.gate || !at.available) return;
    for (const auto& [key, a] : answers_) {
      if (!at.shard->is_alive(a.born, a.scopes)) {
        ++refused;
        continue;
      }
      ++allowed;
      for (const truth& t : truth_) {
        if (t.step <= a.begun || std::find(a.scopes.begin(), a.scopes.end(), t.what) == a.scopes.end()) continue;
        const bool must_know = t.node == n || (t.in_redis && now_ - *t.in_redis > lease);
        INFO("step " << step_ << " node " << n << " key " << key << " born " << a.born << " begun " << a.begun
                     << " scope " << to_text(t.what) << " by " << t.node << " in step " << t.step);
        REQUIRE_FALSE(must_know);
      }
    }
  }

  void carry(std::size_t n) {
    node& at = nodes_[n];
    if (!at.heard.empty() && roll(2) == 0) hear(n);
    if (at.commands.empty()) return;
    const auto batch = std::move(at.commands.front());
    at.commands.pop_front();
    std::vector<link_reply> replies;
    bool broken = false;
    for (const link_command& c : batch.commands) {
      const std::uint64_t luck = careful_ ? 9 : roll(at.reachable ? 40 : 3);
      broken = broken || luck < 2;
      const bool done = !broken || luck == 1;
      link_reply r;
      if (done && c.words[0] == "EVAL") {
        r.reply = redis_.run(c.words);
        note(n, c);
      } else if (c.words[0] == "SCAN") {
        r.reply = {redis_reply::kind::array,
                   0,
                   "",
                   {{redis_reply::kind::bulk, 0, "0", {}}, {redis_reply::kind::array, 0, "", {}}}};
      }
      r.answered = !broken;
      replies.push_back(r);
    }
    for (std::string& said : redis_.published)
      for (node& other : nodes_)
        if (other.hears) other.heard.push_back(said);
    redis_.published.clear();
    call(n, [&](auto& c, auto& out) { c.replied(batch.ticket, replies, now_, out); });
  }

  // The truth about an invalidation that Redis has just carried out.
  void note(std::size_t n, const link_command& c) {
    // A number that was given before is no number; the node must find that out.
    if (c.words[1] != generation_scripts::invalidate || redis_.newest <= nodes_[n].core->learned()) return;
    for (std::size_t i = 12; i < c.words.size(); ++i) {
      scope s;
      REQUIRE(parse_scope(c.words[i], s));
      for (truth& t : truth_)
        if (t.node == n && !t.in_redis && (t.what == s || s == scope{})) {
          // Only of what was invalidated before: `step` is never later than now.
          t.in_redis = now_;
          t.number = redis_.newest;
          lost_.erase(t.caller);
        }
    }
  }

  // After a loss somebody must be left who knows: the node that did it, or the other.
  bool is_known_to(std::size_t n, const truth& t) const { return nodes_[n].core->book().of(t.what) >= t.number; }

  void hear(std::size_t n) {
    const std::string said = nodes_[n].heard.front();
    nodes_[n].heard.pop_front();
    call(n, [&](auto& c, auto& out) { c.announced(said, now_, out); });
  }

  void perform(std::size_t n, invalidation_core::effects& out) {
    node& at = nodes_[n];
    using core = invalidation_core;
    for (auto& e : out) {
      if (auto* tell = std::get_if<core::tell_shards>(&e)) {
        told(at, *tell);
        if (tell->ticket != 0) {
          const std::uint64_t ticket = tell->ticket;
          counts_.push_back({n, ticket});
        }
      } else if (auto* state = std::get_if<core::tell_state>(&e)) {
        REQUIRE(state->newest >= at.newest);
        at.newest = state->newest;
        at.available = state->available;
      } else if (auto* run = std::get_if<core::run_commands>(&e)) {
        at.commands.push_back(std::move(*run));
      } else if (auto* open = std::get_if<core::open_gate>(&e)) {
        if (open->outages != at.outages) continue;
        at.gate = true;
        // Whatever this node knows Redis knows again.
        for (truth& t : truth_)
          if (t.node == n && !t.in_redis && lost_.contains(t.caller)) {
            t.in_redis = now_;
            lost_.erase(t.caller);
          }
      } else if (std::holds_alternative<core::close_gate>(e)) {
        at.gate = false;
      } else if (auto* reply = std::get_if<core::reply>(&e)) {
        REQUIRE(reply->why == errc::none);
        REQUIRE(std::erase(at.waiting, reply->caller) == 1);
        for (truth& t : truth_)
          if (t.caller == reply->caller) t.promised = true;
      } else if (auto* append = std::get_if<core::journal_append>(&e)) {
        at.written.insert(at.written.end(), append->scopes.begin(), append->scopes.end());
      } else if (std::holds_alternative<core::journal_clear>(e)) {
        at.written.clear();
      } else if (auto* what = std::get_if<core::remark>(&e); what != nullptr && *what == core::remark::collapsed) {
        ++collapses;
      }
    }
    out.clear();
    while (!counts_.empty()) {
      const auto [who, ticket] = counts_.front();
      counts_.pop_front();
      call(who, [&, t = ticket](auto& c, auto& more) { c.counted(0, t, 1, now_, more); });
    }
  }

  static void told(node& at, const invalidation_core::tell_shards& m) {
    if (m.floor != 0) {
      at.shard->raise_floor(m.floor);
      auto gone = [&](const answer_of& a) { return a.born < m.floor; };
      std::erase_if(at.making, gone);
      std::erase_if(at.to_write, gone);
    }
    if (m.lost_track) {
      at.making.clear();
      at.to_write.clear();
    }
    for (const scope& s : m.scopes) {
      if (m.settles) {
        at.shard->settle(s, m.since);
      } else {
        at.shard->raise(s, m.since);
        drop(at, s, m.since);
        // It may have written the key just before it heard of this.
        for (std::uint64_t key = 0; key < 12; ++key)
          if (s == scope_of_key(id_of(key).key())) at.to_remove.push_back(key);
      }
    }
  }

  std::mt19937_64 dice_;
  generation_book::limits book_;
  std::size_t journal_;
  instant now_{1'000'000};
  std::int64_t step_ = 0;
  std::uint64_t origins_ = 0;
  std::uint64_t callers_ = 0;
  bool careful_ = false;
  node nodes_[2];
  model_generations redis_;
  model_generations saved_;
  std::map<std::uint64_t, answer_of> answers_;
  std::map<std::uint64_t, answer_of> saved_answers_;
  instant saved_at_{0};
  std::vector<truth> truth_;
  std::set<std::uint64_t> lost_;
  std::deque<std::pair<std::size_t, std::uint64_t>> counts_;
};

}  // namespace aicache::test
