#include "tests/architecture/source_text.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace aicache::architecture;

namespace {

// What stands between two marks in the application that the package test compiles and runs.
std::string lines_between(const std::string& begin, const std::string& end) {
  const std::string app = contents_of(std::string(AICACHE_SOURCE_DIR) + "/tests/package/app/main.cpp");
  REQUIRE(app.find(begin) != std::string::npos);
  REQUIRE(app.find(end) != std::string::npos);
  const std::size_t from = app.find(begin) + begin.size();
  std::string lines = app.substr(from, app.find(end) - from);
  CHECK(lines.size() > 500);
  return lines;
}

bool shows(const char* readme, const std::string& code) {
  return contents_of(std::string(AICACHE_SOURCE_DIR) + "/" + readme).find("```cpp\n" + code + "```\n") !=
         std::string::npos;
}

}  // namespace

TEST_CASE("the example in README.md is the one that the package test compiles and runs", "[architecture]") {
  CHECK(shows("README.md", "#include <aicache.hpp>\n\n" + lines_between("// [example]\n", "// [/example]\n")));
}

TEST_CASE("the integration guide shows what the package test compiles and runs", "[architecture]") {
  CHECK(shows("actors/README.md", lines_between("// [guide]\n", "// [/guide]\n")));
}
