#include <algorithm>
#include <random>
#include <set>

#include "tests/support/client_harness.hpp"

namespace aicache::client_cluster_test {

using namespace aicache::test;

namespace {

// Shards that answer, park, lie, die and come back by the throw of a die.
class toy_cluster {
 public:
  explicit toy_cluster(std::uint64_t seed)
      : dice_(seed), map_(1 + pick(4), owner::same), alive_(map_.size(), true), d_(first_limits(dice_), shards()) {}

  void step() {
    switch (pick(12)) {
      case 0:
      case 1:
      case 2: return start();
      case 3:
      case 4:
      case 5: return reply();
      case 6: return late();
      case 7: return lie();
      case 8: return die();
      case 9: return heal();
      case 10: return d_.pass(duration{static_cast<std::int64_t>(pick(40))});
      default:
        if (pick(50) == 0) {
          d_.fail_all(errc::shutting_down);
          parked_.clear();
        }
    }
  }

  void check() {
    REQUIRE(d_.core.sound());
    for (const auto& p : d_.sent) {
      REQUIRE(p.shard < shards());
      REQUIRE(keys_of(p) <= d_.given.batch_keys);
      REQUIRE(correlations_.insert(p.correlation).second);
      // What is on its way to a dead shard is lost.
      if (alive_[p.shard]) in_flight_.push_back(p);
    }
    d_.sent.clear();
    for (std::uint32_t s = 0; s < shards(); ++s) REQUIRE(d_.core.in_flight(0, s) <= d_.given.in_flight_keys);
    for (auto& [token, done] : d_.finished) {
      REQUIRE(open_.erase(token) == 1);
      check_answers(*done);
      ended_.insert(token);
    }
    d_.finished.clear();
    REQUIRE(open_.size() == d_.core.open_calls());
  }

  void end() {
    d_.pass(longest_deadline);
    check();
    REQUIRE(open_.empty());
    REQUIRE(ended_.size() == d_.token);
    for (std::uint32_t s = 0; s < shards(); ++s) REQUIRE(d_.core.in_flight(0, s) == 0);
  }

 private:
  static client_core::limits first_limits(std::mt19937_64& dice) {
    return {.batch_keys = 1 + dice() % 8, .in_flight_keys = 8 + dice() % 64, .attempts = 2};
  }
  std::uint32_t pick(std::uint32_t n) { return static_cast<std::uint32_t>(dice_() % n); }
  std::uint32_t shards() const { return static_cast<std::uint32_t>(map_.size()); }

  void start() {
    std::vector<std::uint64_t> numbers(pick(20));
    for (auto& n : numbers) n = pick(1'000);
    const auto kind = static_cast<call_kind>(pick(7));
    // Before it starts: it may be finished at once.
    open_.insert(d_.token + 1);
    d_.start(call_of(kind, numbers, duration{static_cast<std::int64_t>(pick(200))}));
  }
  void reply() {
    if (in_flight_.empty()) return;
    const auto at = in_flight_.begin() + pick(static_cast<std::uint32_t>(in_flight_.size()));
    const auto p = *at;
    in_flight_.erase(at);
    const auto* g = std::get_if<std::shared_ptr<get_body>>(&p.what);
    if (g == nullptr || pick(3) != 0) return d_.answer(p);
    (*g)->results.clear();
    for (std::uint32_t i = 0; i < (*g)->items.size(); ++i) {
      const bool parks = pick(2) == 0;
      (*g)->results.push_back(answer_to((*g)->items[i].id, parks ? get_status::pending : get_status::miss));
      if (parks) parked_.push_back({p.shard, p.correlation, i, (*g)->items[i].id});
    }
    d_.replied(p.correlation, errc::none, p.what);
  }
  void late() {
    if (parked_.empty()) return;
    const auto at = parked_.begin() + pick(static_cast<std::uint32_t>(parked_.size()));
    const parked one = *at;
    parked_.erase(at);
    d_.late(one.correlation, one.position, answer_to(one.id, pick(2) == 0 ? get_status::hit : get_status::lease));
  }
  void lie() {
    auto b = std::make_shared<get_body>();
    b->results.resize(pick(4), answer_to(id_of(5'000)));
    const auto any = pick(static_cast<std::uint32_t>(correlations_.size()) + 3);
    if (pick(2) == 0) return d_.late(1'000'000 + any, pick(4), answer_to(id_of(5'000)));
    d_.replied(1'000'000 + any, pick(2) == 0 ? errc::internal : errc::none, b);
    if (in_flight_.empty()) return;
    // A refusal of a batch that is really open.
    d_.replied(in_flight_.back().correlation, errc::overloaded, client_core::body{});
    in_flight_.pop_back();
  }
  void die() {
    const auto s = pick(shards());
    if (!alive_[s]) return;
    alive_[s] = false;
    std::erase_if(in_flight_, [&](const auto& p) { return p.shard == s; });
    std::erase_if(parked_, [&](const parked& p) { return p.shard == s; });
    // The death is heard of by itself, or by a map without the shard, or by a map with the next one only.
    const auto how = pick(3);
    if (how == 0) d_.down(s);
    if (how == 1) publish(s, owner::absent);
    if (how == 2) {
      alive_[s] = true;
      publish(s, owner::replaced);
    }
  }
  void heal() {
    const auto s = pick(shards());
    if (alive_[s]) return;
    alive_[s] = true;
    publish(s, owner::replaced);
  }
  void publish(std::uint32_t s, owner what) {
    auto owners = map_;
    owners[s] = what;
    // Those that are dead without the client having heard of it by a map stay as they are there.
    map_[s] = what == owner::absent ? owner::absent : owner::same;
    d_.map(owners);
  }

  void check_answers(const call& done) {
    for (std::size_t i = 0; i < done.got.size(); ++i) {
      const get_result& r = done.got[i];
      REQUIRE(r.status != get_status::pending);
      if (r.status == get_status::error) {
        REQUIRE(r.error != errc::none);
        REQUIRE(r.error != errc::corrupt);
      } else {
        REQUIRE(r.created == answer_to(done.gets[i].id).created);
      }
    }
    REQUIRE(done.got.size() + done.stored.size() + done.told.size() == done.size());
  }

  struct parked {
    std::uint32_t shard;
    std::uint64_t correlation;
    std::uint32_t position;
    identity id;
  };
  std::mt19937_64 dice_;
  std::vector<owner> map_;
  std::vector<bool> alive_;
  driven d_;
  std::vector<client_core::send_part> in_flight_;
  std::vector<parked> parked_;
  std::set<std::uint64_t> correlations_;
  std::set<std::uint64_t> open_;
  std::set<std::uint64_t> ended_;
};

}  // namespace

TEST_CASE("whatever a cluster does, every call is finished once with its own answers", "[engine][client]") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    toy_cluster c(seed);
    for (int i = 0; i < 600; ++i) {
      c.step();
      c.check();
    }
    c.end();
  }
}

}  // namespace aicache::client_cluster_test
