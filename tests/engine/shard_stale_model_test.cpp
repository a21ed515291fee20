#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>

#include "engine/client/response.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::shard_stale_model_test {

using namespace aicache::test;

namespace {

constexpr duration life{400};
constexpr duration revalidate{150};
constexpr duration if_error{600};
constexpr duration remembered{80};
constexpr std::uint64_t keys = 12;

shard_options options() {
  shard_options o;
  o.tiers.budget = 64 << 20;
  o.lifetimes.otherwise = life;
  o.lifetimes.jitter_percent = 20;
  o.stale.while_revalidate = revalidate;
  o.stale.if_error = if_error;
  o.negatives.ttl = remembered;
  o.leases.lease = duration{3'600'000};  // what becomes of late holders is the lease table's own test
  o.park = duration{3'600'000};
  return o;
}

/// A shard, and beside it what it must say to everything it is asked.
class stale_duel {
 public:
  explicit stale_duel(std::uint64_t seed) : random_(seed) {}

  void run(std::uint64_t steps) {
    for (std::uint64_t i = 0; i < steps; ++i) {
      step();
      if (i % 500 == 0) REQUIRE(s_.core.sound());
    }
    REQUIRE(s_.core.sound());
  }

  std::map<std::string, std::uint64_t> seen;

 private:
  struct entry {
    std::string text;
    instant expires;
    bool outlived = false;
  };
  struct flight {
    std::uint64_t key = 0;
    std::deque<std::uint64_t> line;  // batches that wait
    bool lost = false;               // by an invalidation
  };

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void step() {
    const std::uint64_t key = below(keys);
    switch (below(20)) {
      default: return get(key, below(2) == 0);
      case 0: return put(key, 0);
      case 1:
      case 2:
      case 3:
        if (const std::uint64_t token = some_token()) put(flights_[token].key, token);
        return;
      case 4:
      case 5:
        if (const std::uint64_t token = some_token()) fail(flights_[token].key, token);
        return;
      case 6:
        if (const std::uint64_t token = some_token()) release(flights_[token].key, token);
        return;
      case 7: return fail(key, 0);
      case 8:
        if (below(4) != 0) return;
        s_.erase(key);
        return forget(key);
      case 9:
        if (below(15) != 0) return;
        // A computation from before it is cut off when somebody next asks, which is not this model's matter.
        while (!flights_.empty()) release(flights_.begin()->second.key, flights_.begin()->first);
        s_.invalidate(scope_of_operation("qa"));
        for (std::uint64_t k = 0; k < keys; ++k) forget(k);
        return;
      case 10:
      case 11:
      case 12: s_.now = s_.now + duration{static_cast<std::int64_t>(below(40))}; return;
      case 13: return s_.tick();
    }
  }

  std::uint64_t some_token() {
    if (flights_.empty()) return 0;
    return std::next(flights_.begin(), static_cast<std::ptrdiff_t>(below(flights_.size())))->first;
  }
  std::uint64_t holder_of(std::uint64_t key) const {
    for (const auto& [token, f] : flights_)
      if (f.key == key && !f.lost) return token;
    return 0;
  }
  void forget(std::uint64_t key) {
    entries_.erase(key);
    negatives_.erase(key);
    for (auto& [token, f] : flights_)
      if (f.key == key) f.lost = true;
  }
  const entry* alive(std::uint64_t key) const {
    const auto at = entries_.find(key);
    return at == entries_.end() ? nullptr : &at->second;
  }
  bool is_negative(std::uint64_t key) const {
    const auto at = negatives_.find(key);
    return at != negatives_.end() && at->second > s_.now;
  }

  void get(std::uint64_t key, bool lease) {
    shard_harness::about a;
    a.lease = lease;
    a.owner = 1 + below(5);
    a.wait = duration{3'600'000};
    const get_result r = s_.get(key, a);
    const entry* e = alive(key);
    const duration past = e == nullptr ? duration{-1} : s_.now - e->expires;
    const std::uint64_t holder = holder_of(key);
    if (e != nullptr && past < duration{0}) {
      ++seen["fresh"];
      return expect(r, get_status::hit, staleness::fresh, e->text);
    }
    const bool served = e != nullptr && (past < revalidate || (e->outlived && past < if_error));
    if (served && (!lease || is_negative(key) || holder != 0)) {
      ++seen[past < revalidate ? "stale" : "bridged"];
      return expect(r, get_status::hit, staleness::stale, e->text);
    }
    if (!served && is_negative(key)) {
      ++seen["negative"];
      CHECK(r.error == errc::provider_failed);
      CHECK(r.expires == negatives_[key]);
      return expect(r, get_status::negative, staleness::fresh, "(nothing)");
    }
    if (!lease) return expect(r, get_status::miss, staleness::fresh, "(nothing)");
    if (holder != 0) {
      flights_[holder].line.push_back(s_.batch);
      ++seen["parked"];
      return expect(r, get_status::pending, staleness::fresh, "(nothing)");
    }
    flights_[r.lease] = {key, {}, false};
    if (served) return expect(r, get_status::lease, staleness::stale, e->text);
    const bool falls_back = e != nullptr && past < if_error;
    seen["fallback"] += falls_back ? 1 : 0;
    expect(r, get_status::lease, falls_back ? staleness::fallback : staleness::fresh, "(nothing)");
  }

