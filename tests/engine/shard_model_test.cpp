#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "tests/support/shard_harness.hpp"

namespace aicache::shard_model_test {

using namespace aicache::test;

namespace {

/// One load under which the shard and the model are compared.
struct configuration {
  const char* name;
  std::uint64_t budget;
  double warm_share;
  std::uint64_t keys;
  bool roomy;                ///< the budget is never approached: what lives must be found
  bool fills;                ///< more is put than the budget holds
  std::uint64_t rounds = 1;  ///< times the operations wanted: many keys need more before both tiers overflow
  std::uint64_t quota = 0;   ///< of each of the four tenants
};

constexpr std::uint64_t mib = 1 << 20;
constexpr unsigned jitter = 10;
constexpr configuration configurations[] = {
    {"tiny, hot only", 300 * mib / 1024, 0, 200, false, true},
    {"small, too small for warm", mib, 0.5, 2000, false, true},
    {"hot only, few keys", 4 * mib, 0, 60, false, false},
    {"warm, few keys", 9 * mib, 0.5, 60, false, false},
    {"warm, many keys", 9 * mib, 0.7, 30'000, false, true, 3},
    {"hot only, many keys", 9 * mib, 0, 30'000, false, true, 3},
    {"quotas that keep it from being full", 9 * mib, 0.5, 30'000, false, false, 3, mib / 2},
    {"roomy with warm", 2048 * mib, 0.5, 1500, true, false},
    {"roomy without warm", 2048 * mib, 0, 1500, true, false},
};

std::uint64_t operations_wanted() {
  const char* wanted = std::getenv("AICACHE_TEST_OPERATIONS");
  return wanted == nullptr ? 300'000 : std::strtoull(wanted, nullptr, 10) / std::size(configurations);
}

/// A shard under random load, beside a map that knows what it may answer.
class duel {
 public:
  duel(const configuration& c, std::uint64_t seed) : config_(c), core_(options_of(c)), random_(seed) {
    for (std::uint64_t i = 0; i < 12; ++i) stock_.push_back(prose(200 * 1024, i));
    for (std::uint64_t i = 0; i < 20; ++i) stock_.push_back(noise(200 * 1024, i));
  }

  void run(std::uint64_t operations) {
    const std::uint64_t check_every = std::max<std::uint64_t>(5000, operations / 100);
    for (std::uint64_t next_check = check_every; done_ < operations;) {
      step();
      if (core_.charged() > config_.budget) FAIL("charged " << core_.charged() << " after " << done_);
      if (done_ < next_check) continue;
      if (!core_.sound()) FAIL("not sound after " << done_);
      next_check += check_every;
    }
    finish();
  }

  std::uint64_t hits() const { return hits_; }
  std::uint64_t late_hits() const { return late_hits_; }
  const shard_counters& counters() const { return core_.counters(); }
  bool made_own_room() {
    const auto made = [this](const char* tenant) { return core_.of_tenant(tenant).quota_evicted > 0; };
    return made("a") && made("b") && made("c") && made("other");
  }

 private:
  /// An answer by the number it is made from; bytes are kept once for all of a kind.
  struct answer {
    std::uint32_t stock = 0;
    std::uint32_t size = 0;
    std::uint64_t serial = 0;
    instant expires = never;
  };
  struct question {
    std::uint64_t key;
    bool had = false;  ///< an answer was in place when it was asked
    answer then;
  };
  struct held_lease {
    std::uint64_t key;
    std::uint64_t token;
  };

  static shard_options options_of(const configuration& c) {
    shard_options o;
    o.tiers.budget = c.budget;
    o.tiers.warm_share = c.warm_share;
    o.tiers.dictionary_samples = 50;
    o.quotas.otherwise = c.quota;
    o.leases.lease = duration{300};
    o.leases.parked = 500;
    o.leases.parked_per_key = 50;
    o.park = duration{400};
    o.lifetimes.jitter_percent = jitter;
    return o;
  }

  static duration life(std::uint64_t key, std::int64_t ttl_ms) {
    return ttl_ms == own_lifetime ? shortened(duration{3'600'000}, id_of(key).key(), jitter) : duration{ttl_ms};
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  std::uint64_t some_key() {
    const std::uint64_t k = below(config_.keys);
    return one_in(2) ? k : k * k / config_.keys;  // half of the questions favour low keys
  }

  // Most answers are a few hundred bytes, some are beyond what the shard compresses itself.
  answer some_answer() {
    const auto magnitude = static_cast<unsigned>(below(one_in(8) ? 18 : 11));
    const std::uint64_t size = std::min<std::uint64_t>(below(2ULL << magnitude), 200 * 1024);
    return {static_cast<std::uint32_t>(below(stock_.size())), static_cast<std::uint32_t>(size), ++serial_, never};
  }
  std::string bytes_of(const answer& a) const {
    std::string text = stock_[a.stock].substr(0, a.size);
    std::memcpy(text.data(), &a.serial, std::min(text.size(), sizeof a.serial));
    return text;
  }
  bool is(const answer& a, const blob& b) const {
    const std::string_view text = b.text();
    const std::size_t head = std::min(text.size(), sizeof a.serial);
    return text.size() == a.size && std::memcmp(text.data(), &a.serial, head) == 0 &&
           text.substr(head) == std::string_view{stock_[a.stock]}.substr(head, a.size - head);
  }

  void resolve() {
    static const name_lists names{{"sentiment", "summarize", "qa", "other thing"}, {"a", "b", "c"}};
    core_.resolve(names);
  }

  void step() {
    switch (below(40)) {
      default: return get_batch();
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
      case 9: return put_batch();
      case 10:
      case 11: return by_key_erase();
      case 12: return by_key_touch();
      case 13: return give_back();
      case 14:
      case 15: return pass_time();
      case 16:
      case 17:
      case 18: return work();
      case 19: return rare();
    }
  }

  void get_batch() {
    items_.clear();
    const std::size_t n = one_in(3) ? 1 : below(40);
    for (std::size_t i = 0; i < n; ++i) keys_[i] = some_key();
    for (std::size_t i = 0; i < n; ++i)
      items_.push_back({id_of(keys_[i]), static_cast<std::uint16_t>(below(5)), static_cast<std::uint16_t>(below(4)),
                        static_cast<text_tier>(below(4)), one_in(4)});
    results_.resize(n);
    resolve();
    ++batch_;
    core_.get(items_, {batch_, below(6), now_ + duration{static_cast<std::int64_t>(below(600))}}, now_, results_, out_);
    for (std::size_t i = 0; i < n; ++i) judge(static_cast<std::uint32_t>(i), keys_[i], items_[i], results_[i]);
    if (one_in(2)) core_.served(below(1'000'000));
    done_ += n + 1;
    take_effects();
  }

  void judge(std::uint32_t position, std::uint64_t key, const get_item& item, const get_result& r) {
    const auto known = model_.find(key);
    const bool lives = known != model_.end() && known->second.expires > now_;
    switch (r.status) {
      case get_status::hit:
        ++hits_;
        if (!lives || !r.value || !is(known->second, *r.value) || r.expires != known->second.expires)
          FAIL("a wrong hit for key " << key << " after " << done_);
        return;
      case get_status::pending:
        asked_[{batch_, position}] = {key, lives, lives ? known->second : answer{}};
        if (config_.roomy && lives && known->second.size <= 64 * 1024) FAIL("a small answer kept waiting");
        return;
      case get_status::lease:
        if (!item.lease) FAIL("a lease that nobody wanted");
        leases_.push_back({key, r.lease});
        [[fallthrough]];
      case get_status::miss:
        if (config_.roomy && lives && known->second.size <= 64 * 1024) FAIL("a live answer was not found");
        return;
      case get_status::error:
      case get_status::negative: FAIL("an error");
    }
  }

  void put_batch() {
    put_items_.clear();
    std::vector<std::pair<std::uint64_t, answer>> put;
    for (std::size_t n = one_in(2) ? 1 : below(8); n > 0; --n) {
      std::uint64_t key = some_key();
      std::uint64_t token = 0;
      if (!leases_.empty() && one_in(2)) {
        const std::size_t i = below(leases_.size());
        key = leases_[i].key;
        token = leases_[i].token;
        leases_[i] = leases_.back();
        leases_.pop_back();
      }
      answer a = some_answer();
      std::int64_t ttl = own_lifetime;
      if (one_in(2))
        ttl =
            one_in(20) ? -static_cast<std::int64_t>(below(3)) : static_cast<std::int64_t>(1 + below(2ULL << below(14)));
      a.expires = now_ + life(key, ttl);
      put_items_.push_back({id_of(key), static_cast<std::uint16_t>(below(5)), static_cast<std::uint16_t>(below(4)),
                            static_cast<text_tier>(below(4)), token, ttl, blob::make(bytes_of(a), {1, 1, 1, 0})});
      put.emplace_back(key, a);
    }
    put_results_.resize(put.size());
    resolve();
    putting_ = &put;
    core_.put(put_items_, 1, now_, put_results_, out_);
    for (std::size_t i = 0; i < put.size(); ++i) {
      if (put_results_[i].status == put_status::stored) {
        model_[put[i].first] = put[i].second;
        if (put_items_[i].ttl_ms <= 0) FAIL("a time to live of nothing was taken");
      } else if (put_results_[i].error == errc::overloaded && config_.quota == 0) {
        model_.erase(put[i].first);
      }
    }
    done_ += put.size() + 1;
    take_effects();
    putting_ = nullptr;
  }

  void by_key_erase() {
    const std::uint64_t key = some_key();
    const auto known = model_.find(key);
    const bool lives = known != model_.end() && known->second.expires > now_;
    const key_item item{id_of(key), 0};
    key_result r;
    core_.erase({&item, 1}, 1, now_, {&r, 1}, out_);
    if (r.found && !lives) FAIL("erased what was not there");
    if (known != model_.end()) model_.erase(known);
    ++done_;
  }

  void by_key_touch() {
    const std::uint64_t key = some_key();
    const auto known = model_.find(key);
    const bool lives = known != model_.end() && known->second.expires > now_;
    const auto ttl = static_cast<std::int64_t>(below(20'000));
    const key_item item{id_of(key), ttl};
    key_result r;
    core_.touch({&item, 1}, now_, {&r, 1}, out_);
    if (r.found && !lives) FAIL("touched what was not there");
    if (r.found) known->second.expires = now_ + duration{ttl};
    core_.exists({&item, 1}, now_, {&r, 1});
    if (r.found && !lives) FAIL("what is not there exists");
    core_.time_left({&item, 1}, now_, {&r, 1});
    if (r.found && r.left_ms != (known->second.expires - now_).count()) FAIL("a wrong time left");
    ++done_;
  }

  void give_back() {
    if (leases_.empty()) return;
    const held_lease lease = leases_.back();
    leases_.pop_back();
    const key_item item{id_of(lease.key), static_cast<std::int64_t>(lease.token + (one_in(10) ? 2 : 0))};
    key_result r;
    core_.release({&item, 1}, now_, {&r, 1}, out_);
    ++done_;
    take_effects();
  }

  void pass_time() {
    now_ = now_ + duration{static_cast<std::int64_t>(below(40))};
    if (one_in(3)) core_.tick(now_, out_);  // the exact time counts, whether or not a tick has been there
    ++done_;
    take_effects();
    std::erase_if(leases_, [&](const held_lease&) { return one_in(50); });
  }

  void rare() {
    ++done_;
    switch (below(12)) {
      case 0: core_.owner_gone(below(6), now_, out_); break;
      case 1:
        core_.steer(static_cast<eviction_mode>(below(eviction_mode_count)), one_in(2) ? 0 : UINT64_MAX / 4);
        break;
      case 2: core_.take_samples(); break;
      case 3: core_.take_report(); break;
      case 4:
        if (!one_in(400)) break;
        core_.clear(out_);
        model_.clear();
        break;
      case 5: jobs_.clear(); break;  // the workers died
      default: break;
    }
    take_effects();
    // Those who left will never be told; nobody may wait without end all the same.
    if (one_in(200)) drain();
  }

  void drain() {
    now_ = now_ + duration{1000};
    while (core_.tick(now_, out_)) take_effects();
    take_effects();
    for (int i = 0; i < 3; ++i) {
      now_ = now_ + duration{1000};
      while (core_.tick(now_, out_)) take_effects();
      take_effects();
    }
    if (core_.gauges().parked != 0) FAIL("somebody waits without end");
    asked_.clear();
  }

  void take_effects() {
    for (effect& e : out_) {
      if (auto* late = std::get_if<late_answer>(&e)) {
        judge_late(*late);
      } else {
        jobs_.push_back(std::move(e));
      }
    }
    out_.clear();
    while (jobs_.size() > 200) jobs_.pop_front();  // never performed
  }

  void judge_late(const late_answer& late) {
    const auto asked = asked_.find({late.batch, late.position});
    if (asked == asked_.end()) FAIL("an answer to what was not asked, or a second one");
    const question q = asked->second;
    asked_.erase(asked);
    if (late.result.status == get_status::lease) return leases_.push_back({q.key, late.result.lease});
    if (late.result.status != get_status::hit) return;
    ++late_hits_;
    if (late.result.from == tier::warm) {
      if (!q.had || !is(q.then, *late.result.value)) FAIL("a wrong late hit");
      return;
    }
    // Parked: it must be one of the answers that are just being put under the key.
    bool found = false;
    if (putting_ != nullptr)
      for (const auto& [key, a] : *putting_) found = found || (key == q.key && is(a, *late.result.value));
    if (!found) FAIL("a parked caller got what nobody put");
  }

  void work() {
    ++done_;
    for (std::size_t n = below(4); n > 0 && !jobs_.empty(); --n) {
      const std::size_t i = below(jobs_.size());
      const effect job = std::move(jobs_[i]);
      jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(i));
      if (const auto* pack = std::get_if<pack_job>(&job)) {
        blob_ref small;
        if (!one_in(20) && codec_.compress(pack->raw->bytes(), pack->with.get(), scratch_))
          small = blob::make_packed(scratch_, *pack->raw, pack->number);
        core_.packed(pack->key, pack->raw, small, out_);
      } else if (const auto* unpack = std::get_if<unpack_job>(&job)) {
        blob_ref raw = blob::make_uninitialised(unpack->packed->raw_size(), unpack->packed->facts());
        if (!codec_.decompress(unpack->packed->frame(), unpack->with.get(), {raw->writable(), raw->size()}))
          FAIL("a sound entry does not unpack");
        core_.unpacked(unpack->key, unpack->packed, raw, now_, out_);
      } else if (const auto* training = std::get_if<train_job>(&job)) {
        if (trained_++ < 8) {
          core_.trained(training->operation, train(training->samples, training->dictionary_bytes, training->level),
                        out_);
        } else {
          core_.trained(training->operation, fault{errc::invalid_argument, "no more"}, out_);
        }
      }
      take_effects();
    }
  }

  void finish() {
    drain();
    if (!core_.sound()) FAIL("not sound at the end");
    core_.clear(out_);
    take_effects();
    CHECK(core_.size() == 0);
    CHECK(core_.gauges().bytes_hot + core_.gauges().bytes_warm == 0);
    CHECK(core_.sound());
  }

  const configuration config_;
  shard_core core_;
  std::mt19937_64 random_;
  zstd_codec codec_{zstd_options{3}};
  std::vector<std::byte> scratch_;
  std::vector<std::string> stock_;
  std::unordered_map<std::uint64_t, answer> model_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, question> asked_;
  std::vector<held_lease> leases_;
  std::deque<effect> jobs_;
  effects out_;
  instant now_{1'000'000};
  std::array<std::uint64_t, 64> keys_{};
  std::vector<get_item> items_;
  std::vector<get_result> results_;
  std::vector<put_item> put_items_;
  std::vector<put_result> put_results_;
  const std::vector<std::pair<std::uint64_t, answer>>* putting_ = nullptr;
  std::uint64_t batch_ = 0;
  std::uint64_t serial_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t hits_ = 0;
  std::uint64_t late_hits_ = 0;
  unsigned trained_ = 0;
};

}  // namespace

TEST_CASE("under random load a shard never answers anything but the latest answer, nor exceeds its budget",
          "[engine][shard][model]") {
  for (const configuration& c : configurations) {
    INFO(c.name);
    duel d{c, 1};
    d.run(operations_wanted() * c.rounds);
    CHECK(d.hits() > operations_wanted() / 100);
    CHECK(d.late_hits() > 0);
    const shard_counters& n = d.counters();
    const bool has_warm = c.warm_share > 0 && c.budget >= smallest_warm_budget;
    CHECK((n.packed > 0) == has_warm);
    CHECK((n.promotions > 0) == has_warm);
    CHECK((n.demotions > 0) == (has_warm && c.fills));
    CHECK((n.evictions_warm > 0) == (has_warm && c.fills));
    CHECK((n.evictions_hot + n.evictions_warm > 0) == c.fills);
    CHECK(d.made_own_room() == (c.quota != 0));
  }
}

}  // namespace aicache::shard_model_test
