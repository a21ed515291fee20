#include "tests/architecture/checklist.hpp"
#include "tests/architecture/planted_tree.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

using namespace aicache::architecture;

namespace {

using said = std::vector<std::string>;

const std::filesystem::path tests_folder = std::filesystem::path(AICACHE_SOURCE_DIR) / "tests";

std::set<std::string> titles_of_tree() {
  std::set<std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tests_folder))
    if (entry.path().filename().string().ends_with("_test.cpp")) all.merge(titles_in(contents_of(entry.path())));
  return all;
}

}  // namespace

TEST_CASE("every feature and every defect of the Python cache has a test here, or a reason", "[architecture]") {
  const std::set<std::string> titles = titles_of_tree();
  REQUIRE(titles.size() > 500);
  CHECK(complaints_of(contents_of(tests_folder / "checklist.md"), titles, tests_folder, 146, 39) == said{});
}

TEST_CASE("titles of test cases are read however they are written", "[architecture]") {
  const std::string source =
      "TEST_CASE(\"one\", \"[x]\") {}\n// TEST_CASE(\"none\")\nTEST_CASE(\n    \"two \"\n    \"halves\",\n \"[x]\") "
      "{}\n";
  CHECK(titles_in(source) == std::set<std::string>{"one", "two halves"});
}

TEST_CASE("a row of the list that is missing, doubled or shown by nothing is named", "[architecture]") {
  const std::string list =
      "| row | what | shown by |\n|---|---|---|\n| 1 | a | \"one\" |\n| 1 | b | \"one\", \"two\" |\n"
      "| 3 | c | soon |\n| D1 | d | \"one\" |\n";
  CHECK(complaints_of(list, {"one"}, ".", 4, 2) == said{"1: there is no test \"two\"", "3: nothing shows it",
                                                        "1: is there 2 times", "2: is missing", "4: is missing",
                                                        "D2: is missing"});
}

TEST_CASE("a link of the list leads to a line that names the row", "[architecture]") {
  planted_tree tree;
  tree.with("engine/README.md",
            "# Engine\n| 1 | not there |\n## What differs, and why\n| 1, D2 | x | y |\n## More\n| 2 |\n");
  const auto complaints = [&](const std::string& link) {
    return complaints_of("| 2 | what | [engine](" + link + ") |\n| 1 | what | [engine](" + link + ") |\n", {},
                         tree.root() / "engine", 2, 0);
  };
  CHECK(complaints("README.md") == said{});
  CHECK(complaints("README.md#what-differs-and-why") == said{"2: README.md#what-differs-and-why does not name it"});
  CHECK(complaints("README.md#nowhere") ==
        said{"2: there is no heading README.md#nowhere", "1: there is no heading README.md#nowhere"});
  CHECK(complaints_of("| 1 | what | \"one\"; [engine] |\n\n[engine]: none.md\n[other]: neither.md\n", {"one"},
                      tree.root(), 1, 0) == said{"1: there is no none.md"});
  CHECK(complaints("none.md") == said{"2: there is no none.md", "1: there is no none.md"});
}
