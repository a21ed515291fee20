#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/redis/backoff.hpp"
#include "engine/redis/connection_table.hpp"
#include "engine/redis/link_requests.hpp"
#include "engine/redis/redis_core.hpp"
#include "engine/statistics/counters.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The mind of a node's link to Redis: which connection is asked what, whose reply is whose, and whether what was read may
/// be believed.
///
/// Shape      One server: a pool of connections. A read goes as MGET to the one with least in flight; all writes of a key
///            go over the same one as long as it is up, so they keep their order; tasks go over the first that is up.
///            Cluster: one connection per master. Reads go as pipelined GETs to the owners of their slots. A key has one
///            write under way, later ones wait for it, so that a redirection does not turn them round. MOVED is followed
///            at once, and the slots are read again; ASK is followed this once; after three redirections of a command it
///            is unavailable. A dead master makes its own keys unavailable, and no others.
/// Gate       While it is closed reads and writes are answered at once as unavailable; tasks pass. It is numbered. It
///            closes, and its number grows, whenever something may have been missed: when nothing is reachable any more;
///            when a connection that was lost is back, for its server may have been started again from old data, or the
///            keys' invalidations meanwhile were not heard by it; when the slots of a master that is down get another,
///            a replica that may lag. Only who has replayed and learned what was missed opens it, by its number. A read
///            that was sent before the gate closed is unavailable, whatever was read.
/// Owner      one link actor; not thread-safe; is told the time
/// Fails      per key or task, in the replies
/// Invariant  every request is answered exactly once, whatever completions come and in whatever order; every command is
///            submitted to a connection that was up
/// Cost       O(keys) per request; a read of one server costs one command per 256 keys
class link_core {
 public:
  /// Makes the wire format of a command of these words.
  using formatter = std::string (*)(const std::vector<std::string_view>& words);

  struct options {
    bool cluster = false;
    std::uint32_t connections = 1;           ///< to one server
    std::vector<std::string> seeds = {};     ///< of a cluster: "host:port" of those who may be asked for its slots
    std::size_t keys_per_read = 256;         ///< of one MGET
    duration redirected_patience{200};       ///< how long a redirected command waits for a connection that is made
    std::size_t redirected_waiting = 1'024;  ///< and how many of them at one connection
    unsigned redirections = 3;
    duration refresh_first{50};  ///< between readings of the slots while they are not as they should be
    duration refresh_longest{1'000};
    std::uint64_t seed = 1;
  };

  // -- effects ---------------------------------------------------------------

  struct open_connection {
    std::uint32_t id = 0;
    std::string address;  ///< "host:port"; empty: where the link was told to go
  };
  struct close_connection {
    std::uint32_t id = 0;
  };
  struct submit {
    std::uint32_t id = 0;
    std::vector<redis_core::command> commands;
  };
  struct was_read {
    std::uint64_t token = 0;
    std::vector<fetched_value> values;
  };
  struct was_written {
    std::uint64_t token = 0;
    std::vector<store_status> items;
  };
  struct was_run {
    std::uint64_t token = 0;
    std::vector<link_reply> replies;
  };
  struct standing {
    bool reachable = false;
    std::uint32_t masters = 1;
    std::uint64_t gate = 0;

    friend bool operator==(const standing&, const standing&) = default;
  };
  /// What a server says to one kind of command is not what it said last: for the log.
  struct trouble_changed {
    std::string address;
    const char* kind = "";
    redis_trouble to = redis_trouble::none;
  };
  using effect = std::variant<open_connection, close_connection, submit, was_read, was_written, was_run, standing,
                              trouble_changed>;
  using effects = std::vector<effect>;

  link_core(options o, formatter format);

  void start(instant now, effects& out);

  /// Requests; the token comes back with the answer.
  void read(std::uint64_t token, std::vector<std::string> keys, instant now, effects& out);
  void write(std::uint64_t token, std::vector<store_item> items, instant now, effects& out);
  void run(std::uint64_t token, std::vector<link_command> tasks, instant now, effects& out);

  /// What connections say.
  void completed(std::uint32_t id, std::vector<redis_core::completed> what, instant now, effects& out);
  void breaker_changed(std::uint32_t id, breaker_state to, instant now, effects& out);

  void open_gate(std::uint64_t number) noexcept;
  void close_gate() noexcept { gate_open_ = false; }

