#include <sys/resource.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/support/aicachectl_run.hpp"
#include "tests/support/load_run.hpp"
#include "tests/support/tls_certificates.hpp"
#include "tests/support/tls_talk.hpp"
#include "tests/system/shared_tier.hpp"

using namespace aicache;
using namespace aicache::test;

// Names of its own: the sources of this folder are compiled together.
namespace aicache::tls_node_test {
namespace {

// A packet of CAF's protocol that ends a process which reads it: a greeting without the name of who greets.
const std::string deadly = std::string(1, '\x01') + std::string(31, '\0');

/// A fleet's authority, and what it and others have signed.
struct fleet : tls_certificates {
  fleet() {
    issue("application", "DNS:one.applications.example", "2");
    issue("late", "DNS:one.applications.example", "-1");
    issue("foreign", "DNS:one.applications.example", "2", "stranger");
    issue("deeper", "DNS:a.one.applications.example", "2");
  }

  std::vector<std::string> settings_of_node(std::vector<std::string> more = {},
                                            const std::string& name = "good") const {
    more.insert(more.begin(), {"tls.certificate_file=" + at(name + ".pem"), "tls.key_file=" + at(name + ".key"),
                               "tls.ca_file=" + at("ca.pem"), "tls.peers=*.applications.example"});
    return more;
  }
  config::settings settings_of(const std::string& name, const std::string& authority = "ca") const {
    config::settings s;
    s.tls.certificate_file = at(name + ".pem");
    s.tls.key_file = at(name + ".key");
    s.tls.ca_file = at(authority + ".pem");
    return s;
  }
  std::vector<std::string> options_of(const std::string& name) const {
    return {"--tls-certificate-file", at(name + ".pem"), "--tls-key-file",
            at(name + ".key"),        "--tls-ca-file",   at("ca.pem")};
  }
  tls_talk::proof proof_of(const std::string& name) const { return {at(name + ".pem"), at(name + ".key")}; }
};

/// A line of /proc/PID/status, in KiB.
std::uint64_t kib_of(pid_t pid, const std::string& name) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":")) return std::stoull(line.substr(name.size() + 1));
  return 0;
}

