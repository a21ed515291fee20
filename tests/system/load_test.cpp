#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/support/load_run.hpp"
#include "tests/support/python_script.hpp"

using aicache::test::load;
using aicache::test::loaded;
using aicache::test::program;
using nlohmann::json;

namespace {

constexpr std::chrono::seconds load_time{60};

struct input_folder {
  std::string at(const std::string& name) const { return (scratch.path() / name).string(); }
  std::string with(const std::string& name, const std::string& text) const {
    std::ofstream(at(name), std::ios::binary) << text;
    return at(name);
  }
  aicache::test::scratch_folder scratch;
};

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
  const input_folder f;
  const std::string workload = f.with("odd.jsonl", odd_workload());
  for (const char* leases : {"--leases", "--no-leases"}) {
    const loaded l = load({"--in-process", "--workload", workload, "--requests", "4000", "--batch", "16",
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
  const input_folder f;
  std::string workload = R"({"operation": "qa", "text": "small"})"
                         "\n";
  workload +=
      R"({"operation": "qa", "text": "huge options", "options": {"x": ")" + std::string(100'000, 'x') + "\"}}\n";
  const loaded l = load({"--in-process", "--workload", f.with("huge.jsonl", workload), "--requests", "100", "--batch",
                         "10", "--popularity", "sequential"});
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
  const input_folder f;
  std::string workload = R"({"operation": "qa", "text": "why?"})"
                         "\n";
  workload += R"({"operation": "qa", "text": "why?  "})"
              "\n";
  const loaded l =
      load({"--in-process", "--workload", f.with("blanks.jsonl", workload), "--requests", "10", "--batch", "1",
            "--popularity", "sequential", "--concurrency", "1", "--set", "identity.trailing_blanks=true"});
  CHECK(l.code == 3);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "misses") == 1);
  CHECK(number(l.report, "wrong") == 5);
}

TEST_CASE("a load that checks nothing says so instead of claiming that nothing was wrong", "[system][load]") {
  const loaded l = load({"--in-process", "--requests", "2000", "--no-check"});
  CHECK(l.code == 0);
  CHECK(l.number("hits") > 0);
  REQUIRE(l.report.is_object());
  CHECK(l.report.at("wrong").is_null());
  CHECK(l.text.find("unchecked") != std::string::npos);
}

TEST_CASE("a load without a usable line, file, node or argument says so and asks nothing", "[system][load]") {
  const input_folder f;
  const loaded nothing = load({"--in-process", "--workload", f.with("bad.jsonl", "[]\nx\n")});
  CHECK(nothing.code == 1);
  CHECK(nothing.errors.find("no usable line") != std::string::npos);
  CHECK(nothing.errors.find("line 1: not a JSON object") != std::string::npos);
  CHECK(nothing.errors.find("line 2: not JSON") != std::string::npos);
  const loaded away = load({"--in-process", "--workload", f.at("not there")});
  CHECK(away.code == 1);
  CHECK(away.errors.find("not there") != std::string::npos);
  const loaded cut = load({"--in-process", "--workload", f.with("cut.zst", std::string("\x28\xb5\x2f\xfd\x04", 5))});
  CHECK(cut.code == 1);
  CHECK(cut.errors.find("breaks off") != std::string::npos);
  const loaded nobody = load({"--node", "127.0.0.1:1"});
  CHECK(nobody.code == 1);
  CHECK(nobody.errors.find("no node at 127.0.0.1:1") != std::string::npos);
  CHECK(load({"--node", "here"}).code == 1);
  CHECK(load({}).code == 2);
  CHECK(load({"--in-process", "--popularity", "zipf:steep"}).code == 2);
  CHECK(load({"--in-process", "--set", "memory.budgte=1MiB"}).code == 2);
  CHECK(load({"--node", "127.0.0.1:1", "--set", "memory.budget=1MiB"}).code == 2);
}

TEST_CASE("concurrent loops compute each missing answer once, however long it takes", "[system][load]") {
  const input_folder f;
  std::string workload;
  for (int i = 0; i < 20; ++i) workload += R"({"operation": "qa", "text": "slow )" + std::to_string(i) + "\"}\n";
  const loaded l = load({"--in-process", "--workload", f.with("slow.jsonl", workload), "--requests", "640", "--batch",
                         "20", "--concurrency", "16", "--compute-ms", "100", "--popularity", "sequential"});
  CHECK(l.code == 0);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "misses") == 20);
  CHECK(number(l.report, "computed") == 20);
  CHECK(number(l.report, "hits") == 620);
  CHECK(number(l.report, "wrong") == 0);
}

TEST_CASE("a cache far too small for a load still answers rightly and keeps its budget", "[system][load]") {
  const loaded l = load({"--in-process", "--requests", "20000", "--set", "memory.budget=2MiB"});
  CHECK(l.code == 0);
  REQUIRE(l.report.is_object());
  check_sums(l.report);
  CHECK(number(l.report, "errors") == 0);
  CHECK(number(l.report, "wrong") == 0);
  CHECK(number(l.report, "bytes_charged") <= std::uint64_t{2} << 20);
  CHECK(number(l.report, "bytes_budget") <= std::uint64_t{2} << 20);
}