  /// When tick() has something to do; `never` for one server.
  instant due() const noexcept { return due_; }
  void tick(instant now, effects& out);
  /// The end: everything is answered as unavailable, all connections are closed.
  void stop(effects& out);

  standing how() const noexcept;
  bool gate_is_open() const noexcept { return gate_open_; }
  const link_counters& counted() const noexcept { return counted_; }
  link_gauges present() const noexcept;
  std::size_t open_requests() const noexcept { return requests_.size() - free_requests_.size(); }
  /// Whether commands and requests account for each other.
  bool sound() const;

 private:
  enum class command_of : std::uint8_t { nobody, read, write, task, asking, refresh };

  struct reading {
    std::vector<std::string> keys;
    std::vector<fetched_value> values;
  };
  struct writing {
    std::vector<store_item> items;
    std::vector<store_status> results;
  };
  struct running {
    std::vector<link_command> tasks;
    std::vector<link_reply> replies;
  };
  struct request {
    std::uint64_t token = 0;
    std::uint64_t gate = 0;  ///< its number when this was sent
    std::uint32_t open = 0;  ///< keys or tasks without a result
    bool in_use = false;
    std::variant<reading, writing, running> what;
  };
  struct sent_command {
    command_of whose = command_of::nobody;
    std::uint8_t redirections = 0;
    bool submitted = false;
    std::uint32_t serial = 0;
    std::uint32_t request = 0;
    std::uint32_t first = 0;  ///< key or task of the request
    std::uint32_t count = 0;
    std::uint32_t connection = 0;  ///< its id
  };
  struct waiting_write {
    std::uint32_t request = 0;
    std::uint32_t item = 0;
  };

  std::uint32_t new_request(std::uint64_t token, std::uint32_t open, std::variant<reading, writing, running> what);
  std::uint32_t new_command(command_of whose, std::uint32_t request, std::uint32_t first, std::uint32_t count);
  void free_command(std::uint32_t number);
  void route(std::uint32_t number, std::uint16_t place);
  void send(std::uint32_t number, std::uint16_t place, bool ask);
  std::string wire_of(const sent_command& c);
  std::uint16_t place_for(const sent_command& c);

  void complete(std::uint32_t id, redis_core::completed& c, instant now, effects& out);
  bool redirect(std::uint32_t number, const redis_reply& reply, std::uint32_t from, instant now);
  void settle(std::uint32_t number, bool answered, redis_reply& reply);
  void settle_unavailable(std::uint32_t number);
  void settle_read(const sent_command& c, bool answered, redis_reply& reply);
  void settle_write(const sent_command& c, bool answered, const redis_reply& reply);
  void settle_slots(bool answered, const redis_reply& reply, std::uint32_t from);
  void launch_write(std::uint32_t request, std::uint32_t item);
  void note_trouble(std::uint32_t id, command_of whose, redis_trouble t, effects& out);

  void came_up(std::uint16_t place);
  void went_down(std::uint16_t place);
  std::uint16_t open_place(std::string_view address);
  void something_was_missed() noexcept;
  void adopt(const std::vector<slot_range>& ranges);
  void ask_for_slots(instant now);
  void finish_event(instant now, effects& out);
  void answer(request& r, effects& out);

  options options_;
  formatter format_;
  connection_table connections_;
  std::vector<request> requests_;
  std::vector<std::uint32_t> free_requests_;
  std::vector<sent_command> commands_;
  std::vector<std::uint32_t> free_commands_;
  std::vector<std::uint16_t> outboxes_;  // places whose outbox is to be submitted at the end of the event
  std::vector<std::uint32_t> to_open_;   // ids of connections that are to be made, in order
  std::vector<std::uint32_t> to_close_;
  std::vector<std::uint32_t> answered_;  // requests that are to be answered at the end of the event
  std::deque<waiting_write> to_launch_;
  std::unordered_map<std::string, std::deque<waiting_write>> under_way_;  // writes of a cluster's keys
  std::vector<std::string_view> words_;
  std::string life_;
  std::uint64_t gate_ = 0;
  bool gate_open_ = false;
  standing told_;
  bool slots_known_ = false;
  bool slots_wanted_ = false;
  bool slots_asked_ = false;
  bool masters_changed_ = false;
  instant slots_not_before_{};
  backoff refresh_;
  instant due_ = never;
  link_counters counted_;
};

}  // namespace aicache
