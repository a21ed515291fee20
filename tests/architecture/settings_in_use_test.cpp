#include "tests/architecture/house_rules.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace aicache::architecture;

namespace {

/// "memory.budget" of every row, as code writes it.
std::vector<std::string> fields_of(const std::string& table) {
  std::vector<std::string> fields;
  const std::string opening = "AICACHE_KEY(";
  const std::string rows = without_comments(table, literals::blanked);
  for (std::size_t at = rows.find(opening); at != std::string::npos; at = rows.find(opening, at + 1)) {
    const std::size_t comma = rows.find(", ", at);
    const std::string section = rows.substr(at + opening.size(), comma - at - opening.size());
    fields.push_back(section + '.' + rows.substr(comma + 2, rows.find(',', comma + 2) - comma - 2));
  }
  return fields;
}

/// The code of everything that runs, and nothing else.
std::string running_code() {
  std::string all;
  for (const std::string& path : paths_below(AICACHE_SOURCE_DIR))
    if (is_source(path) && rank_of(path).value_or(0) > 0)
      all += without_comments(contents_of(std::filesystem::path(AICACHE_SOURCE_DIR) / path), literals::blanked) + '\n';
  return all;
}

}  // namespace

TEST_CASE("every setting is read by what runs", "[architecture]") {
  const auto fields = fields_of(contents_of(AICACHE_SOURCE_DIR "/config/keys.def"));
  REQUIRE(fields.size() > 50);
  const std::string code = running_code();
  for (const std::string& field : fields) {
    CAPTURE(field);
    CHECK(has_word(code, field));
  }
  CHECK_FALSE(has_word(code, "memory.bugdet"));
}
