#include <catch2/catch.hpp>
#include <random>

#include "tests/engine/cluster_world.hpp"

using namespace aicache;
using aicache::test::cluster_world;
using names = std::vector<std::string>;

namespace {

constexpr duration while_all_settles{3'000};

/// Three nodes, each with its share.
cluster_world three(bool with_registry) {
  cluster_world w(with_registry);
  if (!with_registry) w.seeds = {"h:1", "h:2", "h:3"};
  w.start("a", 1);
  w.run(duration{100});
  w.start("b", 2);
  w.start("c", 3);
  w.run(while_all_settles);
  REQUIRE(w.served_in_all() == range_count);
  return w;
}

std::uint64_t epoch_of(cluster_world& w, const std::string& name) { return w[name].mind->view().epoch; }

}  // namespace

TEST_CASE("a node alone serves everything, with a registry and without") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w(with_registry);
  if (!with_registry) w.seeds = {"h:1"};
  w.start("a", 1);
  w.run(duration{1'000});
  CHECK(w.served("a") == range_count);
  CHECK(w.members_seen_by("a") == names{"a"});
}

TEST_CASE("nodes that come in take their share, no range has two owners meanwhile, and all agree on the epoch") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  for (const char* name : {"a", "b", "c"}) {
    CHECK(w.members_seen_by(name) == names{"a", "b", "c"});
    CHECK(w.served(name) > range_count / 4);
    CHECK(epoch_of(w, name) == epoch_of(w, "a"));
  }
  CHECK(w.twice_served == 0);
}

TEST_CASE("what a node gains is served when its former owner has let go, and a lease later at the latest") {
  cluster_world w = three(true);
  w["a"].slow_to_let_go = true;
  w.start("d", 4);
  w.run(duration{600});
  CHECK(w.served("d") == 0);
  SECTION("it lets go") {
    w["a"].slow_to_let_go = false;
    w.run(duration{200});
    CHECK(w.served("d") > range_count / 6);
  }
  SECTION("it does not") {
    w.run(duration{1'000});
    CHECK(w.served("d") > range_count / 6);
  }
  CHECK(w.served_in_all() == range_count);
  CHECK(w.twice_served == 0);
}

TEST_CASE("a dead node's ranges are with the survivors within two seconds, and only those move") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  const range_set a = w["a"].serving;
  w["a"].forgotten.reset();
  w.kill("c");
  w.run(duration{1'950});
  CHECK(w.served_in_all() == range_count);
  CHECK(w.members_seen_by("a") == names{"a", "b"});
  CHECK((w["a"].serving & a) == a);
  CHECK(w["a"].forgotten.none());
}

TEST_CASE("a node that stands still serves nothing from its lease's end on, and comes back empty") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  w["c"].running = false;
  w.run(duration{1'950});
  CHECK(w.served("a") + w.served("b") == range_count);
  CHECK(w["c"].until <= w.now);
  w["c"].forgotten.reset();
  w["c"].running = true;
  w.run(while_all_settles);
  CHECK(w.members_seen_by("c") == names{"a", "b", "c"});
  CHECK(w["c"].forgotten.all());
  CHECK(w.served_in_all() == range_count);
  if (with_registry) CHECK(w.twice_served == 0);
}

TEST_CASE("what others said before a node stood still gives it nothing back when it reads that afterwards") {
  cluster_world w = three(false);
  const instant asked = w.now;
  const auto of_a = w["a"].mind->report(asked);
  const auto of_b = w["b"].mind->report(asked);
  w["c"].running = false;
  w.run(duration{3'950});
  // Each answered, and asked on its own account; nothing newer has come yet.
  membership_core::effects out;
  for (const std::optional<instant> when : {std::optional(asked), std::optional<instant>{}}) {
    w["c"].mind->reported("a", of_a, when, w.now, out);
    w["c"].mind->reported("b", of_b, when, w.now, out);
  }
  range_set serves;
  range_set forgotten;
  for (const auto& e : out)
    if (const auto* s = std::get_if<membership_core::serve>(&e)) {
      serves = s->ranges;
      forgotten |= s->forget;
    }
  CHECK(serves.none());
  CHECK(forgotten.all());
}

TEST_CASE("a node that is started again takes its place at once, under its old name and address") {
  cluster_world w = three(true);
  const range_set before = w["c"].serving;
  w.kill("c");
  w.run(duration{300});
  w.start("c", 3);
  w.run(while_all_settles);
  CHECK(w["c"].serving == before);
  CHECK(w["c"].mind->refusal().empty());
  CHECK(w.twice_served == 0);
}

TEST_CASE("while the registry is away all serve what they had, and nothing moves when it is back") {
  cluster_world w = three(true);
  const std::uint64_t epoch = epoch_of(w, "a");
  for (const char* name : {"a", "b", "c"}) w[name].forgotten.reset();
  w.registry_on = false;
  w.run(duration{20'000});
  CHECK(w.served_in_all() == range_count);
  CHECK(epoch_of(w, "a") == epoch);
  const bool emptied = GENERATE(false, true);
  if (emptied) w.empty_registry();
  w.registry_on = true;
  w.run(while_all_settles);
  CHECK(w.served_in_all() == range_count);
  CHECK(epoch_of(w, "a") == epoch);
  for (const char* name : {"a", "b", "c"}) CHECK(w[name].forgotten.none());
}

TEST_CASE("while the registry is away a majority takes over from a lost node, and the epoch never falls") {
  cluster_world w = three(true);
  const std::uint64_t epoch = epoch_of(w, "a");
  w.registry_on = false;
  w.run(duration{3'000});
  w.kill("b");
  w.run(while_all_settles);
  CHECK(w.members_seen_by("c") == names{"a", "c"});
  CHECK(w.served_in_all() == range_count);
  CHECK(epoch_of(w, "c") > epoch);
  const std::uint64_t alone = epoch_of(w, "c");
  w.registry_on = true;
  w.start("b", 2);
  w.run(while_all_settles);
  CHECK(w.members_seen_by("c") == names{"a", "b", "c"});
  CHECK(epoch_of(w, "b") > alone);
  CHECK(w.served_in_all() == range_count);
  CHECK(w.twice_served == 0);
}

TEST_CASE("without registry and majority a node gives its ranges up, and gets them back") {
  cluster_world w = three(true);
  w.registry_on = false;
  w.cut("a", "c");
  w.cut("b", "c");
  w.run(while_all_settles);
  CHECK(w.served("c") == 0);
  CHECK(w.served("a") + w.served("b") == range_count);
  CHECK(w.members_seen_by("a") == names{"a", "b"});
  w.heal();
  w.registry_on = true;
  w["c"].forgotten.reset();
  w.run(while_all_settles);
  CHECK(w.served_in_all() == range_count);
  CHECK(w["c"].forgotten.all());
  CHECK(w.twice_served == 0);
}

TEST_CASE("half of the members go on when the first by name is among them, and the other half does not") {
  cluster_world w(true);
  w.start("a", 1);
  w.start("b", 2);
  w.run(while_all_settles);
  w.registry_on = false;
  w.cut("a", "b");
  w.run(while_all_settles);
  CHECK(w.served("a") == range_count);
  CHECK(w.served("b") == 0);
  CHECK(w.twice_served == 0);
}

TEST_CASE("a node that alone does not reach the registry gives way to those who do, though it reaches them") {
  cluster_world w = three(true);
  w["c"].reaches_registry = false;
  w.run(while_all_settles);
  CHECK(w.served("c") == 0);
  CHECK(w.members_seen_by("c") == names{"a", "b"});
  CHECK(w.served("a") + w.served("b") == range_count);
  w["c"].reaches_registry = true;
  w.run(while_all_settles);
  CHECK(w.members_seen_by("a") == names{"a", "b", "c"});
  CHECK(w.served_in_all() == range_count);
  CHECK(w.twice_served == 0);
}

TEST_CASE("of two nodes of one name the younger is refused, with a reason") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  w.seeds = {"h:1", "h:2", "h:3", "h:9"};
  auto& other = w.start("b", 9);
  w.run(while_all_settles);
  CHECK(!other.mind->refusal().empty());
  CHECK(other.serving.none());
  CHECK(!other.remarks.empty());
  CHECK(w.nodes.at("b:2").mind->refusal().empty());
  CHECK(w.nodes.at("b:2").serving.any());
}

TEST_CASE("a node that is set otherwise is refused, and let in when the others are gone") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w(with_registry);
  w.seeds = {"h:1", "h:2"};
  w.start("a", 1);
  w.run(duration{2'000});
  auto& odd = w.start("b", 2, "v1,encryption=on");
  w.run(while_all_settles);
  CHECK(!odd.mind->refusal().empty());
  CHECK(odd.serving.none());
  CHECK(w.served("a") == range_count);
  w.kill("a");
  w.run(while_all_settles);
  CHECK(odd.mind->refusal().empty());
  CHECK(w.served("b") == range_count);
}

TEST_CASE("pins move ranges and nothing else, whoever is asked, and can be taken back") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  const range_set before = w["a"].serving;
  w.act(w["c"], [&](auto& out) { w["c"].mind->pin({{0, 1'023, "a"}}, w.now, out); });
  w.run(duration{1'000});
  range_set first;
  for (std::size_t r = 0; r < 1'024; ++r) first[r] = true;
  CHECK(w["a"].serving == (before | first));
  CHECK(w.served_in_all() == range_count);
  CHECK(w["b"].mind->view().pins == std::vector<range_pin>{{0, 1'023, "a"}});
  w.act(w["b"], [&](auto& out) { w["b"].mind->pin({}, w.now, out); });
  w.run(duration{1'000});
  CHECK(w["a"].serving == before);
  CHECK(w.twice_served == 0);
}

TEST_CASE("a node that leaves refuses at once, forgets nothing yet, and says when the others know") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w = three(with_registry);
  auto& c = w["c"];
  c.forgotten.reset();
  w.act(c, [&](auto& out) { c.mind->leave(w.now, out); });
  CHECK(c.serving.none());
  CHECK(w.members_seen_by("a") == names{"a", "b", "c"});
  w.run(duration{500});
  CHECK(c.left);
  CHECK(c.forgotten.none());
  CHECK(w.served("a") + w.served("b") == range_count);
  CHECK(w.members_seen_by("a") == names{"a", "b"});
  CHECK(w.twice_served == 0);
}

TEST_CASE("the last node of a cluster can leave as well") {
  const bool with_registry = GENERATE(true, false);
  cluster_world w(with_registry);
  w.seeds = {"h:1"};
  auto& a = w.start("a", 1);
  w.run(duration{1'000});
  w.act(a, [&](auto& out) { a.mind->leave(w.now, out); });
  w.run(duration{100});
  CHECK(a.left);
}

TEST_CASE("without a registry both sides of a partition serve, and one of them begins empty when it heals") {
  cluster_world w = three(false);
  w.cut("a", "c");
  w.cut("b", "c");
  w.run(while_all_settles);
  CHECK(w.served("a") + w.served("b") == range_count);
  CHECK(w.served("c") == range_count);
  for (const char* name : {"a", "b", "c"}) w[name].forgotten.reset();
  w.heal();
  w.run(while_all_settles);
  CHECK(w.served_in_all() == range_count);
  CHECK(w.members_seen_by("c") == names{"a", "b", "c"});
  const bool c_is_empty = w["c"].forgotten.all();
  const bool others_are_empty = w["a"].forgotten.all() && w["b"].forgotten.all();
  CHECK((c_is_empty || others_are_empty));
  CHECK(epoch_of(w, "a") == epoch_of(w, "c"));
}

TEST_CASE("whatever happens to nodes, connections and registry, no range has two owners, and in the end each has one") {
  const int seed = GENERATE(range(1, 101));
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto any = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  cluster_world w(true);
  const names all{"a", "b", "c", "d"};
  const auto port_of = [](const std::string& name) { return static_cast<std::uint16_t>(name[0] - 'a' + 1); };
  const auto is_up = [&](const std::string& name) {
    return w.nodes.contains(name + ':' + std::to_string(port_of(name)));
  };
  for (const std::string& name : all) w.start(name, port_of(name));
  std::uint64_t highest = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string name = all[static_cast<std::size_t>(any(4))];
    switch (any(7)) {
      case 0:
        if (is_up(name)) w.kill(name);
        break;
      case 1:
      case 2:
        if (!is_up(name)) w.start(name, port_of(name));
        break;
      case 3:
        if (is_up(name)) w[name].running = !w[name].running;
        break;
      case 4: w.registry_on = !w.registry_on; break;
      case 5:
        if (const std::string other = all[static_cast<std::size_t>(any(4))];
            other != name && is_up(name) && is_up(other))
          w.cut(name, other);
        break;
      default: w.heal();
    }
    w.run(duration{100 * (1 + any(25))});
    for (auto& [key, n] : w.nodes) highest = std::max(highest, n.mind->view().epoch);
  }
  w.heal();
  w.registry_on = true;
  for (const std::string& name : all) {
    if (!is_up(name)) w.start(name, port_of(name));
    w[name].running = true;
  }
  w.run(duration{10'000});
  INFO("seed " << seed);
  CHECK(w.twice_served == 0);
  CHECK(w.served_in_all() == range_count);
  for (const std::string& name : all) {
    CHECK(w.members_seen_by(name) == all);
    CHECK(epoch_of(w, name) >= highest);
  }
}
