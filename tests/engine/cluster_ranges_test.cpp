#include <algorithm>
#include <catch2/catch.hpp>

#include "engine/cluster/ranges.hpp"

namespace aicache::cluster_ranges_test {

namespace {

std::vector<std::string> owners_by_name(const std::vector<std::string>& members, std::span<const range_pin> pins = {}) {
  std::vector<std::string> names;
  for (std::uint16_t owner : assign_ranges(members, pins)) names.push_back(members[owner]);
  return names;
}

std::vector<std::string> nodes(int n) {
  std::vector<std::string> names;
  for (int i = 0; i < n; ++i) names.push_back("node-" + std::to_string(i));
  return names;
}

}  // namespace

TEST_CASE("a fourth node takes a quarter of the ranges, and no other range moves") {
  const auto before = owners_by_name(nodes(3));
  const auto after = owners_by_name(nodes(4));
  REQUIRE(before.size() == range_count);
  std::size_t moved = 0;
  bool only_to_the_new = true;
  for (std::uint32_t r = 0; r < range_count; ++r) {
    if (before[r] == after[r]) continue;
    ++moved;
    only_to_the_new = only_to_the_new && after[r] == "node-3";
  }
  CHECK(only_to_the_new);
  CHECK(static_cast<double>(moved) / range_count == Approx(0.25).margin(0.03));
}

TEST_CASE("each of several nodes owns about the same share") {
  for (int n : {1, 2, 5, 16}) {
    const auto owners = assign_ranges(nodes(n));
    for (int i = 0; i < n; ++i) {
      const auto has = std::count(owners.begin(), owners.end(), i);
      INFO(n << " nodes, node " << i);
      CHECK(static_cast<double>(has) / range_count == Approx(1.0 / n).margin(0.03));
    }
  }
}

TEST_CASE("owners depend on names, not on their order") {
  std::vector<std::string> members{"c", "a", "b"};
  const auto some = owners_by_name(members);
  std::sort(members.begin(), members.end());
  CHECK(owners_by_name(members) == some);
}

TEST_CASE("a pinned range belongs to whom it was given, as long as that node is there") {
  const std::vector<range_pin> pins{{0, 9, "b"}, {5, 9, "a"}, {20, 20, "gone"}};
  const auto plain = owners_by_name({"a", "b"});
  auto expected = plain;
  std::fill(expected.begin(), expected.begin() + 5, "b");
  std::fill(expected.begin() + 5, expected.begin() + 10, "a");
  CHECK(owners_by_name({"a", "b"}, pins) == expected);
}

TEST_CASE("without members there are no owners") { CHECK(assign_ranges({}).empty()); }

TEST_CASE("the range of a key is its first twelve bits") {
  CHECK(range_of({0, 0}) == 0);
  CHECK(range_of({0x0010'0000'0000'0000, 0}) == 1);
  CHECK(range_of({~0ULL, 0}) == range_count - 1);
}

}  // namespace aicache::cluster_ranges_test
