#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

using aicache::test::program;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds patience{60};

struct folder {
  folder() {
    std::string name = (std::filesystem::temp_directory_path() / "aicache-load-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~folder() { std::filesystem::remove_all(path); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  std::string at(const std::string& name) const { return (path / name).string(); }
  std::string with(const std::string& name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return at(name);
  }
  std::filesystem::path path;
};

/// What one run of aicache-load gave.
struct loaded {
  int code = -1;
  std::string text;
  std::string errors;
  json report;
};

loaded load(const folder& f, std::vector<std::string> arguments) {
  const std::string report = f.at("report.json");
  std::filesystem::remove(report);
  arguments.insert(arguments.begin(), AICACHE_BINARY_DIR "/aicache-load");
  arguments.insert(arguments.end(), {"--json", report});
  program p(arguments);
  loaded l;
  l.code = p.end(patience).value_or(-1);
  l.text = p.rest();
  l.errors = p.errors();
  std::ifstream file(report);
  l.report = json::parse(file, nullptr, false);
  return l;
}

std::uint64_t number(const json& j, const char* name) { return j.value(name, std::uint64_t{0}); }

// Each request was counted once, in all and by operation.
void check_sums(const json& j) {
  CHECK(number(j, "hits") + number(j, "misses") + number(j, "errors") == number(j, "requests"));
  CHECK(number(j, "hits_hot") + number(j, "hits_warm") + number(j, "hits_shared") + number(j, "hits_parked") ==
        number(j, "hits"));
  for (const char* name : {"requests", "hits", "misses", "errors", "wrong", "tokens_saved"}) {
    std::uint64_t sum = 0;
    for (const json& o : j.at("operations")) sum += number(o, name);
    CHECK(sum == number(j, name));
  }
  const json& us = j.at("latency_us");
  CHECK(us.at("p50").get<double>() > 0);
  CHECK(us.at("p50").get<double>() <= us.at("p99").get<double>());
}

// 40 usable lines that are 36 distinct requests, each in a way of its own, and 8 that are not usable.
std::string odd_workload() {
  std::string all;
  for (int i = 0; i < 30; ++i) all += R"({"operation": "qa", "text": "question number )" + std::to_string(i) + "\"}\n";
  all += R"({"operation": "qa", "text": "question number 0", "tenant": "other"})"
         "\n";
  all += R"({"operation": "qa", "text": "question number 0", "model": "other"})"
         "\n";
  all += R"({"operation": "no such thing", "text": "question number 0"})"
         "\n";
  all += R"({"operation": "qa", "text": "question number 0", "question": "why?"})"
         "\n";
  // One request in three spellings, and two more lines that repeat others.
  all += R"({"operation": "qa", "text": "spelt", "options": {"a": 1, "b": [2.0, {"c": null}]}})"
         "\n";
  all += R"({"operation": "qa", "text": "spelt", "options": {"b": [2, {"c": null}], "a": 1.0}})"
         "\n";
  all += R"({"options": {"b": [2,{"c":null}], "a": 1e0}, "text": "spelt", "operation": "qa"})"
         "\n";
  all += R"({"operation": "qa", "key": "question number 1", "category": "passed over"})"
         "\n";
  all += R"({"operation": "qa", "text": "question number 2", "input_tokens": 7, "output_tokens": 9})"
         "\n";
  all += R"({"operation": "qa", "text": "\u0000 \ud83d\ude00 \r\n"})"
         "\n\n";
  all += "{\"operation\": \"qa\", \"text\": \"\xff\xfe not UTF-8\"}\n";
  all += R"({"operation": "qa", "text": ""})"
         "\n";
  all += R"({"text": "no operation"})"
         "\n";
  all += R"({"operation": "qa", "text": 5})"
         "\n";
  all += R"({"operation": "qa", "text": "x", "options": [1]})"
         "\n";
  all += R"({"operation": "qa", "text": "x", "output_tokens": -1})"
         "\n";
  all += "[]\n";
  all += R"({"operation": "qa", "text": "broken off)";
  return all;
}

}  // namespace