/// Processor time that the process has used, in clock ticks of 10 ms.
std::uint64_t ticks_of(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string all;
  std::getline(in, all);
  std::istringstream rest(all.substr(all.rfind(')') + 2));
  std::string word;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  for (int i = 0; i < 11; ++i) rest >> word;
  rest >> user >> system;
  return user + system;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("with certificates a node and its applications work as in clear", "[system][tls]") {
  const fleet pki;
  aicached_process node(pki.settings_of_node());
  cache_caller caller(pki.settings_of("application"));
  const client c = caller.connect(node);
  CHECK(put_all(c, 0, 1'000) == 1'000);
  const found f = get_all(c, 0, 1'100);
  CHECK(f.hits == 1'000);
  CHECK(f.errors + f.wrong == 0);
  // Longer than all that TLS sends at once.
  const std::string large(3'000'000, 'x');
  CHECK(c.put(question(7, "large"), {large, "model-1", 1, 2, 3}) == put_result{});
  CHECK(c.get(question(7, "large")).text() == large);
  CHECK(c.invalidate({scope_kind::operation, "acme", "qa"})->in_memory == 1'000);
  CHECK(get_all(c, 0, 1'000).hits == 0);
  steady_load load({c, caller.connect(node)});
  CHECK(load.goes_on(200));
  const found steady = load.end();
  CHECK(steady.errors + steady.wrong == 0);
  // The programs by options, and by variables.
  std::vector<std::string> put{"put", "--model", "m",    "--operation", "o",           "--text",
                               "t",   "--value", "said", "--node",      node.address()};
  const auto options = pki.options_of("application");
  put.insert(put.end(), options.begin(), options.end());
  CHECK(aicachectl(put).code == 0);
  const auto got =
      aicachectl({"get", "--model", "m", "--operation", "o", "--text", "t", "--node", node.address()}, "",
                 {"AICACHE_TLS_CERTIFICATE_FILE=" + pki.at("application.pem"),
                  "AICACHE_TLS_KEY_FILE=" + pki.at("application.key"), "AICACHE_TLS_CA_FILE=" + pki.at("ca.pem")});
  CHECK(got.code == 0);
  CHECK(holds(got.out, "said"));
  std::vector<std::string> asked{"--node", node.address(), "--requests", "20000"};
  asked.insert(asked.end(), options.begin(), options.end());
  const loaded l = test::load(asked);
  CAPTURE(l.errors);
  CHECK(l.code == 0);
  CHECK(l.number("wrong") == 0);
  CHECK(node.drain() == 0);
}

TEST_CASE("a key with a pass phrase opens by its file, and without it nothing starts", "[system][tls]") {
  fleet pki;
  pki.lock_key("good", "open-sesame");
  std::ofstream(pki.at("phrase")) << "open-sesame\n";
  std::vector<std::string> how = pki.settings_of_node({"tls.key_file=" + pki.at("good.locked.key")});
  how.erase(how.begin() + 1);
  program closed(aicached_process::words(how));
  CHECK(closed.end(20s) == 2);
  CHECK(holds(closed.errors(), "tls.key_file"));
  how.push_back("tls.passphrase_file=" + pki.at("phrase"));
  aicached_process node(how);
  cache_caller caller(pki.settings_of("application"));
  CHECK(put_all(caller.connect(node), 0, 10) == 10);
  CHECK_FALSE(holds(node.log(), "sesame"));
}

TEST_CASE("half of TLS, or certificates that cannot be used, keep a node from starting, and all is told at once",
          "[system][tls]") {
  const fleet pki;
  const auto refused = [](std::vector<std::string> settings) {
    program node(aicached_process::words(std::move(settings)));
    CHECK(node.end(20s) == 2);
    return node.errors();
  };
  const std::string half = refused({"tls.peers=a.example", "node.host=0.0.0.0"});
  for (const char* key : {"tls.certificate_file", "tls.key_file", "tls.ca_file", "node.host"}) CHECK(holds(half, key));
  CHECK(holds(refused({"tls.certificate_file=" + pki.at("good.pem"), "tls.key_file=" + pki.at("good.key"),
                       "tls.ca_file=" + pki.at("ca.pem")}),
              "tls.peers"));
  const std::string wrong = refused({"tls.certificate_file=" + pki.at("good.pem"), "tls.key_file=" + pki.at("late.key"),
                                     "tls.ca_file=" + pki.at("good.ext"), "tls.peers=a"});
  CHECK(holds(wrong, "tls.key_file"));
  CHECK(holds(wrong, "tls.ca_file"));
  const std::string absent =
      refused({"tls.certificate_file=" + pki.at("nowhere.pem"), "tls.key_file=" + pki.at("nowhere.key"),
               "tls.ca_file=" + pki.at("ca.pem"), "tls.peers=a"});
  CHECK(holds(absent, "tls.certificate_file"));
  CHECK(holds(absent, "tls.key_file"));
  // The same in an application's own process.
  config::settings s = pki.settings_of("good");
  s.tls.key_file.clear();
  system_config config(s, system_config::network::on);
  caf::actor_system system{config};
  CHECK(client::connect(system, "127.0.0.1", 1).why().code == errc::invalid_argument);
  const auto front = start_node(system, {});
  REQUIRE(front);
  CHECK(publish(system, *front, "127.0.0.1", 0).why().code == errc::invalid_argument);
  stop_node(system, *front, duration{100});
}

TEST_CASE("without TLS nothing but loopback is published", "[system][tls]") {
  system_config config({}, system_config::network::on);
  caf::actor_system system{config};
  const auto front = start_node(system, {});
  REQUIRE(front);
  for (const char* host : {"0.0.0.0", "::", "", "10.0.0.1"})
    CHECK(publish(system, *front, host, 0).why().code == errc::invalid_argument);
  CHECK(publish(system, *front, "127.0.0.1", 0));
  stop_node(system, *front, duration{100});
}

TEST_CASE("who does not prove to be a peer gets nothing, and nobody else is disturbed", "[system][tls]") {
  const fleet pki;
  aicached_process node(pki.settings_of_node());
  cache_caller caller(pki.settings_of("application"));
  const client good = caller.connect(node);
  REQUIRE(put_all(good, 0, 100) == 100);
  steady_load load({good});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    // A peer is greeted by CAF without having asked for it: that is what the others must not see.
    tls_talk::proof shown = pki.proof_of("application");
    shown.newest = version;
    tls_talk peer(node.port(), shown);
    CHECK(peer.shake_hands());
    CHECK_FALSE(peer.receive().empty());
    for (const char* name : {"", "late", "foreign", "elsewhere", "deeper", "stranger"}) {
      CAPTURE(name);
      shown = *name == '\0' ? tls_talk::proof{} : pki.proof_of(name);
      shown.newest = version;
      tls_talk other(node.port(), shown);
      if (other.shake_hands()) other.send(deadly);
      CHECK(other.receive().empty());
    }
  }
  for (const int version : {TLS1_1_VERSION, TLS1_VERSION}) {
    tls_talk::proof old = pki.proof_of("application");
    old.newest = version;
    old.ciphers = "ALL:@SECLEVEL=0";
    tls_talk peer(node.port(), old);
    CHECK_FALSE(peer.shake_hands());
  }
  // What caf::openssl speaks when nobody has told it of certificates.
  tls_talk anonymous(node.port(), {"", "", TLS1_2_VERSION, "AECDH-AES256-SHA:@SECLEVEL=0"});
  CHECK_FALSE(anonymous.shake_hands());
  for (const std::string& bytes : {deadly, std::string("GET / HTTP/1.1\r\n\r\n"), std::string(1'000, '\xff')}) {
    plain_talk clear(node.port());
    CHECK(clear.send(bytes));
    const std::string said = clear.receive(2s);
    // At most an alert of TLS.
    CHECK(said.size() <= 7);
    CHECK(clear.is_ended_within(2s));
  }
  cache_caller in_clear;
  CHECK(in_clear.try_to_connect(node).why().code == errc::unavailable);
  for (const char* name : {"late", "foreign", "elsewhere", "deeper"}) {
    CAPTURE(name);
    cache_caller wrong(pki.settings_of(name));
    CHECK(wrong.try_to_connect(node).why().code == errc::unavailable);
  }
  CHECK(load.goes_on());
  const found f = load.end();
  CHECK(f.errors + f.wrong == 0);
  CHECK(get_all(good, 0, 100).hits == 100);
  CHECK(holds(node.log(), "TLS: refused connections: "));
}

TEST_CASE("an application believes a node only by its authority, its time and its name", "[system][tls]") {
  const fleet pki;
  const auto why_not = [&](const aicached_process& node, const config::settings& s, const std::string& host) {
    cache_caller caller(s);
    const auto c = caller.try_to_connect(node, host);
    return c ? std::string() : c.why().detail;
  };
  const config::settings mine = pki.settings_of("application");
  {
    const aicached_process node(pki.settings_of_node());
    CHECK(why_not(node, mine, "127.0.0.1").empty());
    CHECK(why_not(node, mine, "localhost").empty());
    CHECK(holds(why_not(node, pki.settings_of("application", "stranger"), "127.0.0.1"), "certificate"));
  }
  {
    const aicached_process node(pki.settings_of_node({}, "expired"));
    CHECK(holds(why_not(node, mine, "127.0.0.1"), "expired"));
  }
  {
    const aicached_process node(pki.settings_of_node({}, "elsewhere"));
    CHECK(holds(why_not(node, mine, "127.0.0.1"), "mismatch"));
    config::settings knows = mine;
    knows.tls.peers = "*.example";
    CHECK(why_not(node, knows, "127.0.0.1").empty());
    knows.tls.peers = "example,*.elsewhere.example";
    CHECK(holds(why_not(node, knows, "127.0.0.1"), "mismatch"));
  }
  {
    const aicached_process in_clear({});
    CHECK_FALSE(why_not(in_clear, mine, "127.0.0.1").empty());
  }
}

TEST_CASE("connections that say nothing go in time, cost no processor, and keep no peer out", "[system][tls]") {
  const fleet pki;
  aicached_process node(pki.settings_of_node({"tls.handshakes=16", "tls.handshake_timeout=500ms"}));
  // Fewer than will come.
  const rlimit few{64, 64};
  REQUIRE(prlimit(node.pid(), RLIMIT_NOFILE, &few, nullptr) == 0);
  std::vector<std::unique_ptr<plain_talk>> silent;
  for (int i = 0; i < 300; ++i) silent.push_back(std::make_unique<plain_talk>(node.port()));
  // Half a greeting, too.
  for (int i = 0; i < 300; i += 3) silent[static_cast<std::size_t>(i)]->send("\x16\x03\x01");
  cache_caller caller(pki.settings_of("application"));
  const client c = caller.connect(node);
  CHECK(put_all(c, 0, 100) == 100);
  CHECK(std::all_of(silent.begin(), silent.end(), [](auto& talk) { return talk->is_ended_within(3s); }));
  // A peer that says nothing after it has proved who it is has a second of CAF's.
  tls_talk idle(node.port(), pki.proof_of("application"));
  CHECK(idle.shake_hands());
  CHECK_FALSE(idle.receive(5s).empty());
  silent.clear();
  for (int i = 0; i < 10; ++i) silent.push_back(std::make_unique<plain_talk>(node.port()));
  const std::uint64_t before = ticks_of(node.pid());
  CHECK(silent.front()->is_ended_within(3s));
  // They have stood open for half a second: a loop that turns for them would have used most of it.
  CHECK(ticks_of(node.pid()) - before < 25);
  CHECK(get_all(c, 0, 100).hits == 100);
}

TEST_CASE("no more peers than the settings allow are connected at once", "[system][tls]") {
  const fleet pki;
  aicached_process node(pki.settings_of_node({"tls.connections=2"}));
  const config::settings mine = pki.settings_of("application");
  cache_caller first(mine);
  const client c = first.connect(node);
  auto second = std::make_unique<cache_caller>(mine);
  CHECK(second->try_to_connect(node));
  cache_caller third(mine);
  CHECK(third.try_to_connect(node).why().code == errc::unavailable);
  CHECK(put_all(c, 0, 10) == 10);
  second.reset();
  CHECK(eventually([&] { return bool(third.try_to_connect(node)); }));
}

namespace {

/// One connection of somebody who is no peer and knows both protocols.
void molest(const fleet& pki, std::uint16_t port, std::mt19937_64& random) {
  const auto noise = [&](std::size_t most) {
    std::string bytes(random() % most + 1, '\0');
    for (char& b : bytes) b = static_cast<char>(random());
    return bytes;
  };
  const auto mutate = [&](std::string& bytes) {
    for (std::uint64_t n = random() % 8 + 1; n > 0; --n) bytes[random() % bytes.size()] ^= static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size() + 1);
    if (random() % 4 == 0) bytes += noise(20'000);
  };
  static constexpr std::array<const char*, 4> names{"late", "foreign", "elsewhere", "deeper"};
  switch (random() % 6) {
    case 0: {
      plain_talk clear(port);
      clear.send(noise(70'000));
      clear.receive(5ms);
      return;
    }
    case 1: {
      // A header of CAF's that claims gigabytes, and the one that kills.
      plain_talk clear(port);
      clear.send(deadly);
      clear.send(std::string("\x01\x00\x00\x00\x7f\xff\xff\xff", 8) + std::string(24, '\0'));
      return;
    }
    case 2: {
      // A record of TLS that is longer than it may be.
      plain_talk clear(port);
      clear.send("\x16\x03\x01\xff\xff" + noise(60'000));
      clear.receive(5ms);
      return;
    }
    case 3: {
      // Gone in the middle of its own greeting, which was changed on the way.
      tls_talk talk(port, pki.proof_of(names[random() % names.size()]), mutate);
      talk.shake_hands(20ms);
      return;
    }
    default: {
      // With a certificate of no use, or none, and its packets behind it.
      tls_talk talk(port, random() % 5 == 0 ? tls_talk::proof{} : pki.proof_of(names[random() % names.size()]));
      if (!talk.shake_hands(1s)) return;
      talk.send(random() % 2 == 0 ? deadly : noise(5'000));
      talk.receive(5ms);
    }
  }
}

void molest_for(std::chrono::seconds time) {
  const fleet pki;
  aicached_process node(pki.settings_of_node({"tls.handshake_timeout=1s"}));
  cache_caller caller(pki.settings_of("application"));
  const client c = caller.connect(node);
  REQUIRE(put_all(c, 0, 500) == 500);
  REQUIRE(get_all(c, 0, 500).hits == 500);
  const std::uint64_t before = kib_of(node.pid(), "VmRSS");
  const auto until = std::chrono::steady_clock::now() + time;
  std::atomic<std::uint64_t> connections{0};
  std::vector<std::thread> others;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    others.emplace_back([&, seed] {
      std::mt19937_64 random{seed};
      while (std::chrono::steady_clock::now() < until) {
        molest(pki, node.port(), random);
        ++connections;
      }
    });
  std::uint64_t batches = 0;
  found sum;
  while (std::chrono::steady_clock::now() < until) {
    const found f = get_all(c, 0, 500);
    sum.hits += f.hits;
    sum.errors += f.errors;
    sum.wrong += f.wrong;
    ++batches;
  }
  for (std::thread& t : others) t.join();
  const std::uint64_t most = kib_of(node.pid(), "VmHWM");
  std::ostringstream told;
  told << connections << " hostile connections in " << time.count() << " s, and " << batches
       << " batches of a peer; resident memory from " << before << " to at most " << most << " KiB";
  if (time > 10s) WARN(told.str());
  CAPTURE(told.str());
  CHECK(connections > 100);
  CHECK(batches > 10);
  CHECK(sum.hits == batches * 500);
  CHECK(sum.errors + sum.wrong == 0);
#if !defined(__SANITIZE_ADDRESS__)
  CHECK(most < before + (64 << 10));
#endif
  // Also for who comes now.
  cache_caller late(pki.settings_of("application"));
  CHECK(get_all(late.connect(node), 0, 500).hits == 500);
  CHECK(node.drain() == 0);
}

}  // namespace

TEST_CASE("random and mutated packets of who is no peer leave a node serving, in bounded memory", "[system][tls]") {
  molest_for(3s);
}

TEST_CASE("a minute of random and mutated packets leaves a node serving, in bounded memory", "[.][storm]") {
  molest_for(60s);
}

TEST_CASE("a node that a peer has brought down is as warm as Redis when it is started again", "[system][tls][shared]") {
  const redis_server redis;
  const fleet pki;
  const auto how = pki.settings_of_node(patient(redis.port()));
  aicached_process node(how);
  cache_caller caller(pki.settings_of("application"));
  {
    const client c = caller.connect(node);
    REQUIRE(put_all(c, 0, 200) == 200);
    REQUIRE(eventually([&] { return keys_in(redis) == 200; }));
  }
  // What a peer can do: TLS lets it in, and CAF believes it. The unit starts the node again.
  tls_talk peer(node.port(), pki.proof_of("application"));
  REQUIRE(peer.shake_hands());
  REQUIRE(peer.send(deadly));
  CHECK(node.end().value_or(0) != 0);
  aicached_process again(how);
  CHECK(served_from_redis(caller.connect(again), 0, 200));
}

}  // namespace aicache::tls_node_test
