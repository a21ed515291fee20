#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/cluster/view.hpp"
#include "messages/cluster_peers.hpp"
#include "tests/support/cache_caller.hpp"
#include "tests/system/shared_tier.hpp"

// What the tests of several nodes that are one cache share.
namespace aicache::test {

/// A node of a cluster in a process of its own, and a way to its shards that no client stands on.
class cluster_process {
 public:
  cluster_process(caf::actor_system& system, const std::string& name, std::vector<std::string> settings)
      : system_(system), process_(with_name(name, std::move(settings))), name_(name) {
    if (!connect()) throw std::runtime_error("no way to " + name);
  }

  /// A node that hung for a while is connected to anew.
  template <class Reply, class Request>
  std::optional<Reply> ask(const Request& what) {
    auto said = ask_actor<Reply>(front_, what);
    if (!said && connect()) said = ask_actor<Reply>(front_, what);
    return said;
  }

  cluster_state state() { return ask<cluster_state>(cluster_state_request{}).value_or(cluster_state{}); }
  cluster_map map() { return ask<cluster_map>(cluster_request{}).value_or(cluster_map{}); }
  std::vector<std::string> members() {
    std::vector<std::string> names;
    for (const member_state& m : state().members) names.push_back(m.who.name);
    return names;
  }

  /// Puts question(number)'s answer, or another text, past any client.
  put_result put(std::uint64_t number, const std::string& text, bool write_through = false) {
    auto body = std::make_shared<put_body>();
    body->names = names();
    put_item item;
    item.id = id_of_question(number);
    item.value = blob::make(text, answer_facts{});
    item.write_through = write_through;
    body->items.push_back(std::move(item));
    put_batch b;
    b.body = std::move(body);
    const auto told = ask_shard<put_reply>(item_key(number), std::move(b));
    return told && told->body && told->why == errc::none ? told->body->results.at(0)
                                                         : put_result{put_status::refused, errc::unavailable};
  }

  get_result get(std::uint64_t number) {
    auto body = std::make_shared<get_body>();
    body->names = names();
    get_item item;
    item.id = id_of_question(number);
    body->items.push_back(item);
    get_batch b;
    b.wait_ms = 5'000;
    b.body = std::move(body);
    const auto told = ask_shard<get_reply>(item_key(number), std::move(b));
    get_result none;
    none.status = get_status::error;
    none.error = errc::unavailable;
    return told && told->body && told->why == errc::none ? told->body->results.at(0) : none;
  }
  /// The text; "moved", "miss" or "error" else.
  std::string read(std::uint64_t number) {
    const get_result r = get(number);
    if (r.value) return std::string(r.value->text());
    return r.status == get_status::error ? (r.error == errc::moved ? "moved" : "error") : "miss";
  }

  aicached_process& process() noexcept { return process_; }
  const std::string& name() const noexcept { return name_; }

  static identity id_of_question(std::uint64_t number) {
    identifier names{identity_options{}};
    return names.identify(question(number))->id;
  }
  static key128 item_key(std::uint64_t number) { return id_of_question(number).key(); }

 private:
  static std::vector<std::string> with_name(const std::string& name, std::vector<std::string> settings) {
    settings.push_back("cluster.name=" + name);
    settings.push_back("node.threads=1");
    return settings;
  }

  static std::shared_ptr<const name_lists> names() {
    return std::make_shared<const name_lists>(name_lists{{"qa"}, {"acme"}, {"model-1"}});
  }

  bool connect() {
    const auto front = front_of(system_, "127.0.0.1", process_.port());
    if (front) front_ = *front;
    shards_.clear();
    return static_cast<bool>(front);
  }

  template <class Reply, class Actor, class Request>
  std::optional<Reply> ask_actor(const Actor& who, const Request& what) const {
    std::optional<Reply> said;
    caf::scoped_actor self{system_};
    self->request(who, 10s, what).receive([&](Reply& r) { said = std::move(r); }, [](const caf::error&) {});
    return said;
  }

  template <class Reply, class Batch>
  std::optional<Reply> ask_shard(const key128& key, const Batch& b) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (shards_.empty())
        if (const auto told = ask<shard_map>(map_request{})) shards_ = told->shards;
      if (shards_.empty()) return std::nullopt;
      const auto number = shard_of(key, static_cast<std::uint32_t>(shards_.size()));
      if (auto said = ask_actor<Reply>(shards_[number], b)) return said;
      connect();
    }
    return std::nullopt;
  }

  caf::actor_system& system_;
  aicached_process process_;
  std::string name_;
  front_actor front_;
  std::vector<shard_actor> shards_;
};

/// Several of them.
class cluster_processes {
 public:
  cluster_processes() : config_({}, system_config::network::on), system_(config_) {}

  cluster_process& start(const std::string& name, std::vector<std::string> settings) {
    nodes_.push_back(std::make_unique<cluster_process>(system_, name, std::move(settings)));
    return *nodes_.back();
  }
  void kill(const std::string& name) {
    std::erase_if(nodes_, [&](const auto& n) { return n->name() == name; });
  }
  cluster_process& operator[](const std::string& name) {
    for (auto& n : nodes_)
      if (n->name() == name) return *n;
    throw std::out_of_range(name);
  }
  std::vector<std::unique_ptr<cluster_process>>& all() noexcept { return nodes_; }

  /// Whether all of these serve all ranges among them, each its own, and agree.
  bool is_whole(const std::vector<std::string>& names) {
    std::uint32_t served = 0;
    std::uint64_t epoch = 0;
    for (const std::string& name : names) {
      const cluster_state s = (*this)[name].state();
      served += s.serving;
      if (epoch != 0 && s.epoch != epoch) return false;
      epoch = s.epoch;
      if (s.members.size() != names.size()) return false;
    }
    return served == range_count;
  }
  bool becomes_whole(const std::vector<std::string>& names, std::chrono::milliseconds patience = 10s) {
    return eventually([&] { return is_whole(names); }, patience);
  }

  /// The node that owns a question by the map of `asked`.
  cluster_process& owner_of(std::uint64_t number, cluster_process& asked) {
    const cluster_map m = asked.map();
    std::vector<std::string> names;
    for (const cluster_member& c : m.members) names.push_back(c.name);
    return (*this)[names.at(assign_ranges(names, m.pins).at(range_of(cluster_process::item_key(number))))];
  }

 private:
  system_config config_;
  caf::actor_system system_;
  std::vector<std::unique_ptr<cluster_process>> nodes_;
};

}  // namespace aicache::test