TEST_CASE("a load that fills first measures hits alone, and tells how long misses take apart", "[system][load]") {
  const input_folder f;
  const std::string mark = f.at("filled");
  const loaded hits = load({"--in-process", "--requests", "20000", "--fill", "--after-fill", "touch " + mark});
  CHECK(hits.code == 0);
  REQUIRE(hits.report.is_object());
  check_sums(hits.report);
  CHECK(std::filesystem::exists(mark));
  CHECK(number(hits.report, "hits") == 20000);
  CHECK(number(hits.report.at("fill"), "requests") == number(hits.report, "lines"));
  CHECK(number(hits.report.at("fill"), "wrong") == 0);
  CHECK(hits.report.at("miss_latency_us").at("max") == 0.0);
  const loaded misses = load({"--in-process", "--requests", "1000", "--batch", "1", "--popularity", "sequential"});
  CHECK(misses.code == 0);
  REQUIRE(misses.report.is_object());
  CHECK(number(misses.report, "misses") == 1000);
  CHECK(misses.report.at("miss_latency_us") == misses.report.at("latency_us"));
  CHECK(misses.report.at("miss_latency_us").at("p50").get<double>() > 0);
  CHECK(load({"--in-process", "--requests", "10", "--fill", "--after-fill", "false"}).code == 1);
}

TEST_CASE("a load over the network finds what an earlier load left there", "[system][load]") {
  program node({AICACHE_BINARY_DIR "/aicached", "--set", "node.port=0", "--set", "http.enabled=false"});
  const auto ready = node.line(load_time);
  REQUIRE(ready);
  const std::string prefix = "ready caf=";
  REQUIRE(ready->starts_with(prefix));
  const std::string address = ready->substr(prefix.size(), ready->find(' ', prefix.size()) - prefix.size());
  const input_folder f;
  const std::string workload = f.with("odd.jsonl", odd_workload());
  const std::vector<std::string> asked = {"--node", address,   "--workload", workload,       "--requests",
                                          "2000",   "--batch", "64",         "--popularity", "sequential"};
  const loaded first = load(asked);
  INFO(first.errors);
  CHECK(first.code == 0);
  REQUIRE(first.report.is_object());
  check_sums(first.report);
  CHECK(number(first.report, "misses") == 36);
  CHECK(number(first.report, "wrong") == 0);
  const loaded second = load(asked);
  CHECK(second.code == 0);
  REQUIRE(second.report.is_object());
  check_sums(second.report);
  CHECK(number(second.report, "hits") == 2000);
  CHECK(number(second.report, "wrong") == 0);
  node.signal(SIGTERM);
  CHECK(node.end(load_time) == 0);
}

TEST_CASE("what a node says of a load is what the load counted itself, to the token", "[system][load]") {
  aicache::test::aicached_process node({});
  const loaded l = load({"--node", node.address(), "--requests", "30000", "--batch", "16"});
  REQUIRE(l.code == 0);
  REQUIRE(l.number("hits") > 0);
  REQUIRE(l.number("misses") > 0);
  const auto ask = [&](const char* part) {
    return aicache::test::aicachectl({"stats", part, "--node", node.address(), "--json"}).json();
  };
  REQUIRE(aicache::test::eventually([&] { return ask("summary").at("total").at("answered") == l.number("gets"); }));
  const nlohmann::json summary = ask("summary");
  const nlohmann::json ledger = ask("ledger");
  CHECK(summary.at("total").at("hits") == l.number("hits"));
  CHECK(summary.at("total").at("misses") == l.number("gets") - l.number("hits"));
  std::uint64_t by_text = 0;
  const nlohmann::json tiers = ask("tiers").at("text_tiers");
  for (const auto& [name, t] : tiers.items()) by_text += t.at("gets").get<std::uint64_t>();
  CHECK(by_text == l.number("gets"));
  const auto saved = [](const nlohmann::json& e) {
    return e.at("input_tokens").get<std::uint64_t>() + e.at("output_tokens").get<std::uint64_t>();
  };
  CHECK(ledger.at("total").at("calls") == l.number("calls_saved"));
  CHECK(saved(ledger.at("total")) == l.number("tokens_saved"));
  for (const char* from : {"hot", "warm", "shared", "parked"})
    CHECK(ledger.at("total").at("by").at(from).at("calls") == l.number(("hits_" + std::string(from)).c_str()));
  REQUIRE(l.report.at("operations").size() > 1);
  for (const auto& o : l.report.at("operations")) {
    const std::string name = o.at("operation");
    CAPTURE(name);
    const auto& told = summary.at("operations").at(name);
    CHECK(told.at("total").at("answered") == o.at("gets"));
    CHECK(told.at("total").at("hits") == o.at("hits"));
    CHECK(ledger.at("by_operation").at(name).at("calls") == o.at("hits"));
    CHECK(saved(ledger.at("by_operation").at(name)) == o.at("tokens_saved"));
    CHECK(ledger.at("by_operation").at(name).at("model_ms") == o.at("model_ms_saved"));
  }
}

