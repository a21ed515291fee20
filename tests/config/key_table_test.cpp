#include "config/key_table.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

namespace aicache::key_table_test {

using namespace aicache::config;

namespace {

/// The row of log.level as if levels were secret.
key_row secret_row() {
  for (auto row : all_keys())
    if (row.key() == "log.level") {
      row.secret = visibility::secret;
      return row;
    }
  FAIL("there is no log.level");
  return all_keys().front();
}

written free_text(std::string text) { return {std::move(text), false}; }

}  // namespace

TEST_CASE("no two settings have one key or one variable", "[config][keys]") {
  std::set<std::string> keys;
  std::set<std::string> variables;
  for (const auto& row : all_keys()) {
    CHECK(keys.insert(row.key()).second);
    CHECK(variables.insert(row.environment_name()).second);
  }
  CHECK(keys.size() == all_keys().size());
}

TEST_CASE("no variable is among those that tests may use as they like", "[config][keys]") {
  for (const auto& row : all_keys()) CHECK_FALSE(row.environment_name().starts_with("AICACHE_TEST_"));
}

TEST_CASE("every key belongs to the section above it and is documented", "[config][keys]") {
  std::set<std::string_view> sections;
  for (const auto& section : all_sections()) {
    CHECK(sections.insert(section.name).second);
    CHECK(section.doc.ends_with('.'));
  }
  for (const auto& row : all_keys()) {
    CAPTURE(row.key());
    CHECK(sections.contains(row.section));
    CHECK(row.doc.ends_with('.'));
    CHECK(row.doc.find('|') == std::string_view::npos);
  }
}

TEST_CASE("a field named after a word of C++ has its key without the underscore", "[config][keys]") {
  std::set<std::string> keys;
  for (const auto& row : all_keys()) keys.insert(row.key());
  CHECK(keys.contains("ttl.default"));
  CHECK_FALSE(keys.contains("ttl.default_"));
}

TEST_CASE("every default is within its range and read again from both of its spellings", "[config][keys]") {
  for (const auto& row : all_keys()) {
    CAPTURE(row.key());
    settings s;
    CHECK_FALSE(broken_range(row, s));
    CHECK_FALSE(assign(row, s, free_text(row.to_text(s))));
    CHECK(s == settings{});
  }
}

TEST_CASE("a refused value leaves its field as it was", "[config][keys]") {
  for (const auto& row : all_keys()) {
    CAPTURE(row.key());
    settings s;
    // An empty text is a value of those texts that may be empty.
    if (row.to_text(s).empty()) {
      CHECK_FALSE(assign(row, s, free_text("")));
    } else {
      CHECK(assign(row, s, free_text("")));
    }
    CHECK(assign(row, s, {written::unsuitable{"a list"}, true}));
    CHECK(s == settings{});
  }
}

TEST_CASE("a secret is neither printed nor repeated in a message", "[config][keys]") {
  const key_row row = secret_row();
  settings s;
  s.log.level = "hunter2";
  CHECK(shown_toml(row, s) == "\"***\"");
  const auto range = broken_range(row, s);
  REQUIRE(range);
  CHECK(range->find("hunter2") == std::string::npos);
  const auto assigned = assign(row, s, free_text("hunter2hunter2"));
  REQUIRE(assigned);
  CHECK(assigned->find("hunter2") == std::string::npos);
  CHECK(*assigned == "must be a text of 3 to 5 characters; the secret value is too long");
}

TEST_CASE("the mask of a printed secret is not taken for the secret", "[config][keys]") {
  settings s;
  CHECK(assign(secret_row(), s, free_text("***")));
  CHECK(s == settings{});
}

TEST_CASE("the edit distance counts letters that differ, and neighbours that changed places once", "[config][keys]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("budget", "budget") == 0);
  CHECK(edit_distance("bugdet", "budget") == 1);
  CHECK(edit_distance("budgets", "budget") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") == 3);
}

TEST_CASE("the nearest key is found through slips and in wrong sections", "[config][keys]") {
  CHECK(nearest_key("memory.bugdet").key() == "memory.budget");
  CHECK(nearest_key("memroy.budget").key() == "memory.budget");
  CHECK(nearest_key("node.budget").key() == "memory.budget");
  CHECK(nearest_key("budget").key() == "memory.budget");
  CHECK(nearest_key("memory.warm").key() == "memory.warm_share");
  CHECK(nearest_variable("AICACHE_LEASE_MAX").key() == "lease.max_parked");
  CHECK(nearest_key(".prot").key() == "node.port");
  CHECK(nearest_key("supervision.restart_backof_max").key() == "supervision.restart_backoff_max");
  CHECK(nearest_variable("AICACHE_MEMORY_BUGDET").key() == "memory.budget");
  CHECK(nearest_variable("AICACHE_memory_budget").key() == "memory.budget");
  CHECK(nearest_variable("AICACHE_BUDGET").key() == "memory.budget");
  CHECK(nearest_variable("AICACHE_TEXT_TIER_SMALL").key() == "text_tiers.small");
  CHECK(nearest_section("memroy").name == "memory");
}

TEST_CASE("a name as long as a book has a nearest key too", "[config][keys]") {
  const std::string book(1'000'000, 'x');
  CHECK_FALSE(nearest_key(book).key().empty());
  CHECK_FALSE(nearest_variable(book).key().empty());
  CHECK_FALSE(nearest_section(book).name.empty());
}

}  // namespace aicache::key_table_test
