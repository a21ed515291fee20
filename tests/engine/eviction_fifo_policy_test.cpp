#include <catch2/catch.hpp>

#include "engine/eviction/fifo_policy.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace aicache::eviction_fifo_policy_test {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

struct entry : policy_hook<entry> {
  std::uint32_t heavy = 1;
  std::uint64_t key = 0;

  entry() = default;
  explicit entry(std::uint64_t k, std::uint32_t w = 1) : heavy(w), key(k) {}
  std::uint64_t weight() const noexcept { return heavy; }
  std::uint64_t hash() const noexcept { return mix(key + 1); }
};

static_assert(sizeof(entry) == 32, "members of a node lie in the tail of its hook");

/// The rules written down naively: copies, searches, an exact memory. What the policy is compared with.
struct naive_policy {
  struct item {
    std::uint64_t key;
    std::uint64_t weight;
    unsigned hits;
    bool second;
  };
  std::uint64_t capacity;
  eviction_mode mode;
  std::deque<item> probation;
  std::deque<item> main;
  std::map<std::uint64_t, std::uint64_t> ghosts;
  std::uint64_t clock = 0;
  std::uint64_t grain = 1;
  bool filled = false;
  std::vector<std::uint64_t> victims;

  naive_policy(std::uint64_t c, eviction_mode m) : capacity(c), mode(m) {}
  static std::uint64_t sum(const std::deque<item>& q) {
    std::uint64_t total = 0;
    for (const item& i : q) total += i.weight;
    return total;
  }
  std::uint64_t used() const { return sum(probation) + sum(main); }
  std::uint64_t share(std::uint64_t permille) const { return (capacity * permille + 500) / 1000; }
  std::uint64_t target() const { return std::max<std::uint64_t>(1, share(settings_of(mode).probation_permille)); }
  item* find(std::uint64_t key) {
    for (auto* q : {&probation, &main}) {
      for (item& i : *q) {
        if (i.key == key) return &i;
      }
    }
    return nullptr;
  }
  void erase(std::uint64_t key) {
    for (auto* q : {&probation, &main}) std::erase_if(*q, [&](const item& i) { return i.key == key; });
  }
  static item pop(std::deque<item>& q) {
    const item oldest = q.front();
    q.pop_front();
    return oldest;
  }
  void drop(std::deque<item>& q, bool stamp) {
    const item gone = pop(q);
    if (stamp) ghosts[gone.key] = clock += gone.weight;
    victims.push_back(gone.key);
  }
  unsigned uncontested = 0;
  void drop_unproven() {
    if (++uncontested == 32) {
      uncontested = 0;
      if (hand_finds_unused(1)) {
        const item winner = pop(probation);
        main.push_back({winner.key, winner.weight, 0, false});
        return drop(main, settings_of(mode).stamps_main);
      }
    }
    drop(probation, true);
  }
  bool hand_finds_unused(unsigned looks) {
    for (; looks > 0; --looks) {
      if (main.empty()) return false;
      if (main.front().hits == 0) return true;
      item moved = pop(main);
      --moved.hits;
      main.push_back(moved);
    }
    return false;
  }
  void evict_one() {
    filled = true;
    if (sum(probation) > target() + grain) {
      item moved = pop(probation);
      main.push_back({moved.key, moved.weight, moved.hits >= 2 ? 1U : 0U, false});
    }
    unsigned moves = 64;
    unsigned chances = 16;
    const std::uint64_t quota = capacity > target() ? capacity - target() : 0;
    if (sum(main) <= quota) {
      while (!probation.empty()) {
        item& oldest = probation.front();
        if (moves == 0) return drop_unproven();
        if (oldest.hits >= 2) {
          item moved = pop(probation);
          main.push_back({moved.key, moved.weight, 0, false});
        } else if (oldest.hits == 1 && !oldest.second && chances > 0) {
          item moved = pop(probation);
          moved.second = true;
          probation.push_back(moved);
          --chances;
        } else {
          return drop_unproven();
        }
        --moves;
      }
    }
    hand_finds_unused(moves);
    drop(main, settings_of(mode).stamps_main);
  }
  bool admit(std::uint64_t key, std::uint64_t weight) {
    if (weight > capacity) return false;
    grain = std::max(weight, grain - grain / 1024);
    bool known = false;
    if (const auto at = ghosts.find(key); at != ghosts.end()) {
      known = clock - at->second <= share(settings_of(mode).ghost_permille);
      ghosts.erase(at);
    }
    const bool full = used() + weight > capacity;
    if (full && known && settings_of(mode).duel && sum(main) + weight > capacity - std::min(capacity, target())) {
      known = hand_finds_unused(4);
      if (known) drop(main, settings_of(mode).stamps_main);
    }
    while (used() + weight > capacity) evict_one();
    const bool first = full || sum(probation) + weight <= target() + (filled ? grain : 0);
    (known || !first ? main : probation).push_back({key, weight, 0, false});
    return true;
  }
};

