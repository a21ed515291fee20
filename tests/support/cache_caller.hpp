#pragma once

#include <atomic>
#include <caf/io/all.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include "actors/client.hpp"
#include "actors/node.hpp"
#include "tests/support/aicached_process.hpp"

namespace aicache::test {

/// One question of many, known by a number. Nothing of the text stands in the answer, nor the other way round.
inline request question(std::uint64_t number, std::string operation = "qa", std::string tenant = "acme") {
  return {
      std::move(tenant), "model-1", std::move(operation), "what about item " + std::to_string(number) + "?", "", ""};
}

/// The right answer to question(number). Short enough to be stored as it is: what encryption hides can be looked for.
inline response right_answer(std::uint64_t number) {
  return {"item " + std::to_string(number) + " is on shelf " + std::to_string(number * 7919 % 1000), "model-1", 10, 20,
          30};
}

/// An application that uses nodes over the network.
class cache_caller {
 public:
  /// `s` says how it speaks to them.
  explicit cache_caller(const config::settings& s = {}) : config_(s, system_config::network::on), system_(config_) {}

  client connect(const aicached_process& node) {
    auto c = client::connect(system_, "127.0.0.1", node.port(), duration{20'000});
    if (!c) throw std::runtime_error("no way to " + node.address() + ": " + c.why().detail);
    return *c;
  }

  /// The same where there may be no way.
  outcome<client> try_to_connect(const aicached_process& node, const std::string& host = "127.0.0.1") {
    return client::connect(system_, host, node.port(), duration{3'000});
  }

  /// A request to a node's front by message; nothing when it fails.
  template <class Reply, class Request>
  std::optional<Reply> ask(const aicached_process& node, const Request& what) {
    const auto front = front_of(system_, "127.0.0.1", node.port());
    std::optional<Reply> said;
    if (!front) return said;
    caf::scoped_actor self{system_};
    self->request(*front, std::chrono::seconds{20}, what)
        .receive([&](Reply& r) { said = std::move(r); }, [](const caf::error&) {});
    return said;
  }

  node_statistics statistics(const aicached_process& node) {
    return ask<node_statistics>(node, statistics_request{}).value_or(node_statistics{});
  }

 private:
  system_config config_;
  caf::actor_system system_;
};

/// Puts the right answers to the questions [from, to); how many were stored.
inline std::uint64_t put_all(const client& c, std::uint64_t from, std::uint64_t to,
                             const std::string& operation = "qa") {
  std::vector<request> asked;
  std::vector<response> answers;
  for (std::uint64_t n = from; n < to; ++n) {
    asked.push_back(question(n, operation));
    answers.push_back(right_answer(n));
  }
  std::uint64_t stored = 0;
  for (const put_result& r : c.put(asked, answers)) stored += r == put_result{} ? 1 : 0;
  return stored;
}

/// What a caller got for the questions [from, to).
struct found {
  std::uint64_t hits = 0;
  std::uint64_t shared = 0;  ///< of the hits
  std::uint64_t errors = 0;
  std::uint64_t wrong = 0;  ///< of the hits
};
inline void count(found& f, const answer& a, std::uint64_t number) {
  f.hits += a.hit() ? 1 : 0;
  f.shared += a.hit() && a.from == tier::shared ? 1 : 0;
  f.errors += a.status == get_status::error ? 1 : 0;
  f.wrong += a.hit() && a.text() != right_answer(number).text ? 1 : 0;
}
inline found get_all(const client& c, std::uint64_t from, std::uint64_t to, const std::string& operation = "qa") {
  std::vector<request> asked;
  for (std::uint64_t n = from; n < to; ++n) asked.push_back(question(n, operation));
  found f;
  const std::vector<answer> answers = c.get(asked);
  for (std::uint64_t n = from; n < to; ++n) count(f, answers[n - from], n);
  return f;
}

/// A caller that asks and puts on a thread of its own, a batch after the other, until it is told to end. Every batch
/// goes to one of its clients: half of what it asks for was put before, through another of them perhaps, the rest is new.
class steady_load {
 public:
  explicit steady_load(std::vector<client> clients) : clients_(std::move(clients)) {
    thread_ = std::thread([this] { run(); });
  }
  ~steady_load() {
    if (thread_.joinable()) end();
  }

  /// Waits until so many more batches have been answered.
  bool goes_on(std::uint64_t more = 20) {
    const std::uint64_t from = batches_;
    return eventually([&] { return batches_ >= from + more; });
  }
  /// What it found in all.
  found end() {
    ending_ = true;
    thread_.join();
    return sum_;
  }

 private:
  void run() {
    std::mt19937_64 random{11};
    for (std::uint64_t next = half; !ending_; next += half) {
      const client& c = clients_[random() % clients_.size()];
      const std::uint64_t old = random() % (next - half + 1);
      std::vector<std::uint64_t> numbers;
      for (std::uint64_t i = 0; i < half; ++i) numbers.push_back(old + i);
      for (std::uint64_t i = 0; i < half; ++i) numbers.push_back(next + i);
      std::vector<request> asked;
      for (std::uint64_t n : numbers) asked.push_back(question(n, "steady"));
      const std::vector<answer> got = c.get(asked);
      std::vector<request> missing;
      std::vector<response> made;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        count(sum_, got[i], numbers[i]);
        if (got[i].hit()) continue;
        missing.push_back(asked[i]);
        made.push_back(right_answer(numbers[i]));
      }
      if (!missing.empty()) c.put(missing, made);
      ++batches_;
    }
  }

  static constexpr std::uint64_t half = 8;
  std::vector<client> clients_;
  std::atomic<bool> ending_{false};
  std::atomic<std::uint64_t> batches_{0};
  found sum_;
  std::thread thread_;
};

}  // namespace aicache::test
