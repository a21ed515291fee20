#include "engine/client/node_table.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

namespace aicache::node_table_test {

namespace {

node_address at_port(std::uint16_t port) { return {"10.0.0.1", port}; }

// A table with its time.
struct watched_table {
  explicit watched_table(std::vector<std::uint16_t> ports) {
    for (const auto p : ports) t.add(at_port(p), now);
  }
  std::vector<std::uint32_t> due() {
    std::vector<node_table::dial> out;
    t.due(now, out);
    std::vector<std::uint32_t> nodes;
    for (const auto& d : out) nodes.push_back(d.node);
    return nodes;
  }
  void pass(duration d) { now = now + d; }
  void fail(std::uint32_t node, bool silent = false) { t.failed(node, silent ? "no answer" : "refused", silent, now); }
  bool hear(std::uint32_t from, std::uint64_t epoch, std::vector<node_table::member> members, std::string asked) {
    return t.heard(from, {epoch, std::move(members), {}, std::move(asked)}, now, restarted);
  }
  std::set<std::uint32_t> owning() const { return {t.owners().begin(), t.owners().end()}; }

  node_table t{node_table::options{}};
  instant now{1'000};
  std::vector<std::uint32_t> restarted;
};

using all = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("alternatives are tried one after the other, the next at once when one refuses", "[engine][nodes]") {
  watched_table w({1, 2, 3});
  CHECK(w.due() == all{0});
  CHECK(w.t.next_due() == w.now + duration{200});
  w.fail(0);
  CHECK(w.due() == all{1});
  w.pass(duration{400});
  CHECK(w.due() == all{0, 2});
  w.t.reached(2);
  CHECK(w.t.alone() == 2);
  w.fail(0);
  w.fail(1);
  w.pass(duration{60'000});
  CHECK(w.due().empty());
  CHECK(w.t.next_due() == never);
}

TEST_CASE("when the node that serves is lost another takes its place, the lost one as the last", "[engine][nodes]") {
  watched_table w({1, 2, 3});
  CHECK(w.due() == all{0});
  w.t.reached(0);
  w.t.lost(0, w.now);
  CHECK(w.t.alone() == node_table::nobody);
  CHECK(w.due() == all{1});
  SECTION("by dialling it") {
    w.t.reached(1);
    CHECK(w.t.alone() == 1);
  }
  SECTION("at once where one is connected already") {
    w.pass(duration{200});
    CHECK(w.due() == all{2});
    w.t.reached(1);
    w.t.reached(2);
    CHECK(w.t.alone() == 1);
    w.t.lost(1, w.now);
    CHECK(w.t.alone() == 2);
    CHECK_FALSE(w.t.is_hopeless(w.now));
  }
}

TEST_CASE("a node that refuses is tried again after waits that double up to a second", "[engine][nodes]") {
  watched_table w({1});
  duration longest{0};
  for (int i = 0; i < 12; ++i) {
    REQUIRE(w.due() == all{0});
    w.fail(0);
    const duration wait = w.t.next_due() - w.now;
    CHECK(wait >= duration{25});
    CHECK(wait <= duration{1'000});
    longest = std::max(longest, wait);
    w.pass(wait);
  }
  CHECK(longest >= duration{500});
}

TEST_CASE("without any node callers are told so at once when all were tried in vain for a while", "[engine][nodes]") {
  watched_table w({1, 2});
  CHECK(w.due() == all{0});
  CHECK_FALSE(w.t.is_hopeless(w.now));
  w.fail(0);
  CHECK(w.due() == all{1});
  w.pass(duration{2'000});
  CHECK_FALSE(w.t.is_hopeless(w.now));
  CHECK_FALSE(w.t.all_refused());
  w.fail(1);
  CHECK(w.t.is_hopeless(w.now));
  CHECK(w.t.all_refused());
  CHECK(w.t.reasons() == "no node at 10.0.0.1:1: refused; no node at 10.0.0.1:2: refused");
  CHECK(w.due() == all{0});
  w.t.reached(0);
  CHECK_FALSE(w.t.is_hopeless(w.now));
  w.t.lost(0, w.now);
  CHECK_FALSE(w.t.is_hopeless(w.now + duration{2'000}));
}

TEST_CASE("who does not answer may be busy, and has not refused", "[engine][nodes]") {
  watched_table w({1});
  CHECK(w.due() == all{0});
  w.fail(0, true);
  CHECK_FALSE(w.t.all_refused());
  w.pass(duration{2'000});
  CHECK(w.t.is_hopeless(w.now));
}

TEST_CASE("a node at hand serves until it is lost, and without addresses that is the end", "[engine][nodes]") {
  node_table t{node_table::options{}};
  CHECK(t.attach() == 0);
  CHECK(t.alone() == 0);
  CHECK(t.next_due() == never);
  t.lost(0, {5});
  CHECK(t.alone() == node_table::nobody);
  CHECK(t.is_hopeless({5}));
}

TEST_CASE("all members of a cluster are dialled, and each owns its ranges", "[engine][nodes]") {
  watched_table w({1});
  CHECK(w.due() == all{0});
  w.t.reached(0);
  REQUIRE(w.hear(0, 7, {{"a", {"other name", 1}, 1}, {"b", at_port(2), 1}, {"c", at_port(3), 1}}, "a"));
  CHECK(w.t.alone() == node_table::nobody);
  CHECK(w.t.epoch() == 7);
  CHECK(w.owning() == std::set<std::uint32_t>{0, 1, 2});
  CHECK(w.due() == all{1, 2});
  const std::vector<std::string> names{"a", "b", "c"};
  const auto places = assign_ranges(names);
  for (std::size_t r = 0; r < range_count; ++r) REQUIRE(w.t.owners()[r] == places[r]);
  w.t.reached(1);
  SECTION("what any may do goes on where it began") { CHECK(w.t.any_up() == 0); }
  SECTION("a map that is not newer changes nothing") {
    CHECK_FALSE(w.hear(1, 7, {{"b", at_port(2), 1}}, "b"));
    CHECK(w.owning().size() == 3);
  }
  SECTION("a member goes: its ranges are others', and nobody dials it") {
    w.fail(2);
    CHECK(w.hear(1, 8, {{"a", {"other name", 1}, 1}, {"b", at_port(2), 1}}, "b"));
    CHECK(w.owning() == std::set<std::uint32_t>{0, 1});
    w.pass(duration{5'000});
    CHECK(w.due().empty());
    // Its place is another's.
    CHECK(w.hear(0, 9, {{"a", {"other name", 1}, 1}, {"b", at_port(2), 1}, {"d", at_port(4), 1}}, "a"));
    CHECK(w.due() == all{2});
    CHECK(w.t.title(2) == "d");
  }
  SECTION("a member is lost: its ranges stay its own until a map says otherwise, and it is dialled") {
    w.t.lost(1, w.now);
    CHECK(w.owning().size() == 3);
    CHECK(w.due() == all{1});
    CHECK_FALSE(w.t.is_hopeless(w.now + duration{60'000}));
    CHECK(w.t.any_up() == 0);
  }
  SECTION("a member was started anew before its loss was noticed") {
    CHECK(w.hear(0, 8, {{"a", {"other name", 1}, 1}, {"b", at_port(2), 2}, {"c", at_port(3), 1}}, "a"));
    CHECK(w.restarted == all{1});
  }
  SECTION("all are lost: all are dialled at once, and a map of a lower number counts") {
    w.fail(2);
    w.t.lost(0, w.now);
    w.t.lost(1, w.now);
    CHECK(w.due() == all{0, 1, 2});
    w.t.reached(1);
    CHECK(w.hear(1, 1, {{"b", at_port(2), 5}}, "b"));
    CHECK(w.owning() == std::set<std::uint32_t>{1});
    CHECK(w.restarted.empty());
  }
  SECTION("one that has left does not speak for the others") {
    CHECK_FALSE(w.hear(1, 9, {}, ""));
    CHECK(w.owning().size() == 3);
    w.t.lost(0, w.now);
    CHECK(w.hear(1, 9, {}, ""));
    CHECK(w.t.owners().empty());
    CHECK(w.t.alone() == 1);
  }
}

TEST_CASE("a node that was given by two addresses is one node", "[engine][nodes]") {
  watched_table w({1, 2});
  CHECK(w.due() == all{0});
  w.pass(duration{200});
  CHECK(w.due() == all{1});
  w.t.reached(0);
  w.t.same(1, 0);
  CHECK(w.t.alone() == 0);
  CHECK(w.due().empty());
  CHECK(w.hear(0, 1, {{"a", at_port(2), 1}}, "a"));
  CHECK(w.owning() == std::set<std::uint32_t>{0});
  CHECK(w.due().empty());
}

TEST_CASE("pins decide who owns a range", "[engine][nodes]") {
  watched_table w({1});
  w.due();
  w.t.reached(0);
  CHECK(w.t.heard(0, {1, {{"a", at_port(1), 1}, {"b", at_port(2), 1}}, {{0, 4'095, "b"}}, "a"}, w.now, w.restarted));
  CHECK(w.owning() == std::set<std::uint32_t>{1});
}

TEST_CASE("addresses are read with brackets around IPv6, and what is none is told as such", "[engine][nodes]") {
  const auto one = parse_node_address("cache-1.example:7411");
  REQUIRE(one);
  CHECK(*one == node_address{"cache-1.example", 7411});
  CHECK(parse_node_address("[::1]:7411")->host == "::1");
  CHECK(parse_node_address("[::1]:7411")->printable() == "[::1]:7411");
  CHECK(parse_node_address("host", 5)->port == 5);
  for (const char* wrong : {"", "host", ":7411", "host:", "host:0", "host:65536", "host:7x", "::1:7411", "[::1", "[]:1",
                            "[::1]7411", "a b:1"}) {
    CAPTURE(wrong);
    const auto none = parse_node_address(wrong);
    REQUIRE_FALSE(none);
    CHECK(none.why().code == errc::invalid_argument);
    CHECK(none.why().detail.find("\"" + std::string(wrong) + "\"") != std::string::npos);
  }
  const auto several = parse_node_addresses("a:1,[::1]:2,a:1");
  REQUIRE(several);
  CHECK(*several == std::vector<node_address>{{"a", 1}, {"::1", 2}});
  CHECK_FALSE(parse_node_addresses("a:1,"));
  CHECK_FALSE(parse_node_addresses(""));
}

}  // namespace aicache::node_table_test
