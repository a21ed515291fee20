#include "tests/architecture/source_text.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace aicache::architecture;

TEST_CASE("the example in README.md is the one that the package test compiles and runs", "[architecture]") {
  const std::string root = AICACHE_SOURCE_DIR;
  const std::string app = contents_of(root + "/tests/package/app/main.cpp");
  const std::string begin = "// [example]\n";
  const std::string end = "// [/example]\n";
  REQUIRE(app.find(begin) != std::string::npos);
  REQUIRE(app.find(end) != std::string::npos);
  const std::size_t from = app.find(begin) + begin.size();
  const std::string example = app.substr(from, app.find(end) - from);
  CHECK(example.size() > 500);
  const bool shown = contents_of(root + "/README.md").find("```cpp\n#include <aicache.hpp>\n\n" + example + "```\n") !=
                     std::string::npos;
  CHECK(shown);
}
