#include <algorithm>
#include <asio/executor_work_guard.hpp>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "actors/redis/connection.hpp"
#include "tests/support/liar.hpp"
#include "tests/support/redis_server.hpp"

using namespace aicache;
using namespace aicache::test;
using namespace std::chrono_literals;
using kind = redis_core::command_kind;
using ending = redis_core::outcome_kind;

namespace {

// A connection on an I/O thread of its own, and its completions by ticket.
class desk {
 public:
  // Long deadlines, but for tests of deadlines: a busy machine must not look like a slow server.
  explicit desk(redis_address to, tls_options tls = {}, std::size_t reply_bytes = 64 << 20,
                std::chrono::milliseconds deadline = 10s)
      : guard_(asio::make_work_guard(io_)) {
    redis_options o;
    o.address = std::move(to);
    o.tls = std::move(tls);
    o.reply_bytes = reply_bytes;
    o.core.read_deadline = o.core.write_deadline = deadline;
    o.core.connect_deadline = std::max<std::chrono::milliseconds>(deadline, 1s);
    o.core.silence = o.core.connect_deadline;
    connection_ = redis_connection::make(
        io_, o,
        [this](redis_connection::completions done) {
          const std::lock_guard lock(mutex_);
          for (auto& c : done) done_[c.ticket] = std::move(c);
          changed_.notify_all();
        },
        [this](breaker_state s) {
          const std::lock_guard lock(mutex_);
          state_ = s;
          ++state_changes_;
          changed_.notify_all();
        });
    thread_ = std::thread([this] { io_.run(); });
    connection_->start();
  }
  ~desk() {
    connection_->stop();
    guard_.reset();
    thread_.join();
  }

  std::uint64_t send(std::vector<std::string_view> words, kind k = kind::read) {
    const std::uint64_t ticket = ++next_;
    connection_->submit({{ticket, k, format_command(words)}});
    return ticket;
  }
  redis_core::completed wait(std::uint64_t ticket, std::chrono::milliseconds patience = 30s) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, patience, [&] { return done_.contains(ticket); }));
    return done_[ticket];
  }
  redis_core::completed ask(std::vector<std::string_view> words, kind k = kind::read) {
    return wait(send(std::move(words), k));
  }
  // Asks until the server answers; how long that took.
  std::chrono::milliseconds until_answered() {
    const auto begin = std::chrono::steady_clock::now();
    while (ask({"PING"}).how != ending::answered) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, 5ms);
      REQUIRE(std::chrono::steady_clock::now() - begin < 10s);
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  }
  void wait_for(breaker_state s) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 10s, [&] { return state_ == s && state_changes_ > 0; }));
  }

 private:
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::shared_ptr<redis_connection> connection_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, redis_core::completed> done_;
  breaker_state state_ = breaker_state::closed;
  int state_changes_ = 0;
  std::uint64_t next_ = 0;
};

redis_address at(std::uint16_t port) {
  redis_address a;
  a.port = port;
  return a;
}

}  // namespace