/// The policy and its naive twin, given the same events.
class twins {
 public:
  using policy_type = fifo_policy<entry, policy_traits<entry>, stamping::by_owner>;

  twins(std::uint64_t capacity, std::uint64_t seed) : real_(capacity), naive_(capacity, real_.mode()), random_(seed) {
    // So large that no two keys of the test meet: the twin's memory is exact.
    real_.reserve_ghost(200'000);
  }

  void step(std::uint32_t max_weight, bool capacity_changes, const std::vector<eviction_mode>& modes) {
    const std::uint64_t what = random_() % 1000;
    if (what < 950) {
      // Popular keys, and a stream of others: hits, ghosts, newcomers.
      const std::uint64_t key = random_() % 4 ? random_() % 300 : 1000 + random_() % 3000;
      request(key, max_weight);
    } else if (what < 970) {
      if (entry* e = any()) {
        real_.erase(*e);
        naive_.erase(e->key);
        in_.erase(e->key);
      }
    } else if (what < 990) {
      if (entry* e = any()) replace(*e, max_weight);
    } else if (what < 996) {
      const eviction_mode m = modes[random_() % modes.size()];
      real_.mode(m);
      naive_.mode = m;
    } else if (capacity_changes) {
      const std::uint64_t fresh = 600 + random_() % 401;
      if (fresh > naive_.capacity) naive_.filled = false;
      naive_.capacity = fresh;
      real_.capacity(fresh);
      if (random_() % 2) shrink();
    }
  }

  bool agree() const {
    return real_.sound() && real_.used() == naive_.used() &&
           real_.probation_used() == naive_policy::sum(naive_.probation) &&
           real_.main_used() == naive_policy::sum(naive_.main) && real_.count() == in_.size() &&
           victims_ == naive_.victims;
  }

 private:
  void leave(entry& e, bool wanted) {
    victims_.push_back(e.key);
    if (wanted) real_.remember(e.hash(), e.weight());
    in_.erase(e.key);
  }
  void request(std::uint64_t key, std::uint32_t max_weight) {
    if (const auto at = in_.find(key); at != in_.end()) {
      real_.hit(*at->second);
      naive_policy::item* twin = naive_.find(key);
      REQUIRE(twin);
      twin->hits = std::min(twin->hits + 1, 3U);
      return;
    }
    auto e = std::make_unique<entry>(key, static_cast<std::uint32_t>(1 + random_() % max_weight));
    const bool taken = real_.admit(*e, [this](entry& victim, bool wanted) { leave(victim, wanted); });
    REQUIRE(taken == naive_.admit(key, e->weight()));
    REQUIRE(real_.used() <= real_.capacity());
    in_[key] = std::move(e);
  }
  void replace(entry& old, std::uint32_t max_weight) {
    auto fresh = std::make_unique<entry>(old.key, static_cast<std::uint32_t>(1 + random_() % max_weight));
    real_.replace(old, *fresh);
    naive_policy::item* twin = naive_.find(old.key);
    REQUIRE(twin);
    twin->weight = fresh->weight();
    in_[old.key] = std::move(fresh);
    shrink();
  }
  void shrink() {
    real_.shrink_to(real_.capacity(), UINT_MAX, [this](entry& victim, bool wanted) { leave(victim, wanted); });
    while (naive_.used() > naive_.capacity) naive_.evict_one();
  }
  entry* any() {
    if (in_.empty()) return nullptr;
    return std::next(in_.begin(), static_cast<std::ptrdiff_t>(random_() % in_.size()))->second.get();
  }

  policy_type real_;
  naive_policy naive_;
  std::map<std::uint64_t, std::unique_ptr<entry>> in_;
  std::vector<std::uint64_t> victims_;
  std::mt19937_64 random_;
};

/// A cache of unit entries for whole runs.
class unit_cache {
 public:
  unit_cache(std::uint64_t capacity, std::size_t keys, eviction_mode m) : policy_(capacity, m), entries_(keys) {
    for (std::size_t k = 0; k < keys; ++k) entries_[k].key = k;
  }
  bool request(std::uint64_t key) {
    entry& e = entries_[key];
    if (policy_.holds(e)) {
      policy_.hit(e);
      return true;
    }
    policy_.admit(e, [](entry&, bool) {});
    return false;
  }
  fifo_policy<entry>& policy() { return policy_; }

