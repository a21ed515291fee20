#include "engine/chunks/value_assembly.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace aicache::value_assembly_test {

namespace {

blob_ref value_of(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i * 7 % 26 + i / piece_bytes % 3);
  return blob::make(text, {1, 2, 3, 0}, "attributes");
}

std::string_view part_of(const blob_ref& b, const value_assembly::wanted& w) {
  return {reinterpret_cast<const char*>(b->data()) + w.from, w.size};
}

}  // namespace

TEST_CASE("a value comes in pieces, two on their way at a time, and is what it was", "[engine][chunks]") {
  const auto size = GENERATE(std::size_t{1}, std::size_t{piece_bytes}, std::size_t{piece_bytes + 1},
                             std::size_t{4 * piece_bytes - 10}, std::size_t{64} << 20);
  const blob_ref b = value_of(size);
  value_assembly a(claim_of(*b));
  std::vector<value_assembly::wanted> under_way;
  std::size_t most = 0;
  while (!a.is_whole()) {
    while (const auto w = a.next()) under_way.push_back(*w);
    most = std::max(most, under_way.size());
    REQUIRE_FALSE(under_way.empty());
    REQUIRE(a.take(under_way.front().from, part_of(b, under_way.front())) == errc::none);
    under_way.erase(under_way.begin());
  }
  CHECK(most <= 2);
  CHECK_FALSE(a.next());
  const auto got = a.finish();
  REQUIRE(got);
  CHECK((*got)->text() == b->text());
  CHECK((*got)->attributes() == b->attributes());
  CHECK((*got)->facts() == b->facts());
}

TEST_CASE("a piece that was not asked for is refused, and so is a value of another checksum", "[engine][chunks]") {
  const blob_ref b = value_of(3 * piece_bytes);
  value_claim claim = claim_of(*b);
  value_assembly a(claim);
  CHECK(a.take(0, part_of(b, {0, piece_bytes})) == errc::corrupt);
  const auto first = a.next();
  const auto second = a.next();
  REQUIRE(second);
  CHECK(a.take(second->from, part_of(b, *second)) == errc::corrupt);
  CHECK(a.take(0, "") == errc::corrupt);
  CHECK(a.take(0, part_of(b, {0, 5})) == errc::corrupt);
  CHECK(a.take(0, part_of(b, {0, piece_bytes + 1})) == errc::corrupt);
  CHECK(a.take(first->from, part_of(b, *first)) == errc::none);
  CHECK_FALSE(a.finish());
  claim.checksum ^= 1;
  value_assembly other(claim);
  while (const auto w = other.next()) REQUIRE(other.take(w->from, part_of(b, *w)) == errc::none);
  CHECK(other.is_whole());
  CHECK(other.finish().why().code == errc::corrupt);
  claim = claim_of(*b);
  claim.facts.text_bytes = claim.size + 1;
  value_assembly false_text(claim);
  while (const auto w = false_text.next()) REQUIRE(false_text.take(w->from, part_of(b, *w)) == errc::none);
  CHECK_FALSE(false_text.finish());
}

}  // namespace aicache::value_assembly_test