TEST_CASE("a load leaves malformed lines out, says why, and gets every other answer right", "[system][load]") {
  const folder f;
  const std::string workload = f.with("odd.jsonl", odd_workload());
  for (const char* leases : {"--leases", "--no-leases"}) {
    const loaded l = load(f, {"--in-process", "--workload", workload, "--requests", "4000", "--batch", "16",
                              "--popularity", "sequential", leases});
    INFO(l.errors);
    CHECK(l.code == 0);
    REQUIRE(l.report.is_object());
    check_sums(l.report);
    CHECK(number(l.report, "lines") == 40);
    CHECK(number(l.report, "malformed_lines") == 8);
    CHECK(number(l.report, "requests") == 4000);
    CHECK(number(l.report, "errors") == 0);
    CHECK(number(l.report, "wrong") == 0);
    CHECK(number(l.report, "bytes_charged") > 0);
    CHECK(number(l.report, "bytes_charged") <= number(l.report, "bytes_budget"));
    if (std::string(leases) == "--leases") CHECK(number(l.report, "misses") == 36);
    CHECK(l.errors.find("line 42: not JSON in UTF-8") != std::string::npos);
    CHECK(l.errors.find("line 43: no text") != std::string::npos);
    CHECK(l.errors.find("line 44: no operation") != std::string::npos);
    CHECK(l.errors.find("line 45: text is not a string") != std::string::npos);
    CHECK(l.errors.find("line 46: options is not an object") != std::string::npos);
    CHECK(l.errors.find("line 47") == std::string::npos);
    CHECK(l.errors.find("3 more malformed lines") != std::string::npos);
    CHECK(l.text.find("no such thing") != std::string::npos);
  }
}

TEST_CASE("a load ends with exit code 3 when the cache refuses requests, and counts them", "[system][load]") {
  const folder f;
  std::string workload = R"({"operation": "qa", "text": "small"})"
                         "\n";
  workload +=
      R"({"operation": "qa", "text": "huge options", "options": {"x": ")" + std::string(100'000, 'x') + "\"}}\n";
  const loaded l = load(f, {"--in-process", "--workload", f.with("huge.jsonl", workload), "--requests", "100",
                            "--batch", "10", "--popularity", "sequential"});
  CHECK(l.code == 3);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "requests") == 100);
  CHECK(number(l.report, "errors") == 50);
  CHECK(number(l.report.at("errors_by_code"), "too_large") == 50);
  CHECK(number(l.report, "wrong") == 0);
}

TEST_CASE("a load ends with exit code 3 when the cache gives one request the answer of another", "[system][load]") {
  // To this node the two are one question, to the simulated model they are not.
  const folder f;
  std::string workload = R"({"operation": "qa", "text": "why?"})"
                         "\n";
  workload += R"({"operation": "qa", "text": "why?  "})"
              "\n";
  const loaded l =
      load(f, {"--in-process", "--workload", f.with("blanks.jsonl", workload), "--requests", "10", "--batch", "1",
               "--popularity", "sequential", "--concurrency", "1", "--set", "identity.trailing_blanks=true"});
  CHECK(l.code == 3);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "misses") == 1);
  CHECK(number(l.report, "wrong") == 5);
}

TEST_CASE("a load without a usable line, file, node or argument says so and asks nothing", "[system][load]") {
  const folder f;
  const loaded nothing = load(f, {"--in-process", "--workload", f.with("bad.jsonl", "[]\nx\n")});
  CHECK(nothing.code == 1);
  CHECK(nothing.errors.find("no usable line") != std::string::npos);
  CHECK(nothing.errors.find("line 1: not a JSON object") != std::string::npos);
  CHECK(nothing.errors.find("line 2: not JSON") != std::string::npos);
  const loaded away = load(f, {"--in-process", "--workload", f.at("not there")});
  CHECK(away.code == 1);
  CHECK(away.errors.find("not there") != std::string::npos);
  const loaded cut = load(f, {"--in-process", "--workload", f.with("cut.zst", std::string("\x28\xb5\x2f\xfd\x04", 5))});
  CHECK(cut.code == 1);
  CHECK(cut.errors.find("breaks off") != std::string::npos);
  const loaded nobody = load(f, {"--node", "127.0.0.1:1"});
  CHECK(nobody.code == 1);
  CHECK(nobody.errors.find("no node at 127.0.0.1:1") != std::string::npos);
  CHECK(load(f, {"--node", "here"}).code == 1);
  CHECK(load(f, {}).code == 2);
  CHECK(load(f, {"--in-process", "--popularity", "zipf:steep"}).code == 2);
  CHECK(load(f, {"--in-process", "--set", "memory.budgte=1MiB"}).code == 2);
  CHECK(load(f, {"--node", "127.0.0.1:1", "--set", "memory.budget=1MiB"}).code == 2);
}

