#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/redis/slots.hpp"
#include "tests/support/redis_server.hpp"

namespace aicache::test {

/// A real cluster on loopback: `masters` servers with equal parts of the slots, in order, and after them as many replicas,
/// one for each. It goes away with its owner.
class redis_cluster {
 public:
  explicit redis_cluster(std::size_t masters = 3) : masters_(masters) {
    for (std::size_t i = 0; i < 2 * masters; ++i) {
      bus_ports_.push_back(free_port());
      servers_.push_back(std::make_unique<redis_server>(std::vector<std::string>{
          "--cluster-enabled", "yes", "--cluster-port", std::to_string(bus_ports_.back()), "--cluster-node-timeout",
          "500", "--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0",
          "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}));
    }
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      ids_.push_back(ask(i, {"CLUSTER", "MYID"}));
      if (i > 0) ask(0, {"CLUSTER", "MEET", "127.0.0.1", std::to_string(port(i)), std::to_string(bus_ports_[i])});
      if (i < masters)
        ask(i, {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first_slot(i)), std::to_string(first_slot(i + 1) - 1)});
    }
    const auto number_of = [](const std::string& text, const std::string& what) {
      std::size_t n = 0;
      for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
      return n;
    };
    for (std::size_t i = 0; i < servers_.size(); ++i)
      until([&] { return number_of(ask(i, {"CLUSTER", "NODES"}), " connected") == servers_.size(); });
    for (std::size_t i = masters; i < servers_.size(); ++i)
      until([&] { return ask(i, {"CLUSTER", "REPLICATE", ids_[i - masters]}) == "OK"; });
    for (std::size_t i = masters; i < servers_.size(); ++i)
      until([&] { return ask(i, {"ROLE"}).find("connected") != std::string::npos; });
    for (std::size_t i = 0; i < servers_.size(); ++i)
      until([&] {
        return ask(i, {"CLUSTER", "INFO"}).find("cluster_state:ok") != std::string::npos &&
               number_of(ask(i, {"CLUSTER", "NODES"}), "slave") == masters;
      });
  }

  std::uint16_t port(std::size_t server) const { return servers_[server]->port(); }
  redis_server& server(std::size_t i) { return *servers_[i]; }
  const std::string& id(std::size_t server) const { return ids_[server]; }
  /// The master that had the key's slot at first.
  std::size_t home(const std::string& key) const {
    std::size_t master = 0;
    while (slot_of(key) >= first_slot(master + 1)) ++master;
    return master;
  }

  /// What a server says to a command, as redis-cli prints it, without the last line's end.
  std::string ask(std::size_t server, std::vector<std::string> command) const {
    command.insert(command.begin(), {"/usr/bin/redis-cli", "-p", std::to_string(port(server))});
    program cli(std::move(command));
    cli.end(std::chrono::seconds{10});
    std::string said = cli.rest();
    while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.pop_back();
    return said;
  }

  /// Polls until it is so.
  template <class Is>
  static void until(Is is) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!is()) {
      REQUIRE(std::chrono::steady_clock::now() < end);
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
  }

 private:
  std::uint32_t first_slot(std::size_t master) const {
    return static_cast<std::uint32_t>(slot_count * master / masters_);
  }

  std::size_t masters_;
  std::vector<std::uint16_t> bus_ports_;
  std::vector<std::unique_ptr<redis_server>> servers_;
  std::vector<std::string> ids_;
};

}  // namespace aicache::test
