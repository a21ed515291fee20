#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis/redis_core.hpp"
#include "engine/redis/reply.hpp"
#include "engine/redis/slots.hpp"
#include "engine/types.hpp"

namespace aicache {

/// The connections of a link, and in a cluster who is master of which slot.
///
/// Shape      places for at most 1,024 connections; the id of a connection names its place and a serial number, so that
///            what is said about a closed one finds nobody
/// Owner      one link_core
/// Invariant  a slot's owner is a connection in use, or nobody
class connection_table {
 public:
  static constexpr std::uint32_t most = 1'024;
  static constexpr std::uint16_t nobody = UINT16_MAX;

  enum class standing : std::uint8_t { connecting, up, down };

  /// A redirected command that waits until its connection is made.
  struct parked {
    std::uint32_t command = 0;
    bool ask = false;
    instant until;
  };

  struct connection {
    std::uint32_t id = 0;
    bool in_use = false;
    std::string address;  ///< "host:port"; empty: where the link was told to go
    standing is = standing::connecting;
    bool was_lost = false;
    std::uint64_t lost_at_gate = 0;  ///< the link's gate number when it was lost
    std::uint32_t in_flight = 0;
    redis_trouble troubles[3] = {};  ///< what the last reply said: to reads, writes, tasks
    std::vector<redis_core::command> outbox;
    bool in_outboxes = false;
    std::vector<parked> waiting;
  };

  /// Takes a place; nobody when all are taken.
  std::uint16_t open(std::string_view address);
  void close(std::uint16_t place);

  /// The place of the connection with this id; nobody when it is closed.
  std::uint16_t find(std::uint32_t id) const noexcept;
  std::uint16_t find(std::string_view address) const noexcept;

  connection& operator[](std::uint16_t place) noexcept { return places_[place]; }
  const connection& operator[](std::uint16_t place) const noexcept { return places_[place]; }
  std::uint16_t size() const noexcept { return static_cast<std::uint16_t>(places_.size()); }
  bool is_up(std::uint16_t place) const noexcept { return place != nobody && places_[place].is == standing::up; }

  /// The next connection after the last asked for, of those that are up and have least in flight; nobody when none is up.
  std::uint16_t least_busy() noexcept;
  std::uint16_t first_up() const noexcept;
  /// In turn, any that is up.
  std::uint16_t next_up() noexcept;

  // -- a cluster's slots -----------------------------------------------------

  std::uint16_t owner(std::uint16_t slot) const noexcept { return owners_[slot]; }
  void assign(std::uint16_t slot, std::uint16_t place) noexcept { owners_[slot] = place; }
  /// The masters, each once, in the order of their first slots.
  const std::vector<std::uint16_t>& masters() const noexcept { return masters_; }
  void find_masters();

 private:
  std::vector<connection> places_;
  std::uint32_t serial_ = 0;
  std::uint16_t turn_ = 0;
  std::vector<std::uint16_t> owners_ = std::vector<std::uint16_t>(slot_count, nobody);
  std::vector<std::uint16_t> masters_;
};

/// A range of slots and its master, as CLUSTER SLOTS tells it.
struct slot_range {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  std::string address;
};

/// "host:port" of the server that `address` names when it was said by the server at `by`: an empty host means the same.
std::string named_by(std::string_view address, std::string_view by);

/// Reads a reply to CLUSTER SLOTS of the server at `by`. False when it is none, or names no master at all.
bool parse_cluster_slots(const redis_reply& reply, std::string_view by, std::vector<slot_range>& out);

}  // namespace aicache
