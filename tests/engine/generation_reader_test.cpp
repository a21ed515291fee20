#include "engine/shared/generation_reader.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/model_generations.hpp"

namespace aicache::generation_reader_test {

using namespace aicache::test;

namespace {

using step = generation_reader::step;

// A reader that has read a Redis with five scopes and a key.
struct desk {
  desk() {
    for (int i = 1; i <= 5; ++i) invalidate(scope_of_tenant(std::to_string(i)));
    invalidate(scope_of_key({1, 1}));
    CHECK(read() == step::done);
    CHECK(reader.learned() == 6);
    reads = 0;
  }
  void invalidate(const scope& s) { redis.run(commands.invalidate({&s, 1}).words); }
  step read(std::uint64_t outage = 0) {
    reader.begin();
    all = {};
    for (;;) {
      ++reads;
      generation_reader::news n;
      const step s = reader.read(redis.run(reader.next_page().words), outage, book, n);
      all.raised.insert(all.raised.end(), n.raised.begin(), n.raised.end());
      all.twice.insert(all.twice.end(), n.twice.begin(), n.twice.end());
      all.lost_track = all.lost_track || n.lost_track;
      all.floor = std::max(all.floor, n.floor);
      if (s != step::more) return s;
    }
  }
  void restore() {
    for (const auto& c : reader.restore(book)) redis.run(c.words);
  }

  generation_commands commands{"p", {100, 100}, 1};
  generation_book book{{100, 100}};
  generation_reader reader{commands, 3};
  model_generations redis;
  generation_reader::news all;
  int reads = 0;
};

}  // namespace

TEST_CASE("a reading without news is one page, and what is new comes in order", "[shared]") {
  desk d;
  CHECK(d.read() == step::done);
  CHECK(d.reads == 1);
  CHECK(d.all.raised.empty());
  d.invalidate(scope_of_tag("t", "x"));
  d.invalidate(scope{});
  CHECK(d.read() == step::done);
  CHECK(d.all.raised == std::vector<numbered_scope>{{scope_of_tag("t", "x"), 7}, {scope{}, 8}});
  CHECK(d.book.of(scope{}) == 8);
}

TEST_CASE("a Redis that was restarted is read as a whole, and nothing follows when it has lost nothing", "[shared]") {
  desk d;
  d.redis.run_id = "another";
  CHECK(d.read() == step::done);
  CHECK(d.reads > 1);
  CHECK(d.all.raised.empty());
  CHECK(d.all.twice.empty());
  d.reads = 0;
  CHECK(d.read() == step::done);
  CHECK(d.reads == 1);
}

TEST_CASE("a loss shows by whatever fell, and is mended by telling it again", "[shared]") {
  desk d;
  const auto whole = d.redis;
  SECTION("the counter") { d.redis.newest = 3; }
  SECTION("all of the scopes") { d.redis.scopes.clear(); }
  SECTION("one key") { d.redis.keys.clear(); }
  SECTION("everything") {
    d.redis = {};
    d.redis.run_id = "another";
  }
  CHECK(d.read() == step::lost);
  CHECK(d.reader.is_doubted());
  CHECK(d.reader.learned() == 6);
  d.restore();
  CHECK(d.read() == step::done);
  CHECK_FALSE(d.reader.is_doubted());
  CHECK(d.redis.scopes == whole.scopes);
  CHECK(d.redis.keys == whole.keys);
  CHECK(d.redis.newest == 6);
}

TEST_CASE("what a Redis numbered anew after a loss is given back to be invalidated again", "[shared]") {
  desk d;
  const scope again = scope_of_tenant("2");
  const scope other = scope_of_operation("new");
  d.redis = {};
  d.redis.run_id = "another";
  for (int i = 0; i < 5; ++i) d.invalidate(other);
  d.invalidate(again);
  // By now the counter looks as if nothing had happened.
  CHECK(d.redis.newest == d.reader.learned());
  CHECK(d.read() == step::lost);
  CHECK(d.all.twice.size() == 2);
  for (const scope& s : {again, other}) CHECK(std::count(d.all.twice.begin(), d.all.twice.end(), s) == 1);
  d.restore();
  CHECK(d.read() == step::done);
  CHECK(d.all.twice.empty());
}

TEST_CASE("what another node told Redis again is read, though it lies below what was learned", "[shared]") {
  desk d;
  const numbered_scope lost[] = {{scope_of_tag("t", "of another"), 4}};
  for (const auto& c : d.commands.restore(6, 0, 0, lost)) d.redis.run(c.words);
  CHECK(d.read() == step::lost);
  CHECK(d.book.of(lost[0].what) == 4);
  CHECK(d.all.twice == std::vector<scope>{lost[0].what});
}

TEST_CASE("a Redis that does not tell its run id is doubted after every outage", "[shared]") {
  desk d;
  d.redis.run_id = "";
  CHECK(d.read(1) == step::done);
  d.reads = 0;
  CHECK(d.read(1) == step::done);
  CHECK(d.reads == 1);
  CHECK(d.read(2) == step::done);
  CHECK(d.reads > 2);
}

TEST_CASE("who has missed more erased keys than are remembered has lost track", "[shared]") {
  desk d;
  d.redis.newest = 300;
  d.redis.key_floor = 6;
  CHECK(d.read() == step::done);
  CHECK_FALSE(d.all.lost_track);
  d.redis.key_floor = 301;
  d.redis.newest = 400;
  CHECK(d.read() == step::done);
  CHECK(d.all.lost_track);
  CHECK(d.read() == step::done);
  CHECK_FALSE(d.all.lost_track);
}

TEST_CASE("a reply that makes no sense changes nothing", "[shared]") {
  desk d;
  redis_reply sound = d.redis.run(d.commands.learn(0, 3).words);
  for (std::size_t i = 0; i < 6; ++i) {
    redis_reply wrong = sound;
    wrong.elements[i] = {redis_reply::kind::bulk, 0, "-5", {}};
    generation_reader::news n;
    d.reader.begin();
    CHECK(d.reader.read(wrong, 0, d.book, n) == step::unreadable);
    CHECK(n.raised.empty());
  }
  redis_reply odd = sound;
  odd.elements.pop_back();
  generation_reader::news n;
  CHECK(d.reader.read(odd, 0, d.book, n) == step::unreadable);
  CHECK(d.reader.read({redis_reply::kind::error, 0, "NOPERM", {}}, 0, d.book, n) == step::unreadable);
  CHECK(d.read() == step::done);
}

}  // namespace aicache::generation_reader_test