 private:
  fifo_policy<entry> policy_;
  std::vector<entry> entries_;
};

const std::vector<eviction_mode> all_modes{eviction_mode::guard, eviction_mode::lean, eviction_mode::history,
                                           eviction_mode::middle, eviction_mode::recency};

TEST_CASE("equal weights: every victim is the one that the naive rules choose, in every mode", "[engine][eviction]") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    twins both{100, seed};
    for (int n = 0; n < 10'000; ++n) {
      both.step(1, false, all_modes);
      if (n % 500 == 0) REQUIRE(both.agree());
    }
    CHECK(both.agree());
  }
}

TEST_CASE("unequal weights, erasures, replacements and changing capacities follow the naive rules",
          "[engine][eviction]") {
  // The history mode is left out: its window may exceed what a table swept at a smaller capacity still knows.
  const std::vector<eviction_mode> modes{eviction_mode::guard, eviction_mode::lean, eviction_mode::middle,
                                         eviction_mode::recency};
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    twins both{1000, seed};
    for (int n = 0; n < 10'000; ++n) {
      both.step(20, true, modes);
      if (n % 500 == 0) REQUIRE(both.agree());
    }
    CHECK(both.agree());
  }
}

TEST_CASE("a node heavier than the capacity is refused, and nothing is evicted for it", "[engine][eviction]") {
  fifo_policy<entry> policy{10};
  entry small{1, 10};
  entry large{2, 11};
  int evicted = 0;
  const auto count = [&](entry&, bool) { ++evicted; };
  REQUIRE(policy.admit(small, count));
  CHECK_FALSE(policy.admit(large, count));
  CHECK(evicted == 0);
  CHECK_FALSE(policy.holds(large));
  CHECK(policy.holds(small));
  policy.capacity(0);
  CHECK_FALSE(policy.admit(large, count));
  CHECK(policy.shrink_to(0, 1, count) == 10);
  CHECK((policy.sound() && policy.used() == 0 && policy.count() == 0));
}

TEST_CASE("a heavy newcomer that may not evict enough stays out, and the next try goes on", "[engine][eviction]") {
  fifo_policy<entry> policy{100};
  std::vector<entry> small(100);
  for (std::size_t i = 0; i < small.size(); ++i) {
    small[i].key = i;
    REQUIRE(policy.admit(small[i], [](entry&, bool) {}));
  }
  entry large{1000, 50};
  std::size_t evicted = 0;
  const auto count = [&](entry&, bool) { ++evicted; };
  CHECK_FALSE(policy.admit(large, count, 30));
  CHECK(evicted == 30);
  CHECK(policy.admit(large, count, 30));
  CHECK(evicted == 50);
  CHECK((policy.sound() && policy.used() == 100 && policy.count() == 51));
}

TEST_CASE("one eviction moves a bounded number of nodes however many are in use", "[engine][eviction]") {
  const std::size_t many = 5000;
  unit_cache cache{many, many + 1, eviction_mode::recency};
  for (int round = 0; round < 4; ++round) {
    for (std::uint64_t key = 0; key < many; ++key) cache.request(key);
  }
  const std::uint64_t main_before = cache.policy().main_used();
  cache.request(many);
  CHECK(cache.policy().main_used() <= main_before + fifo_policy<entry>::max_moves + 2);
  CHECK(cache.policy().used() == many);
  CHECK(cache.policy().sound());
}

TEST_CASE("sixteen entries in use get their second chance in one eviction, the next one leaves", "[engine][eviction]") {
  fifo_policy<entry> policy{100, eviction_mode::recency};
  std::vector<entry> nodes(101);
  std::vector<std::uint64_t> victims;
  const auto note = [&](entry& e, bool) { victims.push_back(e.key); };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].key = i;
    if (i < 100) REQUIRE(policy.admit(nodes[i], note));
  }
  REQUIRE(policy.probation_used() == 60);
  for (std::size_t i = 0; i < 60; ++i) policy.hit(nodes[i]);
  REQUIRE(policy.admit(nodes[100], note));
  CHECK(victims == std::vector<std::uint64_t>{16});
  CHECK((policy.sound() && policy.used() == 100));
}

TEST_CASE("a loop refills the main queue after the mode changed", "[engine][eviction]") {
  const std::uint64_t keys = 1000;
  unit_cache cache{500, keys, eviction_mode::recency};
  const auto turn = [&] {
    unsigned hits = 0;
    for (std::uint64_t key = 0; key < keys; ++key) hits += cache.request(key) ? 1U : 0U;
    return hits;
  };
  for (int n = 0; n < 10; ++n) turn();
  const unsigned hits_before = turn();
  cache.policy().mode(eviction_mode::guard);
  for (int n = 0; n < 20; ++n) turn();
  CHECK(hits_before < 300);
  CHECK(turn() > 450);
  CHECK(cache.policy().main_used() > 480);
  CHECK((cache.policy().sound() && cache.policy().used() == 500));
}

