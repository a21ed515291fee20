#include "config/settings_file.hpp"

#include <catch2/catch.hpp>

#include "config/settings.hpp"
#include "tests/config/file_of_settings.hpp"

#include <sys/stat.h>

#include <random>

namespace aicache::toml_file_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

file_contents read_text(const std::string& text) { return read_settings_file(file_of_settings(text).path()); }

}  // namespace

TEST_CASE("a file is read into its entries with their lines", "[config][toml]") {
  const auto contents = read_text(
      "top = 1\r\n\n[memory] # how much\nbudget = \"1GiB\"\nwarm_share = 0.25\n[ttl]\noperations.qa = \"1h\"\n"
      "dates = 2024-01-01\nlist = [1, 2]\n[ttl.more]\nx = true\n[empty]\n");
  REQUIRE(contents.rule.empty());
  std::vector<std::string> seen;
  for (const auto& e : contents.entries)
    seen.push_back(std::to_string(e.line) + ' ' + e.section + '.' + e.name + " = " + shown(e.value));
  CHECK(seen == std::vector<std::string>{"1 .top = 1", "4 memory.budget = \"1GiB\"", "5 memory.warm_share = 0.25",
                                         "7 ttl.operations = a table", "8 ttl.dates = a date or time",
                                         "9 ttl.list = a list", "10 ttl.more = a table", "12 empty. = a table"});
}

TEST_CASE("an empty file says nothing and is fine", "[config][toml]") {
  for (const char* text : {"", "\n", "# nothing\n", "\xef\xbb\xbf", "   "}) {
    const auto contents = read_text(text);
    CHECK(contents.rule.empty());
    CHECK(contents.entries.empty());
  }
}

TEST_CASE("a file that is no TOML is refused with the line", "[config][toml]") {
  const auto c = GENERATE(values<std::pair<std::string, std::size_t>>({{"[memory\nbudget = 1\n", 1},
                                                                       {"[memory]\nbudget 1\n", 2},
                                                                       {"[memory]\n\nbudget = lots\n", 3},
                                                                       {"[memory]\nbudget = \"1GiB\n", 2},
                                                                       {"[node]\nport = 1 2\n", 2},
                                                                       {"[node]\nport = 1\nport = 2\n", 3},
                                                                       {"[node]\nport = 1\n[node]\nhost = \"x\"\n", 3},
                                                                       {"[log]\nlevel = \"\\q\"\n", 2},
                                                                       {"= 1\n", 1}}));
  CAPTURE(c.first);
  const auto contents = read_text(c.first);
  CAPTURE(contents.rule);
  CHECK(contents.rule.starts_with("must be TOML; "));
  CHECK(contents.rule.find('\n') == std::string::npos);
  CHECK_FALSE(contents.fix.empty());
  CHECK(contents.line == c.second);
  CHECK(contents.entries.empty());
}

TEST_CASE("what is wrong with a line is said without the names of functions", "[config][toml]") {
  const auto contents = read_text("[node]\nport = 1 1\n");
  CHECK(contents.rule == "must be TOML; invalid line format");
}

TEST_CASE("a broken line is not repeated, for it may hold a secret", "[config][toml]") {
  for (const char* line :
       {"password = hunter2", "password = \"hunter2", "password \"hunter2\"", "password = \"hunter2\" x"}) {
    const auto contents = read_text(std::string("[redis]\n") + line + "\n");
    CAPTURE(contents.rule);
    CHECK_FALSE(contents.rule.empty());
    CHECK(contents.rule.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("what cannot be read is refused in words", "[config][toml]") {
  const auto directory = std::filesystem::temp_directory_path();
  CHECK(read_settings_file(directory / "aicache_no_such_file.toml").rule == "must exist");
  CHECK(read_settings_file("").rule == "must exist");
  CHECK(read_settings_file(directory).rule == "must be a regular file; it is a directory or a device");
  CHECK(read_settings_file("/dev/zero").rule == "must be a regular file; it is a directory or a device");
  CHECK(read_settings_file(file_of_settings("").path() / "below_a_file").rule.starts_with("must "));
  // A file that opens and then fails to be read, even for root.
  CHECK(read_settings_file("/proc/self/mem").rule == "must be readable; reading it failed");
}

TEST_CASE("a forbidden file is refused in words", "[config][toml]") {
  const file_of_settings file("[node]\n");
  REQUIRE(chmod(file.path().c_str(), 0) == 0);
  const auto contents = read_settings_file(file.path());
  // Nothing is forbidden to root.
  CHECK(contents.rule == (geteuid() == 0 ? "" : "must be readable; it cannot be opened"));
}

TEST_CASE("a pipe that nobody writes to does not keep the node waiting", "[config][toml]") {
  const file_of_settings place("");
  std::filesystem::remove(place.path());
  REQUIRE(mkfifo(place.path().c_str(), 0600) == 0);
  CHECK(read_settings_file(place.path()).rule == "must be a regular file; it is a directory or a device");
}

TEST_CASE("a file that would exhaust memory or stack is refused unread", "[config][toml]") {
  CHECK(read_text(std::string((1 << 20) + 1, '#')).rule == "must be shorter than 1 MiB");
  const std::string deep = "must not be nested more deeply than settings are";
  CHECK(read_text("a = " + std::string(100'000, '[')).rule == deep);
  std::string tables = "a = ";
  for (int i = 0; i < 100'000; ++i) tables += "{a=";
  CHECK(read_text(tables).rule == deep);
  std::string lines = "a = ";
  for (int i = 0; i < 100'000; ++i) lines += "[\n";
  CHECK(read_text(lines).rule == deep);
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  CHECK(read_text(dots + " = 1").rule == deep);
}

TEST_CASE("nesting within the bounds is survived", "[config][toml]") {
  const std::size_t depth = 900;
  std::string dots = "a";
  for (std::size_t i = 0; i < depth; ++i) dots += ".a";
  CHECK(read_text(dots + " = 1").rule.empty());
  const auto lists = read_text("a = " + std::string(depth, '[') + std::string(depth, ']'));
  CHECK(lists.rule.empty());
  CHECK(lists.entries.size() == 1);
}

TEST_CASE("no damage to a file does more than have it refused", "[config][toml]") {
  const std::string whole =
      "[memory]\nbudget = \"64MiB\" # some\nwarm_share = 0.25\n[ttl]\nmax = '7d'\n"
      "operations = { qa = \"1h\", \"a.b\" = \"2h\" }\n[node]\nport = 0x10\nlearning = true\n"
      "when = 1979-05-27T07:32:00Z\nlist = [1, [2, 3]]\ntext = \"\"\"a\\u00e9\n\"\"\"\n";
  const std::string letters = "\"'[]{}=.,#\n\r\\ \t\0-+_eExoabc019T:uU\x80\xff";
  REQUIRE(read_text(whole).rule.empty());
  std::mt19937 random(7411);
  for (int round = 0; round < 300; ++round) {
    const std::string damaged = tests::damaged(whole, letters, random);
    const auto contents = read_text(damaged);
    CAPTURE(damaged);
    REQUIRE((contents.rule.empty() || contents.entries.empty()));
    REQUIRE(contents.rule.empty() == contents.fix.empty());
  }
}

}  // namespace aicache::toml_file_test
