#include "engine/shared/generation_book.hpp"

#include <catch2/catch.hpp>

namespace aicache::generation_book_test {

TEST_CASE("an answer is alive as long as none of its scopes was invalidated after its birth", "[shared]") {
  generation_book book({16, 16});
  const scope tenant = scope_of_tenant("t");
  const scope operation = scope_of_operation("qa");
  book.raise(operation, 7);
  const scope both[] = {tenant, operation};
  CHECK_FALSE(book.is_alive(6, both));
  CHECK(book.is_alive(7, both));
  book.raise(operation, 3);
  CHECK(book.of(operation) == 7);
  CHECK(book.of(tenant) == 0);
  CHECK(book.sound());
}

TEST_CASE("an invalidation without a number kills everything in its scope until it is settled", "[shared]") {
  generation_book book({16, 16});
  const scope tag = scope_of_tag("t", "doc-1");
  book.raise(tag, unnumbered);
  CHECK_FALSE(book.is_alive(1'000'000, {&tag, 1}));
  book.raise(tag, 5);
  CHECK(book.of(tag) == unnumbered);
  book.settle(tag, 9);
  CHECK(book.of(tag) == 9);
  CHECK(book.is_alive(9, {&tag, 1}));
  CHECK(book.sound());
}

TEST_CASE("over its limit a book forgets the oldest scopes, and what is older than they is dead", "[shared]") {
  generation_book book({4, 4});
  for (std::uint64_t i = 1; i <= 100; ++i) book.raise(scope_of_tenant(std::to_string(i)), i);
  CHECK(book.size() == 4);
  CHECK(book.floor() == 96);
  const scope known = scope_of_tenant("100");
  const scope unknown = scope_of_tenant("never invalidated");
  CHECK(book.of(known) == 100);
  CHECK_FALSE(book.is_alive(95, {&unknown, 1}));
  CHECK(book.is_alive(96, {&unknown, 1}));
  for (std::uint64_t i = 1; i <= 100; ++i) book.raise(scope_of_key({i, i}), 100 + i);
  CHECK(book.floor() == 96);
  CHECK(book.of(scope_of_key({1, 1})) == 0);
  CHECK(book.of(scope_of_key({100, 100})) == 200);
  CHECK(book.sound());
}

TEST_CASE("an invalidation that has no number yet is never forgotten", "[shared]") {
  generation_book book({2, 2});
  const scope pending = scope_of_operation("pending");
  book.raise(pending, unnumbered);
  for (std::uint64_t i = 1; i <= 50; ++i) book.raise(scope_of_tenant(std::to_string(i)), i);
  CHECK(book.of(pending) == unnumbered);
  CHECK(book.size() == 2);
  CHECK(book.sound());
}

TEST_CASE("everything without a number takes the place of all others without one", "[engine][shared]") {
  generation_book book({100, 100});
  for (std::uint64_t k = 0; k < 1'000; ++k) book.raise(scope_of_key({k, k}), unnumbered);
  book.raise(scope_of_tenant("a"), unnumbered);
  book.raise(scope_of_tenant("b"), 3);
  book.raise(scope{}, unnumbered);
  CHECK(book.size() == 2);
  CHECK(book.sound());
  const scope of_key[] = {scope{}, scope_of_key({1, 1})};
  CHECK_FALSE(book.is_alive(9, of_key));
  book.settle(scope{}, 5);
  CHECK(book.is_alive(5, of_key));
  CHECK_FALSE(book.is_alive(4, of_key));
  CHECK(book.of(scope_of_tenant("b")) == 3);
  CHECK(book.sound());
}

}  // namespace aicache::generation_book_test
