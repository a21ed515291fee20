#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "engine/client/response.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::shard_shared_model_test {

using namespace aicache::test;

// A shard and a shared tier that is slow, away, full or lying, beside a record of everything that was ever put: whatever
// is served must be an answer to that question, not outlived without a word of it, not older than an invalidation that
// the shard was told of, and not older than the last answer that was put here.

namespace {

struct configuration {
  const char* name;
  std::uint64_t keys;
  std::uint64_t budget;
  double warm_share;
  std::size_t dirty_keys;
};
constexpr duration outlives{400};  // that answers are of use past their life, if computing fails
constexpr configuration configurations[] = {
    {"few keys", 20, 4 << 20, 0, 4'096},
    {"few keys, few changes may wait", 40, 4 << 20, 0, 16},
    {"more than memory holds", 1'500, 1 << 19, 0, 4'096},
    {"with warm", 60, 9 << 20, 0.5, 4'096},
};

std::uint64_t operations_wanted() {
  const char* wanted = std::getenv("AICACHE_TEST_OPERATIONS");
  return (wanted == nullptr ? 200'000 : std::strtoull(wanted, nullptr, 10)) / std::size(configurations);
}

const std::vector<std::string> operations{"qa", "summarize"};
const std::vector<std::string> tenants{"a", "b"};

class shared_duel {
 public:
  shared_duel(const configuration& c, std::uint64_t seed) : config_(c), core_(options_of(c)), random_(seed) {
    tell_state();
  }

  void run(std::uint64_t wanted) {
    while (done_ < wanted) {
      step();
      take_effects();
      if (core_.charged() > config_.budget) FAIL("over the budget after " << done_);
      // A recount looks at everything that is there.
      if ((config_.keys < 100 || done_ % 64 == 0) && !core_.sound()) FAIL("not sound after " << done_);
    }
    finish();
  }

  std::map<std::string, std::uint64_t> seen_;
  const shard_counters& counters() const { return core_.counters(); }

 private:
  struct version {
    std::uint64_t key = 0;
    std::uint64_t made = 0;  // the event in which it was made
    instant end;
    std::vector<std::uint64_t> tags;
    bool stored = true;
  };
  struct question {
    std::uint64_t key = 0;
    bool may_stay_open = false;
  };

  static shard_options options_of(const configuration& c) {
    shard_options o;
    o.tiers.budget = c.budget;
    o.tiers.warm_share = c.warm_share;
    o.tiers.worker_bytes = 2'000;
    o.tiers.dictionary_samples = 50;
    o.leases.lease = duration{300};
    o.leases.parked_per_key = 50;
    o.park = duration{400};
    o.stale.while_revalidate = duration{200};
    o.stale.if_error = outlives;
    o.negatives.ttl = duration{50};
    o.shared.on = true;
    o.shared.patience = duration{200};
    o.shared.dirty_keys = c.dirty_keys;
    return o;
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  // Which operation and tenant a key belongs to is part of it, as it is of an identity.
  static std::uint16_t operation_of(std::uint64_t key) { return static_cast<std::uint16_t>(key / 2 % 2); }
  static std::uint16_t tenant_of(std::uint64_t key) { return static_cast<std::uint16_t>(key % 2); }
  static std::string name_of(std::uint64_t key) {
    return held_redis::name_of(id_of(key), operations[operation_of(key)], tenants[tenant_of(key)]);
  }
  void resolve() { core_.resolve({operations, tenants}); }

  // -- versions --------------------------------------------------------------

  blob_ref make(std::uint64_t key, duration life, std::uint64_t& serial, std::vector<std::uint64_t>& tags) {
    serial = versions_.size();
    if (one_in(3)) tags.push_back(1'000 + below(4));
    versions_.push_back({key, ++event_, now_ + life, tags, true});
    std::string text = std::to_string(serial) + " ";
    text += one_in(10) ? noise(3'000, serial) : prose(20 + serial % 500, serial);
    return blob::make(text, {1, 1, 1, 0});
  }

  void judge_hit(std::uint64_t key, const get_result& r, bool late) {
    if (!r.value) FAIL("a hit without an answer");
    const std::string text{r.value->text()};
    const std::uint64_t serial = std::strtoull(text.c_str(), nullptr, 10);
    const version& v = versions_.at(serial);
    const std::string rest = text.substr(text.find(' ') + 1);
    if (v.key != key || (rest != noise(3'000, serial) && rest != prose(20 + serial % 500, serial)))
      FAIL("another question's answer for key " << key << " after " << done_);
    ++seen_[std::string{late ? "late " : ""} + std::string{to_string(r.from)}];
    if (late && (r.from == tier::warm || r.from == tier::parked)) return;  // right when it was asked, or is being put
    if (r.expires > std::max(v.end, touched_[key]) || r.expires + outlives <= now_) FAIL("outlived, key " << key);
    if ((r.stale == staleness::stale) != (r.expires <= now_)) FAIL("not told that it is stale, key " << key);
    if (r.stale == staleness::stale) ++seen_["stale"];
    if (!v.stored) FAIL("an answer that was not stored, key " << key << " after " << done_);
    const auto dead = [&](const scope& s) {
      const auto at = cuts_.find(to_text(s));
      return at != cuts_.end() && v.made <= at->second;
    };
    if (dead(scope{}) || dead(scope_of_tenant(tenants[tenant_of(key)])) ||
        dead(scope_of_operation(operations[operation_of(key)])) || dead(scope_of_key(id_of(key).key())) ||
        std::any_of(v.tags.begin(), v.tags.end(), [&](std::uint64_t t) { return dead(scope_of_tag(t)); }))
      FAIL("an invalidated answer for key " << key << " from " << to_string(r.from) << " after " << done_);
    // What was forgotten of what had to be given up may come back in its older form.
    const bool remembers = core_.counters().dirty_dropped + core_.counters().dirty_refused < 16;
    if (remembers && serial < last_put_[key]) FAIL("a superseded answer for key " << key << " after " << done_);
  }

  // -- what callers do -------------------------------------------------------

  void step() {
    ++done_;
    switch (below(30)) {
      default: return get();
      case 0:
      case 1:
      case 2:
      case 3: return put();
      case 4: return erase();
      case 5: return by_key();
      case 6:
        now_ = now_ + duration{static_cast<std::int64_t>(below(60))};
        core_.tick(now_, out_);
        return;
      case 7:
      case 8:
      case 9:
      case 10:
      case 11: return deliver();
      case 12:
      case 13: return perform();
      case 14: return invalidate();
      case 15: return number();
      case 16: return elsewhere();
      case 17: return rare();
    }
  }

  void get() {
    std::vector<get_item> items;
    std::vector<std::uint64_t> keys;
    for (std::uint64_t n = 1 + below(one_in(3) ? 8 : 1); n > 0; --n) {
      keys.push_back(below(config_.keys));
      items.push_back({id_of(keys.back()), operation_of(keys.back()), tenant_of(keys.back()),
                       static_cast<text_tier>(below(4)), one_in(3)});
    }
    std::vector<get_result> results(items.size());
    resolve();
    const std::uint64_t owner = 1 + below(4);
    core_.get(items, {++batch_, owner, now_ + duration{static_cast<std::int64_t>(below(500))}}, now_, results, out_);
    done_ += items.size();
    for (std::uint32_t i = 0; i < items.size(); ++i) {
      if (results[i].value) judge_hit(keys[i], results[i], false);
      if (results[i].status == get_status::lease) leases_.emplace_back(keys[i], results[i].lease);
      if (results[i].status != get_status::pending) continue;
      asked_[{batch_, i}] = {keys[i], false};
      if (items[i].lease) of_owner_[owner].push_back({batch_, i});
    }
  }

  void put() {
    std::uint64_t key = below(config_.keys);
    std::uint64_t token = 0;
    if (!leases_.empty() && one_in(2)) {
      std::tie(key, token) = leases_.front();
      leases_.pop_front();
    }
    const duration life{static_cast<std::int64_t>(1 + below(3'000))};
    put_item item{id_of(key), operation_of(key), tenant_of(key), static_cast<text_tier>(below(4)), token, life.count(),
                  {}};
    std::uint64_t serial = 0;
    if (token != 0 && one_in(4)) return fail(item);
    item.value = make(key, life, serial, item.tags);
    item.write_through = one_in(4);
    put_result r;
    resolve();
    expect_news(core_.put({&item, 1}, ++batch_, now_, {&r, 1}, out_));
    if (r.status == put_status::stored) {
      last_put_[key] = serial;
    } else {
      versions_[serial].stored = false;
    }
  }

  void fail(put_item& item) {
    item.value = to_blob(failed_response(one_in(2) ? errc::provider_failed : errc::compute_failed));
    put_result r;
    resolve();
    core_.put({&item, 1}, ++batch_, now_, {&r, 1}, out_);
    if (r.status == put_status::stored) FAIL("a failure was stored");
    if (r.status == put_status::negative) ++seen_["failed"];
  }

  void erase() {
    const std::uint64_t key = below(config_.keys);
    const key_item item{id_of(key), own_lifetime, operation_of(key), tenant_of(key)};
    key_result r;
    resolve();
    expect_news(core_.erase({&item, 1}, ++batch_, now_, {&r, 1}, out_));
    cuts_[to_text(scope_of_key(id_of(key).key()))] = ++event_;
  }

  void by_key() {
    const std::uint64_t key = below(config_.keys);
    const key_item item{id_of(key), static_cast<std::int64_t>(1 + below(3'000)), operation_of(key), tenant_of(key)};
    key_result r;
    resolve();
    if (one_in(2)) return expect_news(core_.look_up({&item, 1}, ++batch_, now_ + duration{300}, now_, out_));
    core_.touch({&item, 1}, now_, {&r, 1}, out_);
    if (r.found) touched_[key] = std::max(touched_[key], now_ + duration{item.argument});
  }

  void expect_news(std::uint32_t open) {
    if (open > 0) news_.insert({batch_, 0});
  }

  // -- invalidation ----------------------------------------------------------

  scope some_scope() {
    switch (below(40)) {
      case 0: return {};
      case 1:
      case 2:
      case 3: return scope_of_tenant(tenants[below(2)]);
      case 4:
      case 5:
      case 6: return scope_of_operation(operations[below(2)]);
      default:
        if (one_in(2)) return scope_of_tag(1'000 + below(4));
        return scope_of_key(id_of(below(config_.keys)).key());
    }
  }

  void invalidate() {
    const scope s = some_scope();
    if (one_in(2)) {  // here: without a number at first
      unnumbered_.push_back(s);
      core_.invalidate({below(2), unnumbered, false, false, 0, {s}}, out_);
      cuts_[to_text(s)] = ++event_;
    } else {  // elsewhere: with a number, and the shard learns of it later
      untold_.push_back({s, ++newest_, ++event_});
    }
    if (one_in(60)) {
      core_.invalidate({0, unnumbered, false, true, 0, {}}, out_);
      // What was in memory has left it; what lies in Redis is as valid as before.
    }
  }

  // Numbers are given, and news told, in their order; all that was told so far is learned.
  void number() {
    for (; !untold_.empty() && one_in(2); untold_.pop_front()) {
      core_.invalidate({0, untold_.front().number, false, false, 0, {untold_.front().what}}, out_);
      std::uint64_t& cut = cuts_[to_text(untold_.front().what)];
      cut = std::max(cut, untold_.front().when);
    }
    if (available_ && !unnumbered_.empty()) {
      ++newest_;
      for (const scope& s : std::exchange(unnumbered_, {})) core_.invalidate({0, newest_, true, false, 0, {s}}, out_);
    }
    tell_state();
  }
  void tell_state() {
    core_.shared_tier(available_, untold_.empty() ? newest_ : untold_.front().number - 1, now_, out_);
  }

  // -- Redis, the link, workers ----------------------------------------------

  void elsewhere() {
    const std::uint64_t key = below(config_.keys);
    const std::string name = name_of(key);
    switch (below(8)) {
      default: {
        std::uint64_t serial = 0;
        shared_answer a{id_of(key), {}, now_, now_ + duration{static_cast<std::int64_t>(below(3'000))}, newest_, {}};
        a.value = make(key, a.expires - now_, serial, a.tags);
        return redis_.put(name, a);
      }
      case 0: redis_.data.erase(name); return;
      case 1: redis_.data[name] = redis_.data[name_of(below(config_.keys))]; return;
      case 2:
        if (std::string& bytes = redis_.data[name]; !bytes.empty()) bytes[below(bytes.size())] ^= 1;
        return;
      case 3: redis_.data[name] = noise(below(300), key); return;
    }
  }

  // Fetches overtake each other and everything else; changes keep their order.
  void perform() {
    for (std::uint64_t n = 1 + below(4); n > 0 && !jobs_.empty(); --n) {
      std::size_t at = below(jobs_.size());
      if (std::holds_alternative<write_job>(jobs_[at]))
        while (at > 0 && std::any_of(jobs_.begin(), jobs_.begin() + static_cast<std::ptrdiff_t>(at),
                                     [](const effect& e) { return std::holds_alternative<write_job>(e); }))
          --at;
      const effect job = std::move(jobs_[at]);
      jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(at));
      const bool lost = one_in(200);
      if (const auto* f = std::get_if<fetch_request>(&job)) {
        if (!lost) replies_.push_back([this, t = f->ticket, v = redis_.look(*f)] { core_.fetched(t, v, now_, out_); });
      } else if (const auto* o = std::get_if<open_job>(&job)) {
        if (lost) continue;
        replies_.push_back([this, t = o->ticket, a = redis_.codec.open(o->bytes, o->id, keep_packed::no)] {
          core_.opened(t, a, now_, out_);
        });
      } else if (const auto* w = std::get_if<write_job>(&job)) {
        std::vector<store_status> how = redis_.apply(*w);
        if (one_in(20)) how.assign(how.size(), store_status::unavailable);  // done, but not said
        replies_.push_back([this, t = w->ticket, how] { core_.written(t, how, now_, out_); });
      } else if (const auto* p = std::get_if<pack_job>(&job)) {
        std::vector<std::byte> packed;
        blob_ref small;
        if (zstd_.compress(p->raw->bytes(), p->with.get(), packed))
          small = blob::make_packed(packed, *p->raw, p->number);
        core_.packed(p->key, p->raw, small, out_);
      } else if (const auto* u = std::get_if<unpack_job>(&job)) {
        blob_ref raw = blob::make_uninitialised(u->packed->raw_size(), u->packed->facts());
        if (!zstd_.decompress(u->packed->frame(), u->with.get(), {raw->writable(), raw->size()})) FAIL("unreadable");
        core_.unpacked(u->key, u->packed, raw, now_, out_);
      } else if (const auto* t = std::get_if<train_job>(&job)) {
        core_.trained(t->operation, train(t->samples, t->dictionary_bytes, t->level), out_);
      }
    }
  }

  void deliver() {
    for (std::uint64_t n = 1 + below(3); n > 0 && !replies_.empty(); --n) {
      const std::size_t at = below(replies_.size());
      const std::function<void()> reply = std::move(replies_[at]);
      replies_.erase(replies_.begin() + static_cast<std::ptrdiff_t>(at));
      reply();
    }
  }

  void rare() {
    switch (below(12)) {
      case 0: {
        const std::uint64_t owner = 1 + below(4);
        for (const auto& place : of_owner_[owner])
          if (const auto at = asked_.find(place); at != asked_.end()) at->second.may_stay_open = true;
        of_owner_.erase(owner);
        return core_.owner_gone(owner, now_, out_);
      }
      case 1:
      case 2:
        available_ = redis_.away;
        redis_.away = !redis_.away;
        return tell_state();
      case 3: redis_.full = !redis_.full && one_in(4); return;
      case 4:
        if (!one_in(4)) return;
        jobs_.clear();
        replies_.clear();
        core_.shared_tier_reset(now_, out_);
        return tell_state();
      case 5:
        if (!one_in(4)) return;
        std::erase_if(jobs_, [](const effect& e) { return std::holds_alternative<write_job>(e); });
        return core_.changes_lost(now_, out_);
      case 6: core_.take_report(); return;
      case 7:
        if (one_in(20)) core_.clear(out_);
        return;
      default: return;
    }
  }

  // -- effects ---------------------------------------------------------------

  void take_effects() {
    for (effect& e : std::exchange(out_, {})) {
      if (auto* late = std::get_if<late_answer>(&e)) {
        const auto at = asked_.find({late->batch, late->position});
        if (at == asked_.end()) FAIL("an answer to what was not asked, or a second one");
        const std::uint64_t key = at->second.key;
        asked_.erase(at);
        if (late->result.value) judge_hit(key, late->result, true);
        if (late->result.status == get_status::lease) leases_.emplace_back(key, late->result.lease);
      } else if (const auto* told = std::get_if<late_news>(&e)) {
        if (news_.erase({told->batch, told->position}) == 0) FAIL("news that nobody waits for");
      } else if (const auto* keys = std::get_if<erased_keys>(&e)) {
        for (const key128& k : keys->keys) unnumbered_.push_back(scope_of_key(k));
      } else if (!std::holds_alternative<invalidation_done>(e)) {
        jobs_.push_back(std::move(e));
      }
    }
  }

  void finish() {
    redis_.away = redis_.full = false;
    available_ = true;
    for (int i = 0; i < 200; ++i) {
      number();
      perform();
      deliver();
      now_ = now_ + duration{20};
      while (core_.tick(now_, out_)) take_effects();
      take_effects();
    }
    for (const auto& [place, q] : asked_)
      if (!q.may_stay_open) FAIL("a get of key " << q.key << " was never answered");
    CHECK(news_.empty());
    for (int i = 0; i < 20'000 && core_.gauges().dirty > 0; ++i) {
      number();
      perform();
      deliver();
      core_.tick(now_, out_);
      take_effects();
    }
    CHECK(core_.gauges().dirty == 0);
    CHECK(core_.sound());
  }

  struct foreign {
    scope what;
    generation number = 0;
    std::uint64_t when = 0;
  };
  const configuration config_;
  shard_core core_;
  std::mt19937_64 random_;
  held_redis redis_;
  zstd_codec zstd_{zstd_options{3}};
  std::vector<version> versions_;
  std::unordered_map<std::uint64_t, std::uint64_t> last_put_;  // the serial of the last answer stored here, by key
  std::unordered_map<std::uint64_t, instant> touched_;
  std::map<std::string, std::uint64_t> cuts_;  // by scope, the last event before the last invalidation that was told
  std::map<std::pair<std::uint64_t, std::uint32_t>, question> asked_;
  std::map<std::uint64_t, std::vector<std::pair<std::uint64_t, std::uint32_t>>> of_owner_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> news_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> leases_;
  std::vector<scope> unnumbered_;
  std::deque<foreign> untold_;
  std::deque<effect> jobs_;
  std::deque<std::function<void()>> replies_;
  effects out_;
  instant now_{1'000'000};
  generation newest_ = 1;
  bool available_ = true;
  std::uint64_t event_ = 0;
  std::uint64_t batch_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace

TEST_CASE("under random load, outages, lies and invalidations a shard serves nothing that is wrong, dead or superseded",
          "[engine][shard][shared][model]") {
  for (const configuration& c : configurations) {
    INFO(c.name);
    shared_duel d{c, 1};
    d.run(operations_wanted());
    CHECK(d.seen_["hot"] > 0);
    CHECK(d.seen_["late shared"] > 0);
    CHECK(d.seen_["late parked"] > 0);
    CHECK(d.seen_["stale"] > 0);
    CHECK(d.seen_["failed"] > 0);
    CHECK(d.counters().shared_corrupt > 0);
    CHECK(d.counters().shared_dead > 0);
    CHECK(d.counters().invalidated > 0);
    if (c.dirty_keys < c.keys) CHECK(d.counters().dirty_dropped > 0);
  }
}

}  // namespace aicache::shard_shared_model_test