TEST_CASE("concurrent loops compute each missing answer once, however long it takes", "[system][load]") {
  const folder f;
  std::string workload;
  for (int i = 0; i < 20; ++i) workload += R"({"operation": "qa", "text": "slow )" + std::to_string(i) + "\"}\n";
  const loaded l =
      load(f, {"--in-process", "--workload", f.with("slow.jsonl", workload), "--requests", "640", "--batch", "20",
               "--concurrency", "16", "--compute-ms", "100", "--popularity", "sequential"});
  CHECK(l.code == 0);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "misses") == 20);
  CHECK(number(l.report, "computed") == 20);
  CHECK(number(l.report, "hits") == 620);
  CHECK(number(l.report, "wrong") == 0);
}

TEST_CASE("a cache far too small for a load still answers rightly and keeps its budget", "[system][load]") {
  const folder f;
  const loaded l = load(f, {"--in-process", "--requests", "20000", "--set", "memory.budget=2MiB"});
  CHECK(l.code == 0);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "errors") == 0);
  CHECK(number(l.report, "wrong") == 0);
  CHECK(number(l.report, "bytes_charged") <= std::uint64_t{2} << 20);
  CHECK(number(l.report, "bytes_budget") <= std::uint64_t{2} << 20);
}

TEST_CASE("a load over the network finds what an earlier load left there", "[system][load]") {
  program node({AICACHE_BINARY_DIR "/aicached", "--set", "node.port=0"});
  const auto ready = node.line(patience);
  REQUIRE(ready);
  const std::string prefix = "ready caf=";
  REQUIRE(ready->starts_with(prefix));
  const std::string address = ready->substr(prefix.size(), ready->find(' ', prefix.size()) - prefix.size());
  const folder f;
  const std::string workload = f.with("odd.jsonl", odd_workload());
  const std::vector<std::string> asked = {"--node", address,   "--workload", workload,       "--requests",
                                          "2000",   "--batch", "64",         "--popularity", "sequential"};
  const loaded first = load(f, asked);
  INFO(first.errors);
  CHECK(first.code == 0);
  REQUIRE(first.report.is_object());
  check_sums(first.report);
  CHECK(number(first.report, "misses") == 36);
  CHECK(number(first.report, "wrong") == 0);
  const loaded second = load(f, asked);
  CHECK(second.code == 0);
  REQUIRE(second.report.is_object());
  check_sums(second.report);
  CHECK(number(second.report, "hits") == 2000);
  CHECK(number(second.report, "wrong") == 0);
  node.signal(SIGTERM);
  CHECK(node.end(patience) == 0);
}

TEST_CASE("a replay of a short trace gives the miss ratios that can be counted by hand", "[system][replay]") {
  const folder f;
  std::string trace;
  for (int turn = 0; turn < 10; ++turn)
    for (std::uint64_t key = 0; key < 8; ++key) trace.append(reinterpret_cast<const char*>(&key), sizeof key);
  program all({AICACHE_BINARY_DIR "/aicache-replay", "--trace", f.with("eight.u64", trace), "--entries", "100",
               "--entries", "4000", "--shards", "4"});
  CHECK(all.end(patience) == 0);
  CHECK(all.rest() == "trace,size_entries,miss_ratio\neight,100,0.100000\neight,4000,0.100000\n");
  program cut({AICACHE_BINARY_DIR "/aicache-replay", "--trace", f.with("cut.u64", trace.substr(1)), "--entries", "1"});
  CHECK(cut.end(patience) == 1);
  CHECK(cut.errors().find("within a key") != std::string::npos);
}
