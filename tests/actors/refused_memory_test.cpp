#include "tests/support/refused_memory.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

using aicache::test::refuse_from;

// It rests on malloc, so that a sanitizer still sees every block. Not inlined: half of a pair looks mismatched to the
// compiler.
[[gnu::noinline]] void* operator new(std::size_t size) {
  const std::size_t limit = refuse_from.load();
  void* at = limit != 0 && size >= limit ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (at == nullptr) throw std::bad_alloc{};
  return at;
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

TEST_CASE("this program's memory can be refused", "[actors]") {
  refuse_from = 1'000;
  bool refused = false;
  try {
    std::vector<char> v(1'000);
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  refuse_from = 0;
  CHECK(refused);
}
