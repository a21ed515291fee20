#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "engine/client/response.hpp"
#include "engine/search/glob.hpp"
#include "engine/search/search_core.hpp"
#include "engine/shared/redis_key.hpp"
#include "tests/support/shard_harness.hpp"

namespace aicache::search_test {

using namespace aicache::test;

namespace {

identity named(const std::string& tenant, const std::string& key) {
  identifier names{identity_options{}};
  return names.identify_generic(tenant, key)->id;
}

/// A node of some shards and a Redis of some masters, searched a step after the other.
struct searched_node {
  explicit searched_node(std::uint32_t shards = 2, std::size_t masters = 2) : redis(masters) {
    shard_options o;
    o.tiers.budget = 32 << 20;
    o.tiers.warm_share = 0;
    for (std::uint32_t i = 0; i < shards; ++i) memory.push_back(std::make_unique<shard_core>(o));
  }

  shard_core& owner(const identity& id) {
    return *memory[shard_of(id.key(), static_cast<std::uint32_t>(memory.size()))];
  }
  /// Of `tenant`, under a key that `says` differs from it when it lies.
  void put(const std::string& tenant, const std::string& key, std::int64_t ttl = own_lifetime, std::string says = {}) {
    const identity id = named(tenant, key);
    owner(id).resolve({{std::string(generic_operation)}, {tenant}});
    const put_item item{id,
                        0,
                        0,
                        text_tier::small,
                        0,
                        ttl,
                        to_blob(says.empty() ? key : says, "value of " + key),
                        false,
                        {generic_tag(tenant)}};
    put_result r;
    effects out;
    owner(id).put({&item, 1}, 1, now, {&r, 1}, out);
    REQUIRE(r == put_result{});
  }
  void put_in_redis(const std::string& tenant, const std::string& key, generation born = 5,
                    duration life = duration{60'000}, std::string says = {}, std::size_t size = 10) {
    const identity id = named(tenant, key);
    std::string bytes;
    REQUIRE(codec.seal(
        {id, to_blob(says.empty() ? key : says, std::string(size, 'v')), now, now + life, born, {generic_tag(tenant)}},
        bytes));
    const std::string at = redis_key("p", tenant, generic_operation, id);
    redis[id.key().lo % redis.size()][at] = bytes;
  }
  bool in_memory(const std::string& tenant, const std::string& key) {
    const key_item item{named(tenant, key)};
    key_result r;
    owner(item.id).exists({&item, 1}, now, {&r, 1});
    return r.found;
  }

  search_result run(search_request wanted, search_core::options o = {}) {
    o.prefix = "p";
    o.shards = static_cast<std::uint32_t>(memory.size());
    o.shared = !redis.empty();
    o.batch = 7;
    search_core core(std::move(o), std::move(wanted));
    search_core::step step = core.begin();
    for (steps = 0; steps < 100'000; ++steps) {
      if (auto* end = std::get_if<search_core::end>(&step)) return end->result;
      step = std::visit([&](auto& s) { return answer(core, s); }, step);
      if (between) between();
    }
    FAIL("a search without end");
    return {};
  }

  std::vector<std::unique_ptr<shard_core>> memory;
  std::vector<std::map<std::string, std::string>> redis;  ///< of each master
  shared_codec codec{shared_codec::options{}};
  generation_book book{{}};
  bool available = true;
  bool redis_fails = false;
  bool erasing_fails = false;
  std::size_t absent_shard = SIZE_MAX;
  std::vector<std::string> walked;  ///< keys of the master that is being walked through
  std::size_t most_read = 0;        ///< bytes of Redis in one step
  std::function<void()> between;
  std::size_t steps = 0;
  instant now{1'000'000};

 private:
  search_core::step answer(search_core&, search_core::end& s) { return s; }
  search_core::step answer(search_core& core, search_core::ask_shard& s) {
    if (s.shard == absent_shard) return core.failed();
    const memory_found found = memory[s.shard]->search(s.what, now);
    return core.memory(found);
  }
  search_core::step answer(search_core& core, search_core::ask_alive& s) {
    std::vector<bool> alive;
    for (const shared_entry& e : s.entries) alive.push_back(book.is_alive(e.born, e.scopes));
    return core.alive(available, static_cast<std::uint32_t>(redis.size()), alive);
  }
  search_core::step answer(search_core& core, search_core::count_in_memory& s) {
    std::uint64_t found = 0;
    for (const identity& id : s.ids) {
      const key_item item{id};
      key_result r;
      owner(id).exists({&item, 1}, now, {&r, 1});
      found += r.found ? 1 : 0;
    }
    return core.counted(found);
  }
  search_core::step answer(search_core& core, search_core::erase& s) {
    if (erasing_fails) return core.erased(false);
    for (const identity& id : s.ids) {
      const key_item item{id};
      key_result r;
      effects out;
      owner(id).resolve({{""}, {"t"}});
      owner(id).erase({&item, 1}, 1, now, {&r, 1}, out);
      for (auto& master : redis) std::erase_if(master, [&](const auto& at) { return at.first.ends_with(id.hex()); });
    }
    return core.erased(true);
  }
  search_core::step answer(search_core& core, search_core::ask_redis& s) {
    std::vector<link_reply> replies;
    std::size_t read = 0;
    for (const link_command& c : s.commands) {
      link_reply r;
      r.answered = !redis_fails;
      const std::string& verb = c.words[0];
      if (verb == "SCAN") {
        // Two keys a time, and the one before them again, as SCAN may. What is removed meanwhile moves no other key.
        const auto& master = redis[static_cast<std::size_t>(c.master)];
        const std::size_t from = std::stoull(c.words[1]);
        if (from == 0) {
          walked.clear();
          for (const auto& [key, bytes] : master) walked.push_back(key);
        }
        r.reply.what = redis_reply::kind::array;
        r.reply.elements.resize(2);
        r.reply.elements[1].what = redis_reply::kind::array;
        for (std::size_t at = from == 0 ? 0 : from - 1; at < from + 2 && at < walked.size(); ++at) {
          if (!master.contains(walked[at]) || !glob_match(c.words[3], walked[at])) continue;
          redis_reply one;
          one.what = redis_reply::kind::bulk;
          one.text = walked[at];
          r.reply.elements[1].elements.push_back(std::move(one));
        }
        r.reply.elements[0].text = from + 2 >= walked.size() ? "0" : std::to_string(from + 2);
      } else {
        std::string bytes;
        for (const auto& master : redis)
          if (const auto at = master.find(c.words[1]); at != master.end()) bytes = at->second;
        if (verb == "STRLEN") {
          r.reply.what = redis_reply::kind::integer;
          r.reply.integer = static_cast<std::int64_t>(bytes.size());
        } else {
          r.reply.what = redis_reply::kind::bulk;
          r.reply.text = verb == "GETRANGE" ? bytes.substr(0, std::stoull(c.words[3]) + 1) : bytes;
          read += r.reply.text.size();
        }
      }
      replies.push_back(std::move(r));
    }
    most_read = std::max(most_read, read);
    return core.redis(replies, now);
  }
};

search_request listing(std::string pattern, std::string tenant = "t") {
  search_request r;
  r.tenant = std::move(tenant);
  r.pattern = std::move(pattern);
  return r;
}
search_request with(search_purpose purpose, std::string pattern, std::string tenant = "t") {
  search_request r = listing(std::move(pattern), std::move(tenant));
  r.purpose = purpose;
  return r;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a search lists the keys that fit, of one tenant, from memory and Redis, in order and once",
          "[engine][search]") {
  searched_node n;
  for (const char* key : {"user:1", "user:2", "qa", "qa_long", "z"}) n.put("t", key);
  for (const char* key : {"user:2", "user:3", "other"}) n.put_in_redis("t", key);
  n.put("evil", "user:9");
  n.put_in_redis("evil", "user:8");
  CHECK(n.run(listing("*")).keys == names{"other", "qa", "qa_long", "user:1", "user:2", "user:3", "z"});
  CHECK(n.run(listing("user:*")).keys == names{"user:1", "user:2", "user:3"});
  CHECK(n.run(listing("qa")).keys == names{"qa"});
  CHECK(n.run(listing("nobody")).keys.empty());
  CHECK(n.run(listing("user:*", "evil")).keys == names{"user:8", "user:9"});
  const search_result all = n.run(listing("*"));
  CHECK(all.why == errc::none);
  CHECK(all.all_of_redis);
  CHECK_FALSE(all.more);
  for (const auto& shard : n.memory) CHECK(shard->sound());
}

TEST_CASE("a listing goes on page by page, and no key is passed over or told twice", "[engine][search]") {
  searched_node n(3, 2);
  std::set<std::string> all;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i * 7919 % 1000);
    all.insert(key);
    if (i % 2 == 0) n.put("t", key);
    if (i % 3 == 0 || i % 2 == 1) n.put_in_redis("t", key);
  }
  names told;
  search_request page = listing("*");
  page.limit = 13;
  search_core::options o;
  o.page_bytes = GENERATE(40, 1'000'000);
  for (bool more = true; more;) {
    const search_result r = n.run(page, o);
    REQUIRE(!r.keys.empty());
    CHECK(r.keys.size() <= 13);
    told.insert(told.end(), r.keys.begin(), r.keys.end());
    page.after = r.keys.back();
    more = r.more;
  }
  CHECK(told == names(all.begin(), all.end()));
}

TEST_CASE("a search believes no entry that says a key which is not its own", "[engine][search]") {
  searched_node n;
  n.put("t", "mine", own_lifetime, "yours");
  n.put_in_redis("t", "mine too", 5, duration{60'000}, "yours");
  n.put_in_redis("t", "good");
  for (auto& [key, bytes] : n.redis[0])
    if (!bytes.empty() && key == redis_key("p", "t", generic_operation, named("t", "good"))) bytes.back() ^= 1;
  for (auto& [key, bytes] : n.redis[1])
    if (!bytes.empty() && key == redis_key("p", "t", generic_operation, named("t", "good"))) bytes.back() ^= 1;
  CHECK(n.run(listing("*")).keys.empty());
  CHECK(n.run(with(search_purpose::erase, "*")).in_memory == 0);
}

TEST_CASE("a search finds nothing that is over its time or was invalidated", "[engine][search]") {
  searched_node n;
  n.put("t", "short", 500);
  n.put("t", "long");
  n.put_in_redis("t", "old", 3);
  n.put_in_redis("t", "new", 9);
  n.put_in_redis("t", "brief", 9, duration{500});
  n.book.raise(scope_of_tag(generic_tag("t")), 7);
  n.now = n.now + duration{1'000};
  CHECK(n.run(listing("*")).keys == names{"long", "new"});
  const search_result counted = n.run(with(search_purpose::count, "*"));
  CHECK(counted.in_memory == 1);
  CHECK(counted.in_redis == 1);
  // The same is dead in memory from the moment on that its shard is told.
  for (const auto& shard : n.memory) {
    effects out;
    shard->invalidate({0, unnumbered, false, false, 0, {scope_of_tag(generic_tag("t"))}}, out);
  }
  CHECK(n.run(listing("*")).keys == names{"new"});
}

TEST_CASE("counting and erasing agree, and erase no more than what fits", "[engine][search]") {
  searched_node n;
  for (int i = 0; i < 60; ++i) {
    n.put("t", "a" + std::to_string(i));
    n.put("t", "b" + std::to_string(i));
    if (i % 2 == 0) n.put_in_redis("t", "a" + std::to_string(i));
    n.put_in_redis("t", "a_only" + std::to_string(i));
    n.put_in_redis("evil", "a" + std::to_string(i));
  }
  const search_result dry = n.run(with(search_purpose::count, "a*"));
  CHECK(dry.in_memory == 60);
  CHECK(dry.in_redis == 90);
  CHECK(n.run(with(search_purpose::count, "a*")) == dry);
  CHECK(n.run(with(search_purpose::erase, "a*")) == dry);
  CHECK(n.run(listing("*")).keys.size() == 60);
  CHECK(n.in_memory("t", "b7"));
  CHECK_FALSE(n.in_memory("t", "a7"));
  CHECK(n.run(with(search_purpose::count, "*", "evil")).in_redis == 60);
  CHECK(n.run(with(search_purpose::erase, "a*")).in_redis == 0);
}

TEST_CASE("a dry run counts what an invalidation of a scope would drop", "[engine][search]") {
  searched_node n;
  for (int i = 0; i < 40; ++i) n.put(i % 4 == 0 ? "t" : "u", std::to_string(i));
  for (int i = 0; i < 20; ++i) n.put_in_redis(i % 2 == 0 ? "t" : "u", std::to_string(i), 9);
  n.put_in_redis("t", "dead", 2);
  n.book.raise(scope{}, 5);
  search_request r;
  r.purpose = search_purpose::count;
  r.what = sweep_request{scope_of_tenant("t"), "t", {}};
  CHECK(n.run(r).in_memory == 10);
  CHECK(n.run(r).in_redis == 10);
  r.what = sweep_request{scope_of_tag(generic_tag("u")), "u", {}};
  CHECK(n.run(r).in_memory == 30);
  CHECK(n.run(r).in_redis == 10);
  r.what = sweep_request{scope_of_operation("qa"), {}, "qa"};
  CHECK(n.run(r).in_memory == 0);
  CHECK(n.run(r).in_redis == 0);
  r.what = sweep_request{};
  CHECK(n.run(r).in_memory == 40);
  CHECK(n.run(r).in_redis == 20);
  std::uint64_t really = 0;
  for (const auto& shard : n.memory) {
    effects out;
    shard->invalidate({1, unnumbered, false, false, 0, {scope_of_tenant("t")}}, out);
    while (shard->tick(n.now, out)) {
    }
    for (const effect& e : out)
      if (const auto* done = std::get_if<invalidation_done>(&e)) really += done->entries;
  }
  CHECK(really == 10);
}

TEST_CASE("a search says what it could not search", "[engine][search]") {
  searched_node n;
  n.put("t", "a");
  n.put("t", "b");
  n.put_in_redis("t", "c");
  SECTION("Redis is away") {
    n.available = false;
    CHECK(n.run(listing("*")) == search_result{errc::none, false, 0, 0, {"a", "b"}, false});
  }
  SECTION("Redis does not answer") {
    n.redis_fails = true;
    CHECK_FALSE(n.run(listing("*")).all_of_redis);
  }
  SECTION("there is no Redis") {
    n.redis.clear();
    CHECK(n.run(listing("*")) == search_result{errc::none, true, 0, 0, {"a", "b"}, false});
  }
  SECTION("a shard is away") {
    n.absent_shard = shard_of(named("t", "a").key(), 2);
    CHECK(n.run(listing("*")).why == errc::unavailable);
  }
  SECTION("a shard dies before it has erased") {
    n.erasing_fails = true;
    CHECK(n.run(with(search_purpose::erase, "*")).why == errc::unavailable);
  }
}

TEST_CASE("large entries are read from Redis a few at a time", "[engine][search]") {
  searched_node n;
  for (int i = 0; i < 12; ++i) n.put_in_redis("t", "k" + std::to_string(i), 5, duration{60'000}, {}, 20'000);
  for (auto& master : n.redis)
    for (auto& [key, bytes] : master) bytes.shrink_to_fit();
  search_core::options o;
  o.group_bytes = 100;
  CHECK(n.run(listing("*"), o).keys.size() == 12);
  CHECK(n.most_read < 30'000);
}

TEST_CASE("a shard is searched in bounded steps, and misses nothing while it grows and shrinks", "[engine][search]") {
  searched_node n(1, 0);
  for (int i = 0; i < 6'000; ++i) n.put("t", "stays" + std::to_string(i));
  for (int i = 0; i < 6'000; ++i) n.put("t", "goes" + std::to_string(i));
  std::mt19937_64 random{7};
  int next = 0;
  n.between = [&] {
    for (int i = 0; i < 300; ++i) n.put("t", "comes" + std::to_string(next++));
    effects out;
    for (int i = 0; i < 300; ++i) {
      const key_item item{named("t", "goes" + std::to_string(random() % 6'000))};
      key_result r;
      n.memory[0]->resolve({{""}, {"t"}});
      n.memory[0]->erase({&item, 1}, 1, n.now, {&r, 1}, out);
    }
    n.memory[0]->tick(n.now, out);
    n.now = n.now + duration{10};
  };
  const search_result r = n.run(with(search_purpose::count, "stays*"));
  CHECK(r.in_memory == 6'000);
  CHECK(n.steps > 10);
  CHECK(n.memory[0]->sound());
}

TEST_CASE("a search that rested too long begins its shard again", "[engine][search]") {
  searched_node n(1, 0);
  for (int i = 0; i < 8'000; ++i) n.put("t", std::to_string(i));
  bool once = false;
  n.between = [&] {
    if (n.steps < 3 || std::exchange(once, true)) return;
    effects out;
    n.now = n.now + duration{60'000};
    n.memory[0]->resolve({{""}, {"t"}});
    for (int i = 0; i < 7'000; ++i) {
      const key_item item{named("t", std::to_string(i))};
      key_result r;
      n.memory[0]->erase({&item, 1}, 1, n.now, {&r, 1}, out);
    }
    while (n.memory[0]->tick(n.now, out)) {
    }
  };
  const search_result r = n.run(with(search_purpose::count, "7*"));
  CHECK(r.why == errc::none);
  CHECK(once);
  CHECK(r.in_memory >= 1'000);
}

TEST_CASE("generic entries are kept whatever their bytes, under names that no request can have", "[engine][shard]") {
  shard_harness s{shard_options{}};
  const std::uint64_t tag = generic_tag("t");
  shard_harness::about a;
  a.operation = generic_operation;
  a.tags = {tag};
  CHECK(s.put(1, to_blob("empty", ""), a) == put_result{});
  CHECK(s.put(2, "", {}).error == errc::answer_empty);
  CHECK(text_of(s.get(1, a)).empty());
  s.invalidate(scope_of_operation("qa"));
  s.tick();
  CHECK(s.exists(1));
  CHECK(tag != tag_hash("t", "generic entries"));
  s.invalidate(scope_of_tag(tag));
  CHECK_FALSE(s.exists(1));
  const shard_report r = s.core.take_report();
  CHECK(std::any_of(r.operations.begin(), r.operations.end(),
                    [](const operation_report& o) { return o.name == generic_entries && o.counted.puts == 1; }));
  CHECK(r.saved.lines.empty());
  s.tick();
  CHECK(s.core.sound());
}

}  // namespace aicache::search_test