TEST_CASE("dead keys do not hold main against a loop too long for the ghost", "[engine][eviction]") {
  unit_cache cache{500, 3000, eviction_mode::guard};
  for (int n = 0; n < 5; ++n) {
    for (std::uint64_t key = 2000; key < 2500; ++key) cache.request(key);
  }
  unsigned hits = 0;
  for (int n = 0; n < 100; ++n) {
    hits = 0;
    for (std::uint64_t key = 0; key < 1000; ++key) hits += cache.request(key) ? 1U : 0U;
  }
  CHECK(hits > 450);
  CHECK((cache.policy().sound() && cache.policy().used() == 500));
}

TEST_CASE("main gives room to a probation queue whose target grew", "[engine][eviction]") {
  unit_cache cache{500, 20'000, eviction_mode::guard};
  for (std::uint64_t key = 0; key < 2000; ++key) cache.request(key);
  CHECK(cache.policy().main_used() >= 490);
  cache.policy().mode(eviction_mode::recency);
  for (std::uint64_t key = 2000; key < 6000; ++key) cache.request(key);
  CHECK(cache.policy().probation_used() == cache.policy().probation_target());
  CHECK(cache.policy().sound());
}

TEST_CASE("a scan leaves what is in use untouched", "[engine][eviction]") {
  unit_cache cache{1000, 100'000, eviction_mode::lean};
  for (int n = 0; n < 6; ++n) {
    for (std::uint64_t key = 0; key < 500; ++key) cache.request(key);
  }
  for (std::uint64_t key = 1000; key < 3000; ++key) {
    cache.request(key);
    cache.request(key % 500);
  }
  unsigned hits = 0;
  for (std::uint64_t key = 0; key < 500; ++key) hits += cache.request(key) ? 1U : 0U;
  CHECK(hits == 500);
  CHECK(cache.policy().sound());
}

TEST_CASE("shrinking is done in as few or many steps as the owner allows", "[engine][eviction]") {
  unit_cache cache{1000, 2000, eviction_mode::middle};
  for (std::uint64_t key = 0; key < 1500; ++key) cache.request(key);
  cache.policy().capacity(400);
  CHECK(cache.policy().used() == 1000);
  CHECK(cache.policy().shrink_to(400, 100, [](entry&, bool) {}) == 100);
  CHECK(cache.policy().used() == 900);
  CHECK(cache.policy().shrink_to(400, UINT_MAX, [](entry&, bool) {}) == 500);
  CHECK(cache.policy().shrink_to(400, UINT_MAX, [](entry&, bool) {}) == 0);
  CHECK((cache.policy().sound() && cache.policy().used() == 400));
}

TEST_CASE("an owner that stamps is told which victims to remember, and a remembered one returns to main",
          "[engine][eviction]") {
  fifo_policy<entry, policy_traits<entry>, stamping::by_owner> policy{10};
  std::vector<entry> nodes(30);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].key = i;
  std::vector<entry*> gone;
  const auto keep = [&](entry& e, bool wanted) {
    if (wanted) gone.push_back(&e);
  };
  for (std::size_t i = 0; i < 20; ++i) REQUIRE(policy.admit(nodes[i], keep));
  REQUIRE(gone.size() >= 5);
  CHECK(policy.ghost_bytes() == 0);
  CHECK(policy.ghost_wants_to_grow());
  CHECK(policy.ghost_growth_bytes() > 0);
  REQUIRE(policy.grow_ghost());
  CHECK_FALSE(policy.ghost_wants_to_grow());
  entry& back = *gone.back();
  entry& stranger = *gone.front();
  policy.remember(back.hash(), back.weight());
  const std::uint64_t main_before = policy.main_used();
  REQUIRE(policy.admit(back, keep));
  CHECK(policy.main_used() == main_before + 1);
  REQUIRE(policy.admit(stranger, keep));
  CHECK(policy.main_used() <= main_before + 1);
  CHECK(policy.sound());
}

TEST_CASE("hits are counted to three and leave the owner's bits alone", "[engine][eviction]") {
  entry e{1};
  e.state = 0xe0;
  fifo_policy<entry> policy{10};
  REQUIRE(policy.admit(e, [](entry&, bool) {}));
  for (int i = 0; i < 9; ++i) policy.hit(e);
  CHECK((e.state & 3) == 3);
  CHECK((e.state & 0xe0) == 0xe0);
  policy.erase(e);
  CHECK(e.state == 0xe0);
  CHECK_FALSE(policy.holds(e));
}

}  // namespace
}  // namespace aicache::eviction_fifo_policy_test