  void expect(const get_result& r, get_status status, staleness stale, const std::string& text) {
    REQUIRE(r.status == status);
    REQUIRE(r.stale == stale);
    REQUIRE(text_of(r) == text);
  }

  void expect_line(const flight& f, get_status status, staleness stale, const std::string& text) {
    for (const std::uint64_t batch : f.line) {
      const get_result* r = s_.late(batch);
      REQUIRE(r != nullptr);
      expect(*r, status, stale, text);
    }
  }

  // The next in line shall compute.
  void expect_passed_on(flight f) {
    if (f.line.empty()) return;
    const get_result* next = s_.late(f.line.front());
    REQUIRE(next != nullptr);
    REQUIRE(next->status == get_status::lease);
    const entry* e = f.lost ? nullptr : alive(f.key);
    const duration past = e == nullptr ? duration{-1} : s_.now - e->expires;
    const bool served = past >= duration{0} && (past < revalidate || (e->outlived && past < if_error));
    const bool falls_back = past >= duration{0} && past < if_error;
    if (!f.lost)
      REQUIRE(next->stale == (served ? staleness::stale : falls_back ? staleness::fallback : staleness::fresh));
    f.line.pop_front();
    for (const std::uint64_t batch : f.line) REQUIRE(s_.late(batch) == nullptr);
    flights_[next->lease] = std::move(f);
    ++seen["passed on"];
  }

  flight take(std::uint64_t token) {
    flight f = std::move(flights_[token]);
    flights_.erase(token);
    return f;
  }

  void put(std::uint64_t key, std::uint64_t token) {
    const std::string text = "answer " + std::to_string(++serial_);
    const bool cut = below(4) == 0;
    response what{text, "", 0, 0, 0};
    if (cut) what.finish = finish_reason::length;
    const put_result r = s_.put(key, to_blob(what), under(token));
    if (cut) {
      if (token == 0) return;
      flight f = take(token);
      if (f.lost) return expect_passed_on(std::move(f));
      if (!bridge(key, f)) expect_passed_on(std::move(f));
      return;
    }
    // Without a lease it ends another's computation, if there is one.
    const std::uint64_t ends = token == 0 ? holder_of(key) : token;
    const flight f = ends == 0 ? flight{} : take(ends);
    if (f.lost) {
      // By an invalidation it was cut off before it came: who asked earlier may have it, or compute anew.
      REQUIRE(r.status == put_status::not_stored);
      if (f.line.empty() || s_.late(f.line.front())->status == get_status::lease) return expect_passed_on(f);
      return expect_line(f, get_status::hit, staleness::fresh, text);
    }
    REQUIRE(r.status == put_status::stored);
    expect_line(f, get_status::hit, staleness::fresh, text);
    entries_[key] = {text, s_.now + shortened(life, id_of(key).key(), 20), false};
    negatives_.erase(key);
  }

  // True when an answer past its time is there for a failed computation.
  bool bridge(std::uint64_t key, const flight& f) {
    const auto at = entries_.find(key);
    if (at == entries_.end()) return false;
    entry& e = at->second;
    if (s_.now < e.expires || s_.now - e.expires >= if_error) return false;
    e.outlived = true;
    expect_line(f, get_status::hit, staleness::stale, e.text);
    return true;
  }

  void fail(std::uint64_t key, std::uint64_t token) {
    const errc why = below(2) == 0 ? errc::provider_failed : errc::compute_failed;
    const bool held_by_another = token == 0 && holder_of(key) != 0;
    const put_result r = s_.put(key, to_blob(failed_response(why)), under(token));
    if (held_by_another) {
      REQUIRE(r.status == put_status::not_stored);
      return;
    }
    flight f = token == 0 ? flight{} : take(token);
    if (f.lost) {
      REQUIRE(r.status == put_status::not_stored);
      return expect_passed_on(std::move(f));
    }
    const entry* e = alive(key);
    const bool kept = why == errc::provider_failed && (e == nullptr || e->expires <= s_.now);
    REQUIRE(r.status == (kept ? put_status::negative : put_status::refused));
    if (kept) negatives_[key] = s_.now + shortened(remembered, id_of(key).key(), 20);
    if (bridge(key, f)) return;
    if (kept) return expect_line(f, get_status::negative, staleness::fresh, "(nothing)");
    expect_passed_on(std::move(f));
  }

  void release(std::uint64_t key, std::uint64_t token) {
    REQUIRE(s_.release(key, token));
    expect_passed_on(take(token));
  }

  shard_harness s_{options()};
  std::mt19937_64 random_;
  std::map<std::uint64_t, entry> entries_;
  std::map<std::uint64_t, instant> negatives_;
  std::map<std::uint64_t, flight> flights_;  // by token
  std::uint64_t serial_ = 0;
};

}  // namespace

TEST_CASE("under random load fresh, stale, negative and missing are what the windows say",
          "[engine][shard][stale][model]") {
  const char* wanted = std::getenv("AICACHE_TEST_OPERATIONS");
  const std::uint64_t steps = wanted == nullptr ? 40'000 : std::strtoull(wanted, nullptr, 10) / 10;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    stale_duel d{seed};
    d.run(steps);
    for (const char* what : {"fresh", "stale", "bridged", "negative", "parked", "fallback", "passed on"}) {
      INFO(what);
      CHECK(d.seen[what] > 10);
    }
  }
}

}  // namespace aicache::shard_stale_model_test
