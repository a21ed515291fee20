#include "engine/legacy/legacy_key.hpp"
#include "tests/support/aicachectl_run.hpp"
#include "tests/support/aicached_process.hpp"
#include "tests/support/legacy_values.hpp"
#include "tests/support/tls_certificates.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include <filesystem>
#include <map>
#include <memory>

namespace aicache::aicachectl_migrate_test {
namespace {

using test::aicachectl;
using test::command_result;
using words = std::vector<std::string>;

constexpr legacy_key_options last{};
constexpr legacy_key_options middle{1000, legacy_digest::sha256, question_place::apart};

std::string hex_of(const std::string& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

/// The Redis of a Python cache, and the requests that its answers were made for.
struct python_redis {
  explicit python_redis(words more = {}) : server(std::move(more)) {}

  /// Keeps any bytes, for so long; 0 for ever.
  void keep(const std::string& key, const std::string& value, int seconds = 600, words how = {}) const {
    const std::string script =
        "local v = ARGV[1]:gsub('..', function(h) return string.char(tonumber(h, 16)) end) "
        "redis.call('SET', KEYS[1], v) "
        "if ARGV[2] ~= '0' then redis.call('EXPIRE', KEYS[1], ARGV[2]) end return 'kept'";
    REQUIRE(server.ask({"EVAL", script, "1", key, hex_of(value), std::to_string(seconds)}, std::move(how)) == "kept");
  }
  void keep(const request& r, const std::string& value, int seconds = 600, const legacy_key_options& o = last) const {
    const auto key = legacy_key(r, o);
    REQUIRE(key);
    keep(*key, value, seconds);
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(server.port()); }

  test::redis_server server;
};

request asks(const std::string& text, const std::string& options = "", const std::string& operation = "qa") {
  return {"acme", "m-1", operation, text, options, ""};
}

std::string line_of(const request& r) {
  nlohmann::json line{{"operation", r.operation}, {"text", r.text}};
  if (!r.options.empty()) line["options"] = nlohmann::json::parse(r.options);
  return line.dump() + '\n';
}

/// Requests in a file, and a place for a state.
struct migration_files {
  std::string with(const std::string& name, const std::string& text) const {
    std::ofstream(folder.path() / name, std::ios::binary) << text;
    return (folder.path() / name).string();
  }
  std::string at(const std::string& name) const { return (folder.path() / name).string(); }
  test::scratch_folder folder{};
};

words migrate(const std::string& from, const std::string& node, words more) {
  words all{"migrate", "--from", from, "--tenant", "acme", "--model", "m-1", "--json"};
  if (!node.empty()) all.insert(all.end(), {"--node", node});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

command_result ask_node(const test::aicached_process& node, const std::string& verb, const request& r) {
  return aicachectl({verb, "--node", node.address(), "--tenant", r.tenant, "--model", r.model, "--operation",
                     r.operation, "--text", r.text, "--options", r.options, "--question", r.question});
}

/// The counts of a summary, by name; what was left out by its reason.
std::map<std::string, std::string> counts_of(const command_result& r) {
  const auto page = r.json();
  CAPTURE(r.out, r.errors);
  REQUIRE(page.is_object());
  std::map<std::string, std::string> all;
  for (const auto& [name, value] : page.items())
    if (value.is_string()) all[name] = value;
  for (const auto& row : page.at("left_out")) all[row.at("because")] = row.at("count");
  return all;
}

using counts = std::map<std::string, std::string>;

/// Some containers give out no pseudo-terminals.
bool has_terminals() {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) return false;
  const char* name = grantpt(master) == 0 && unlockpt(master) == 0 ? ptsname(master) : nullptr;
  const bool has = name != nullptr && access(name, R_OK | W_OK) == 0;
  close(master);
  return has;
}

}  // namespace

TEST_CASE("answers move by their requests, with what is left of their lives", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  const migration_files files;
  const request bare = asks("what is it?", R"({"max_tokens": 150})");
  const request hashed = asks(std::string(2000, 'x'));
  const request endless = asks("for ever");
  from.keep(bare, R"(rawj:{"b":1,"a":"é"})", 300);
  from.keep(hashed, R"({"_serialized_data": "rawj:{\"c\":2}"})");
  from.keep(endless, "rawj:{}", 0);
  const std::string requests =
      files.with("requests.jsonl", line_of(bare) + line_of(hashed) + line_of(endless) + line_of(asks("never asked")));
  const auto r = aicachectl(migrate(from.url(), node.address(), {"--requests", requests}));
  CHECK(r.code == 0);
  CHECK(r.errors.empty());
  CHECK(counts_of(r) ==
        counts{{"asked", "4"}, {"found", "3"}, {"imported", "3"}, {"not_found", "1"}, {"expired", "0"}});
  CHECK(ask_node(node, "get", bare).out == R"({"b":1,"a":"é"})");
  CHECK(ask_node(node, "get", hashed).out == R"({"c":2})");
  CHECK(ask_node(node, "get", endless).out == "{}");
  CHECK(ask_node(node, "get", asks("never asked")).code == 1);
  const std::string left = ask_node(node, "ttl", bare).out;
  const std::string digits = left.substr(left.find("left_ms: ") + 9);
  CHECK(std::stoll(digits) <= 300'000);
  CHECK(std::stoll(digits) > 200'000);
  // Another tenant, and other options, get nothing of it.
  request other = bare;
  other.tenant = "evil";
  CHECK(ask_node(node, "get", other).code == 1);
  CHECK(ask_node(node, "get", asks("what is it?", R"({"max_tokens": 151})")).code == 1);
  // It has only been read.
  CHECK(from.server.ask({"DBSIZE"}) == "3");
}

TEST_CASE("pickles of older generations move, and what would run does not", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  const migration_files files;
  // The vectors were noted to be about texts of these lengths.
  const request packed = asks(std::string(1234, 'x'), "", "summarize");
  const request first = asks("nine char", "", "sentiment");
  const request liar = asks(std::string(1235, 'x'), "", "summarize");
  const request other_operation = asks(std::string(1234, 'y'), "", "qa");
  const request unsafe = asks("unsafe");
  const request list = asks("a list");
  from.keep(packed, "compressed:" + test::legacy::packed, 600, middle);
  from.keep(first, "raw:" + test::legacy::pickled_first, 600, middle);
  from.keep(liar, "compressed:" + test::legacy::packed, 600, middle);
  from.keep(other_operation, "raw:" + test::legacy::pickled, 600, middle);
  from.keep(unsafe, "raw:cos\nsystem\n(S'touch secret'\ntR.", 600, middle);
  from.keep(asks("nonsense"), "secret nonsense", 600, middle);
  from.keep(asks("empty"), "", 600, middle);
  from.server.ask({"LPUSH", *legacy_key(list, middle), "secret"});
  std::string lines = "secret nonsense\n\n";
  for (const request& r :
       {packed, first, liar, other_operation, unsafe, asks("nonsense"), asks("empty"), list, asks("missing")})
    lines += line_of(r);
  const auto r = aicachectl(migrate(from.url(), node.address(),
                                    {"--generation", "middle", "--requests", files.with("requests.jsonl", lines)}));
  CHECK(r.code == 1);
  CHECK((r.out + r.errors).find("secret") == std::string::npos);
  CHECK(counts_of(r) == counts{{"asked", "10"},
                               {"found", "8"},
                               {"imported", "2"},
                               {"not_found", "1"},
                               {"expired", "0"},
                               {"the value: unsafe_pickle", "1"},
                               {"the value: unknown_form", "1"},
                               {"the value: empty", "1"},
                               {"no value of a cache lies there", "1"},
                               {"the answer was noted to be another request's", "2"},
                               {"the line is no request", "1"}});
  CHECK(ask_node(node, "get", packed).out ==
        R"({"summary":"It's short.","score":0.5,"tags":["a","é",null,true],"n":{"deep":[1,2]}})");
  CHECK(ask_node(node, "get", first).out == R"({"result":"positive"})");
  CHECK(ask_node(node, "get", liar).code == 1);
  CHECK(ask_node(node, "get", other_operation).code == 1);
}

TEST_CASE("without requests only keys move that say all of theirs", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  std::size_t known = 0;
  for (int i = 0; i < 300; ++i) from.server.ask({"SET", "session:" + std::to_string(i), "x"});
  for (int i = 0; i < 20; ++i, ++known)
    from.keep(asks("question " + std::to_string(i)), "rawj:{\"i\":" + std::to_string(i) + "}");
  from.keep(asks("with options", R"({"a": 1})"), "rawj:{}");
  from.keep(asks("a_b"), "rawj:{}");
  from.keep(asks(std::string(2000, 'x')), "rawj:{}");
  from.keep(asks("unreadable"), "rawj:{");
  const auto dry = aicachectl(migrate(from.url(), "", {"--dry-run"}));
  CHECK(dry.code == 1);
  CHECK(counts_of(dry).at("would_import") == "20");
  const auto r = aicachectl(migrate(from.url(), node.address(), {}));
  CHECK(r.code == 1);
  CHECK(counts_of(r) == counts{{"keys", "24"},
                               {"found", "21"},
                               {"imported", "20"},
                               {"not_found", "0"},
                               {"expired", "0"},
                               {"the value: bad_json", "1"},
                               {"the key does not say what was asked", "3"}});
  CHECK(ask_node(node, "get", asks("question 7")).out == "{\"i\":7}");
  CHECK(ask_node(node, "get", asks("a_b")).code == 1);
  CHECK(ask_node(node, "get", asks("with options")).code == 1);
  const auto some = aicachectl(migrate(from.url(), node.address(), {"--match", "ai_cache:op:qa|txt:question 1*"}));
  CHECK(some.code == 0);
  CHECK(counts_of(some).at("imported") == "11");
}

TEST_CASE("a dry run judges everything and puts nothing", "[system][aicachectl]") {
  const python_redis from;
  const migration_files files;
  from.keep(asks("one"), "rawj:{}");
  from.keep(asks("two_three"), "rawj:{}");
  const words by{"--requests", files.with("r.jsonl", line_of(asks("one")) + line_of(asks("two_three")))};
  words dry = by;
  dry.push_back("--dry-run");
  // It asks no node: there is none.
  const auto r = aicachectl(migrate(from.url(), "", dry));
  CHECK(r.code == 0);
  CHECK(counts_of(r).at("would_import") == "2");
  dry.push_back("--exact-texts");
  const auto exact = aicachectl(migrate(from.url(), "", dry));
  CHECK(counts_of(exact).at("would_import") == "1");
  CHECK(counts_of(exact).at("the key may be another request's") == "1");
  dry.insert(dry.end(), {"--state", files.at("state")});
  CHECK(aicachectl(migrate(from.url(), "", dry)).code == 2);
  CHECK_FALSE(std::filesystem::exists(files.at("state")));
}

TEST_CASE("requests may be packed, come by standard input, and name what they are about", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  const migration_files files;
  std::string lines;
  for (int i = 0; i < 1000; ++i) {
    request r = asks("question " + std::to_string(i));
    if (i % 100 == 0) from.keep(r, "rawj:{\"i\":" + std::to_string(i) + "}");
    lines += R"({"tenant": "umbrella", "model": "m-2", "seen_at": 5, )" + line_of(r).substr(1);
  }
  const std::string plain = files.with("requests.jsonl", lines);
  test::program zstd({"/usr/bin/zstd", "-q", plain});
  REQUIRE(zstd.end(std::chrono::seconds{20}) == 0);
  const auto r = aicachectl(migrate(from.url(), node.address(), {"--requests", plain + ".zst"}));
  CHECK(r.code == 0);
  CHECK(counts_of(r).at("asked") == "1000");
  CHECK(counts_of(r).at("imported") == "10");
  CHECK(ask_node(node, "get", {"umbrella", "m-2", "qa", "question 300", "", ""}).out == "{\"i\":300}");
  CHECK(ask_node(node, "get", asks("question 300")).code == 1);
  const auto piped = aicachectl(migrate(from.url(), node.address(), {"--requests", "-"}), lines);
  CHECK(counts_of(piped).at("imported") == "10");
  const auto cut = files.with("cut.zst", std::string("\x28\xb5\x2f\xfd\x24", 5));
  CHECK(aicachectl(migrate(from.url(), node.address(), {"--requests", cut})).code == 1);
  CHECK(aicachectl(migrate(from.url(), node.address(), {"--requests", files.at("none")})).code == 2);
}

TEST_CASE("a migration that was killed goes on where it was, and counts everything once", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  const migration_files files;
  const int count = 400;
  std::string lines;
  for (int i = 0; i < count; ++i) {
    const request r = asks("question " + std::to_string(i));
    if (i % 2 == 0) from.keep(r, "rawj:{\"i\":" + std::to_string(i) + "}");
    lines += line_of(r);
  }
  const std::string state = files.at("state.json");
  words slow = migrate(from.url(), node.address(),
                       {"--requests", files.with("r.jsonl", lines), "--state", state, "--rate", "100"});
  const auto line_of_state = [&] {
    std::ifstream in(state);
    const auto told = nlohmann::json::parse(in, nullptr, false);
    return told.is_object() ? told.at("line").get<int>() : 0;
  };
  {
    words command = slow;
    command.insert(command.begin(), AICACHE_BINARY_DIR "/aicachectl");
    test::program run(command);
    REQUIRE(test::eventually([&] { return line_of_state() > 0; }));
    run.signal(SIGKILL);
    REQUIRE(run.end(std::chrono::seconds{10}) == 128 + SIGKILL);
  }
  const int settled = line_of_state();
  CHECK(settled > 0);
  CHECK(settled < count);
  slow.resize(slow.size() - 2);  // as fast as it goes
  const auto r = aicachectl(slow);
  CHECK(r.code == 0);
  auto told = counts_of(r);
  CHECK(told.at("settled_before") == std::to_string(settled));
  CHECK(told.at("asked") == std::to_string(count));
  CHECK(told.at("imported") == std::to_string(count / 2));
  CHECK(told.at("not_found") == std::to_string(count / 2));
  for (const int i : {0, settled - settled % 2, count - 2})
    CHECK(ask_node(node, "get", asks("question " + std::to_string(i))).out == "{\"i\":" + std::to_string(i) + "}");
  // Nothing is left to do.
  CHECK(counts_of(aicachectl(slow)).at("asked") == std::to_string(count));
  // A state says what it belongs to.
  for (std::string& word : slow)
    if (word == "acme") word = "umbrella";
  CHECK(aicachectl(slow).code == 2);
  files.with("state.json", "{\"version\": 1}");
  CHECK(aicachectl(slow).code == 2);
}

TEST_CASE("a migration whose node or Redis dies ends with what was settled, and can go on", "[system][aicachectl]") {
  auto from = std::make_unique<python_redis>();
  auto node = std::make_unique<test::aicached_process>(words{});
  const migration_files files;
  const int count = 300;
  std::string lines;
  for (int i = 0; i < count; ++i) lines += line_of(asks("question " + std::to_string(i)));
  for (int i = 0; i < count; i += 3) from->keep(asks("question " + std::to_string(i)), "rawj:{}");
  const std::string state = files.at("state.json");
  const words more{"--requests", files.with("r.jsonl", lines), "--state", state};
  words slow = migrate(from->url(), node->address(), more);
  slow.insert(slow.begin(), AICACHE_BINARY_DIR "/aicachectl");
  slow.insert(slow.end(), {"--rate", "100"});
  const auto state_now = [&] {
    std::ifstream in(state);
    return nlohmann::json::parse(in, nullptr, false);
  };
  test::program run(slow);
  REQUIRE(test::eventually([&] { return state_now().is_object(); }));
  const bool is_node = GENERATE(true, false);
  if (is_node) {
    node->signal(SIGKILL);
  } else {
    from->server.kill();
  }
  REQUIRE(run.end(std::chrono::seconds{20}) == 3);
  const auto told = nlohmann::json::parse(run.rest(), nullptr, false);
  REQUIRE(told.is_object());
  CHECK(told.contains("error"));
  const auto stands = state_now();
  CHECK(told.at("asked") == std::to_string(stands.at("line").get<int>()));
  CHECK(told.at("imported") == std::to_string(stands.at("imported").get<int>()));
  CHECK(stands.at("line").get<int>() < count);
  if (!is_node) return;
  const test::aicached_process next({});
  const auto r = aicachectl(migrate(from->url(), next.address(), more));
  CHECK(r.code == 0);
  CHECK(counts_of(r).at("asked") == std::to_string(count));
  CHECK(counts_of(r).at("imported") == std::to_string(count / 3));
}

TEST_CASE("a walk through all keys keeps a state as well", "[system][aicachectl]") {
  const python_redis from;
  const test::aicached_process node({});
  const migration_files files;
  for (int i = 0; i < 50; ++i) from.keep(asks("question " + std::to_string(i)), "rawj:{}");
  const words command = migrate(from.url(), node.address(), {"--state", files.at("state.json")});
  CHECK(counts_of(aicachectl(command)).at("imported") == "50");
  from.keep(asks("too late"), "rawj:{}");
  const auto again = counts_of(aicachectl(command));
  CHECK(again.at("imported") == "50");
  CHECK(again.at("settled_before") == "50");
}

TEST_CASE("the pace of a migration is kept", "[system][aicachectl]") {
  const python_redis from;
  const migration_files files;
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += line_of(asks("question " + std::to_string(i)));
  const auto begun = std::chrono::steady_clock::now();
  const auto r =
      aicachectl(migrate(from.url(), "", {"--dry-run", "--rate", "100", "--requests", files.with("r.jsonl", lines)}));
  CHECK(r.code == 0);
  CHECK(counts_of(r).at("asked") == "60");
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds{590});
}

TEST_CASE("a Redis or a node that cannot be used is told, without any secret", "[system][aicachectl]") {
  const python_redis from({"--requirepass", "hunter2"});
  from.keep("ai_cache:op:qa|txt:one", "rawj:{}", 600, {"-a", "hunter2", "--no-auth-warning"});
  const migration_files files;
  const std::string port = std::to_string(from.server.port());
  const words dry{"--dry-run", "--requests", files.with("r.jsonl", line_of(asks("one")))};
  const auto right = aicachectl(migrate("redis://:hunter2@127.0.0.1:" + port, "", dry));
  CHECK(right.code == 0);
  CHECK(counts_of(right).at("would_import") == "1");
  const auto run = [&](const std::string& url, int code) {
    const auto r = aicachectl(migrate(url, "", dry));
    CAPTURE(url, r.out, r.errors);
    CHECK(r.code == code);
    CHECK(r.json().contains("error"));
    CHECK((r.out + r.errors).find("hunter") == std::string::npos);
    return r.json().at("error").get<std::string>();
  };
  CHECK(run("redis://127.0.0.1:" + port, 3).find("NOAUTH") != std::string::npos);
  CHECK(run("redis://:hunter3@127.0.0.1:" + port, 3).find("WRONGPASS") != std::string::npos);
  run("redis://:hunter2@127.0.0.1:" + std::to_string(test::free_port()), 3);
  run("http://hunter2", 2);
  CHECK(aicachectl({"migrate"}).code == 2);
  CHECK(aicachectl({"migrate", "--dry-run"}, "", {"AICACHECTL_FROM=redis://:hunter2@127.0.0.1:" + port}).code == 0);
  // The node is gone: nothing is counted that it has not taken.
  const auto r = aicachectl(migrate("redis://:hunter2@127.0.0.1:" + port,
                                    "127.0.0.1:" + std::to_string(test::free_port()), {dry[1], dry[2]}));
  CHECK(r.code == 3);
}

TEST_CASE("a Redis is read over a unix socket and over TLS, whose certificate must be right", "[system][aicachectl]") {
  const test::tls_certificates made;
  const std::uint16_t tls_port = test::free_port();
  const python_redis from(made.server_words("good", tls_port));
  const migration_files files;
  from.keep(asks("one"), "rawj:{}");
  const words dry{"--dry-run", "--requests", files.with("r.jsonl", line_of(asks("one")))};
  CHECK(counts_of(aicachectl(migrate("unix://" + from.server.socket(), "", dry))).at("would_import") == "1");
  const std::string url = "rediss://localhost:" + std::to_string(tls_port);
  words trusting = dry;
  trusting.insert(trusting.end(), {"--ca-file", made.at("ca.pem")});
  CHECK(counts_of(aicachectl(migrate(url, "", trusting))).at("would_import") == "1");
  trusting.back() = made.at("stranger.pem");
  CHECK(aicachectl(migrate(url, "", trusting)).code == 3);
  trusting.back() = made.at("none.pem");
  CHECK(aicachectl(migrate(url, "", trusting)).code == 2);
}

TEST_CASE("a terminal sees how far a migration is; others see the summary alone", "[system][aicachectl]") {
  const python_redis from;
  const migration_files files;
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += line_of(asks("question " + std::to_string(i)));
  const std::string requests = files.with("r.jsonl", lines);
  const std::string command =
      AICACHE_BINARY_DIR "/aicachectl migrate --dry-run --from " + from.url() + " --rate 200 --requests " + requests;
  if (has_terminals()) {
    test::program terminal({"/usr/bin/script", "-qec", command, "/dev/null"}, {"PATH=/usr/bin:/bin", "TERM=xterm"});
    REQUIRE(terminal.end(std::chrono::seconds{20}) == 0);
    CAPTURE(terminal.rest());
    CHECK(terminal.rest().find("] 20 asked, 0 imported") != std::string::npos);
    CHECK(terminal.rest().find("asked: 100") != std::string::npos);
  } else {
    WARN("this machine gives out no terminals: what one sees was not looked at");
  }
  const auto r = aicachectl({"migrate", "--dry-run", "--from", from.url(), "--requests", requests});
  CHECK(r.code == 0);
  CHECK(r.errors.empty());
  CHECK(r.out == "asked: 100\nfound: 0\nwould_import: 0\nnot_found: 100\nexpired: 0\n");
}

}  // namespace aicache::aicachectl_migrate_test