namespace {

// What a recount says of a group, against what the node says of it; a group of which nothing is saved is not told.
void check_saved(const json& recounted, const json& told) {
  for (const char* amount : {"calls", "input_tokens", "output_tokens", "model_ms"}) {
    CAPTURE(amount);
    CHECK(number(told, amount) == number(recounted, amount));
  }
}

void check_percentiles(const json& recounted, const json& told) {
  for (const char* p : {"p50", "p95", "p99", "p999", "max"}) {
    CAPTURE(p);
    CHECK(told.at(p).get<double>() == Approx(recounted.at(p).get<double>()).epsilon(0.01));
  }
}

}  // namespace

TEST_CASE("an independent recount of a load's log gives what node and load have told", "[system][load]") {
  aicache::test::aicached_process node({"memory.budget=4MiB"});
  const input_folder f;
  const std::string log = f.at("gets.jsonl");
  const loaded l = load({"--node", node.address(), "--requests", "40000", "--batch", "16", "--log", log});
  REQUIRE(l.code == 0);
  std::string errors;
  const auto lines = aicache::test::lines_of_python("tests/system/recount.py", errors, {log});
  if (!lines) return;
  INFO(errors);
  REQUIRE(lines->size() == 1);
  const json again = json::parse(lines->front());
  const auto ask = [&](const char* part) {
    return aicache::test::aicachectl({"stats", part, "--node", node.address(), "--json"}).json();
  };
  REQUIRE(number(again.at("total"), "answered") == l.number("gets"));
  REQUIRE(aicache::test::eventually([&] { return ask("summary").at("total").at("answered") == l.number("gets"); }));
  REQUIRE(again.at("others") == 0);
  REQUIRE(number(again.at("by_tier").at("hot"), "calls") > 0);
  REQUIRE(number(again.at("total"), "misses") > 1000);
  CHECK(again.at("requests") == l.number("requests"));
  const json summary = ask("summary");
  const auto check_gets = [](const json& recounted, const json& told) {
    for (const char* name : {"answered", "hits", "misses"}) CHECK(number(told, name) == number(recounted, name));
  };
  check_gets(again.at("total"), summary.at("total"));
  REQUIRE(again.at("operations").size() > 1);
  for (const auto& [name, counted] : again.at("operations").items()) {
    CAPTURE(name);
    check_gets(counted, summary.at("operations").at(name).at("total"));
  }
  const json tiers = ask("tiers").at("text_tiers");
  for (const auto& [name, counted] : again.at("text_tiers").items()) {
    CAPTURE(name);
    CHECK(number(tiers.at(name), "gets") == number(counted, "answered"));
    if (number(counted, "answered") == 0) continue;
    CHECK(tiers.at(name).at("hit_percent").get<double>() ==
          Approx(100.0 * counted.at("hits").get<double>() / counted.at("answered").get<double>()).epsilon(1e-9));
  }
  const json ledger = ask("ledger");
  check_saved(again.at("ledger").at("total"), ledger.at("total"));
  for (const auto& [from, counted] : again.at("by_tier").items()) {
    CAPTURE(from);
    check_saved(counted, ledger.at("total").at("by").at(from));
  }
  for (const char* group : {"by_tenant", "by_operation", "by_model"}) {
    CAPTURE(group);
    CHECK(again.at("ledger").at(group).size() == ledger.at(group).size());
    for (const auto& [name, counted] : again.at("ledger").at(group).items()) {
      CAPTURE(name);
      check_saved(counted, ledger.at(group).at(name));
    }
  }
  // Each get, and each put of what was computed, has made a key.
  const auto keys_made = [&] { return ask("keys").value("/key_generation/nanoseconds/count"_json_pointer, 0U); };
  CHECK(aicache::test::eventually([&] { return keys_made() == l.number("gets") + l.number("computed"); }));
  check_percentiles(again.at("latency_us"), l.report.at("latency_us"));
  check_percentiles(again.at("miss_latency_us"), l.report.at("miss_latency_us"));
}

TEST_CASE("a replay of a short trace gives the miss ratios that can be counted by hand", "[system][replay]") {
  const input_folder f;
  std::string trace;
  for (int turn = 0; turn < 10; ++turn)
    for (std::uint64_t key = 0; key < 8; ++key) trace.append(reinterpret_cast<const char*>(&key), sizeof key);
  program all({AICACHE_BINARY_DIR "/aicache-replay", "--trace", f.with("eight.u64", trace), "--entries", "100",
               "--entries", "4000", "--shards", "4"});
  CHECK(all.end(load_time) == 0);
  CHECK(all.rest() == "trace,size_entries,miss_ratio\neight,100,0.100000\neight,4000,0.100000\n");
  program cut({AICACHE_BINARY_DIR "/aicache-replay", "--trace", f.with("cut.u64", trace.substr(1)), "--entries", "1"});
  CHECK(cut.end(load_time) == 1);
  CHECK(cut.errors().find("within a key") != std::string::npos);
}
