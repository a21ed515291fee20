#include <catch2/catch.hpp>

#include "config/key_table.hpp"
#include "config/sources.hpp"
#include "tests/config/file_of_settings.hpp"

#include <fstream>
#include <iterator>
#include <random>

namespace aicache::print_test {

using namespace aicache::config;
using aicache::config::tests::file_of_settings;

namespace {

const std::filesystem::path config_folder = std::filesystem::path(AICACHE_SOURCE_DIR) / "config";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Leaves what a file should hold where it can be copied from.
std::string offer(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::path(AICACHE_BINARY_DIR) / name;
  std::ofstream(path, std::ios::binary) << text;
  return "what it should hold is in " + path.string();
}

loaded load_text(const std::string& toml) {
  const file_of_settings file(toml);
  return load({file.path(), {}, {}});
}

/// What a reader of a printed file must put in place of the masks; here a URL for the one secret that needs a form.
std::string without_masks(std::string toml) {
  const std::string masked = "url = \"***\"";
  if (const auto at = toml.find(masked); at != std::string::npos)
    toml.replace(at, masked.size(), "url = \"redis://elsewhere\"");
  return toml;
}

std::vector<std::string> keys_in_doubt(const loaded& result) {
  std::vector<std::string> out;
  for (const auto& p : result.problems) out.push_back(p.key);
  return out;
}

/// Settings with every key changed as far as ranges and rules let it.
settings all_changed() {
  settings s;
  s.node = {"127.0.0.2", 0, 256, 1024, 0_ms};
  s.tls = {"/node.pem", "/node.key", "/ca.pem", "/phrase", "a.example,*.b.example", 1, 4096, 1_m};
  s.memory = {1_TiB, 0.9, 16};
  s.limits = {1_KiB, 257, 1_GiB, 1, 1, 65536, 1};
  s.ttl = {1_ms, 3650_d, {{"a", 1_ms}, {"a.b:c-d_e", 3650_d}, {"9", 1001_ms}}, 50};
  s.gate = {true, true, true, false, true, true};
  s.negative = {0_ms, 1_h, false, false, false, false};
  s.stale = {365_d, 1_ms, {{"a", 0_ms}}, {{"b", 365_d}}};
  s.lease = {10_ms, 1_ms, 2, 1};
  s.text_tiers = {1, 2, 3};
  s.promotion = {1};
  s.compression = {19, 0, 1.0, 0, 8, 0, 64};
  s.eviction = {false};
  s.identity = {true, true, true};
  s.redis = {"redis://:pass@host",
             "user",
             "",
             "/run/secret",
             true,
             true,
             "p",
             64,
             1_ms,
             1_ms,
             10_ms,
             10_ms,
             0,
             "/ca",
             "/certificate",
             "/key",
             false,
             1,
             64_KiB};
  s.invalidation = {100_ms, 1, 0_ms, "/journal"};
  s.encryption = {true, "", "/keys"};
  s.supervision = {1_h, 1_h, 1, 1_d};
  s.monitor = {10_ms};
  s.http = {false, "::", "cache.example", 0, "", "/token", 1_m, 1, 256, 1, 256, 100_ms};
  s.log = {"off"};
  return s;
}

}  // namespace

TEST_CASE("default.toml is what the defaults print", "[config][print]") {
  const std::string text = print(settings{});
  INFO(offer("default.toml", text));
  CHECK((text_of(config_folder / "default.toml") == text));
}

TEST_CASE("the table in the README is the reference", "[config][print]") {
  const std::string begin = "<!-- reference: begin -->\n";
  const std::string end = "<!-- reference: end -->\n";
  const std::string readme = text_of(config_folder / "README.md");
  const std::size_t from = readme.find(begin);
  const std::size_t to = readme.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  INFO(offer("reference.md", reference()));
  CHECK((readme.substr(from + begin.size(), to - from - begin.size()) == reference()));
}

TEST_CASE("settings that are printed load as they were", "[config][print]") {
  for (const auto& s : {settings{}, all_changed()}) {
    const auto result = load_text(without_masks(print(s)));
    CHECK(render(result.problems).empty());
    settings same = s;
    same.redis.url = result.value.redis.url;
    CHECK(result.value == same);
    CHECK((s.redis.url.empty() || print(s).find(s.redis.url) == std::string::npos));
  }
}

TEST_CASE("changing any one key survives printing and every other source", "[config][print]") {
  const settings changed = all_changed();
  for (const auto& row : all_keys()) {
    CAPTURE(row.key());
    settings s;
    REQUIRE_FALSE(assign(row, s, {row.to_text(changed), false}));
    if (row.to_text(changed) == row.to_text(settings{})) continue;
    CHECK_FALSE(s == settings{});
    if (!check(s).empty()) continue;
    if (row.secret == visibility::shown) CHECK(load_text(print(s)).value == s);
    CHECK(load({std::nullopt, {{row.environment_name(), row.to_text(s)}}, {}}).value == s);
    CHECK(load({std::nullopt, {}, {row.key() + '=' + row.to_text(s)}}).value == s);
  }
}

TEST_CASE("random settings that are printed load as they were", "[config][print]") {
  std::mt19937_64 random(7411);
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  for (int round = 0; round < 20; ++round) {
    settings s;
    s.node.port = static_cast<std::int64_t>(below(65536));
    s.node.threads = static_cast<std::uint32_t>(below(257));
    s.memory.budget = 1_MiB + below(1_TiB - 1_MiB);
    s.memory.warm_share = static_cast<double>(below(900'000'001)) / 1e9;
    s.compression.min_gain = 1 + static_cast<double>(below(1'000'000'007)) / 1e8;
    s.lease.duration = std::chrono::milliseconds{10 + static_cast<std::int64_t>(below(3'599'000))};
    s.ttl.operations.clear();
    for (auto count = below(5); count > 0; --count)
      s.ttl.operations["op" + std::to_string(below(99))] =
          std::chrono::milliseconds{1 + static_cast<std::int64_t>(below(std::uint64_t{365} * 86'400'000))};
    REQUIRE(check(s).empty());
    const auto result = load_text(print(s));
    CAPTURE(render(result.problems));
    REQUIRE(result.problems.empty());
    REQUIRE(result.value == s);
  }
}

TEST_CASE("a printed file stays one comment or one value a line, whatever a text holds", "[config][print]") {
  settings s;
  s.node.host = "x\"\n[log]\nlevel = \"off";
  const std::string text = print(s);
  CHECK(text.find("\n[log]\nlevel") == std::string::npos);
  CHECK(keys_in_doubt(load_text(text)) == std::vector<std::string>{"node.host"});
}

}  // namespace aicache::print_test