TEST_CASE("commands are answered over TCP and over a unix socket, in order and in bursts", "[redis][system]") {
  redis_server server;
  redis_address by_path;
  by_path.transport = redis_transport::unix_socket;
  by_path.path = server.socket();
  by_path.database = 2;
  for (const redis_address& to : {at(server.port()), by_path}) {
    desk d(to);
    d.until_answered();
    CHECK(d.ask({"SET", "k", std::string_view("a\0b", 3)}, kind::write).reply.text == "OK");
    CHECK(d.ask({"GET", "k"}).reply.text == std::string("a\0b", 3));
    CHECK(d.ask({"GET", "other"}).reply.what == redis_reply::kind::nil);
    CHECK(trouble_of(d.ask({"INCR", "k"}).reply) == redis_trouble::refused);
    const std::string large(5 << 20, 'x');
    CHECK(d.ask({"SET", "large", large}, kind::write).reply.text == "OK");
    CHECK((d.ask({"GET", "large"}).reply.text == large));
    std::vector<std::uint64_t> tickets;
    for (int i = 0; i < 5'000; ++i) tickets.push_back(d.send({"ECHO", std::to_string(i)}));
    int right = 0;
    for (int i = 0; i < 5'000; ++i) {
      const auto c = d.wait(tickets[static_cast<std::size_t>(i)]);
      right += c.how == ending::answered && c.reply.text == std::to_string(i) ? 1 : 0;
    }
    CHECK(right == 5'000);
    const auto list = d.ask({"MGET", "k", "other", "k"});
    REQUIRE(list.reply.elements.size() == 3);
    CHECK(list.reply.elements[1].what == redis_reply::kind::nil);
  }
}

TEST_CASE("a password is given as the server asks; a wrong one costs nothing but misses", "[redis][system]") {
  redis_server server({"--requirepass", "right", "--user", "reader", "on", ">word", "~*", "+@all"});
  redis_address to = at(server.port());
  {
    desk d(to);
    d.wait_for(breaker_state::open);
    CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  }
  to.password = "wrong";
  {
    desk d(to);
    d.wait_for(breaker_state::open);
    CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  }
  to.password = "right";
  {
    desk d(to);
    d.until_answered();
    CHECK(d.ask({"GET", "k"}).how == ending::answered);
  }
  to.user = "reader";
  to.password = "word";
  {
    desk d(to);
    d.until_answered();
    CHECK(d.ask({"GET", "k"}).how == ending::answered);
  }
}

TEST_CASE("a stopped server is noticed at a deadline, refused at once then, and asked again when it goes on",
          "[redis][system]") {
  redis_server server;
  desk d(at(server.port()), {}, 64 << 20, 50ms);
  d.until_answered();
  server.signal(SIGSTOP);
  const auto first = d.ask({"GET", "k"});
  CHECK((first.how == ending::late || first.how == ending::unavailable));
  d.wait_for(breaker_state::open);
  CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  server.signal(SIGCONT);
  CHECK(d.until_answered() < 2s);
}

TEST_CASE("a killed server is found again by itself", "[redis][system]") {
  redis_server server;
  desk d(at(server.port()));
  d.until_answered();
  server.kill();
  d.wait_for(breaker_state::open);
  CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  CHECK(d.wait(d.send({"SET", "k", "v"}, kind::write)).how == ending::unavailable);
  REQUIRE(server.start());
  CHECK(d.until_answered() < 2s);
  CHECK(d.wait(d.send({"SET", "k", "v"}, kind::write)).how == ending::answered);
  // Nothing of the former is sent later.
  CHECK(d.ask({"DBSIZE"}).reply.integer == 1);
}

TEST_CASE("a peer that lies is dropped, and nothing it says is believed", "[redis][system]") {
  std::mt19937_64 random(7);
  std::string noise(4'096, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const std::vector<std::string> lies = {
      noise,
      "+OK\r\n+OK\r\n+OK\r\n",  // more replies than commands
      "$1000000000\r\nabc",     // a gigabyte, it says
      "*1000000000\r\n",        // of elements
      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
      "$-7\r\n",
      "-ERR no\r\n",
      ":12",
      "HTTP/1.1 400 Bad Request\r\n\r\n",
  };
  for (const std::string& lie : lies)
    for (const bool hangs_up : {true, false}) {
      CAPTURE(lie.substr(0, 20), hangs_up);
      liar peer(lie, hangs_up);
      desk d(at(peer.port()), {}, 1 << 20, 50ms);
      d.wait_for(breaker_state::open);
      const auto c = d.ask({"GET", "k"});
      CHECK(c.how != ending::answered);
    }
}

TEST_CASE("TLS is verified: the authority, the name and the date", "[redis][system]") {
  scratch_folder certificates;
  const std::string dir = certificates.path();
  auto openssl = [&](const std::string& words) {
    return std::system(("cd " + dir + " && openssl " + words + " >/dev/null 2>&1").c_str()) == 0;
  };
  for (const char* ca : {"ca", "stranger"})
    REQUIRE(openssl(std::string("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=") +
                    ca + " -keyout " + ca + ".key -out " + ca + ".pem"));
  auto issue = [&](const std::string& name, const std::string& alternative, const std::string& days) {
    REQUIRE(openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + name + " -keyout " + name +
                    ".key -out " + name + ".csr"));
    REQUIRE(std::system(("cd " + dir + " && echo subjectAltName=" + alternative + " > " + name + ".ext").c_str()) == 0);
    REQUIRE(openssl("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days " + days +
                    " -extfile " + name + ".ext -out " + name + ".pem"));
  };
  issue("good", "DNS:localhost,IP:127.0.0.1", "2");
  issue("elsewhere", "DNS:elsewhere.example", "2");
  auto serve = [&](const std::string& name, std::uint16_t port) {
    return std::vector<std::string>{"--tls-port",         std::to_string(port),
                                    "--tls-cert-file",    dir + "/" + name + ".pem",
                                    "--tls-key-file",     dir + "/" + name + ".key",
                                    "--tls-ca-cert-file", dir + "/ca.pem",
                                    "--tls-auth-clients", "no"};
  };
  const std::uint16_t good_port = free_port();
  redis_server good(serve("good", good_port));
  redis_address to = at(good_port);
  to.transport = redis_transport::tls;
  to.host = "localhost";
  {
    desk d(to, {dir + "/ca.pem", "", "", true});
    d.until_answered();
    CHECK(d.ask({"SET", "k", "v"}, kind::write).reply.text == "OK");
  }
  {
    desk d(to, {dir + "/stranger.pem", "", "", true});
    d.wait_for(breaker_state::open);
    CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  }
  {
    desk d(to, {dir + "/no-such-file.pem", "", "", true});
    d.wait_for(breaker_state::open);
    CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  }
  const std::uint16_t other_port = free_port();
  redis_server elsewhere(serve("elsewhere", other_port));
  to.port = other_port;
  {
    desk d(to, {dir + "/ca.pem", "", "", true});
    d.wait_for(breaker_state::open);
    CHECK(d.ask({"GET", "k"}).how == ending::unavailable);
  }
}
