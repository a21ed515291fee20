#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/client/client_core.hpp"

namespace aicache {

/// What waits for shards of other machines, joined: what several calls ask of one shard travels as one message.
///
/// Shape      parts of one kind for one shard are gathered; with less than `under_way` messages unanswered the next parcel
///            leaves, with all that has been gathered, so nothing waits where little is asked. What a shard may answer
///            late (releases and all that is done key by key, puts that wait for Redis or for the rest of a large value) leaves at once
/// Owner      one client actor, beside its client_core; not thread-safe; is told the time
/// Invariant  parts keep their own correlation numbers, which the core knows; parcels have others, with the highest bit
///            set. A parcel's time to wait is the shortest of its parts', and within a tenth of the longest
/// Cost       a copy of each item of a joined part; a part that leaves alone is sent as it is
class parcel_table {
 public:
  struct options {
    unsigned under_way = 2;           ///< messages to one shard that may be unanswered before more is gathered
    std::size_t put_bytes = 1 << 20;  ///< of values in one message; a single value may be larger
  };
  using send_part = client_core::send_part;

  /// Marks the correlation numbers of parcels.
  static constexpr std::uint64_t mark = std::uint64_t{1} << 63;
  static bool is_parcel(std::uint64_t correlation) noexcept { return (correlation & mark) != 0; }

  parcel_table() = default;
  explicit parcel_table(const options& o) : options_(o) {}

  /// A part for a shard that takes `batch_keys` keys in a message.
  void add(send_part p, std::size_t batch_keys, instant now);
  /// The parcels that leave now. Parts whose time is over are left out: the core has ended their calls.
  void take(instant now, std::vector<send_part>& out);
  bool has_gathered() const noexcept { return gathered_ > 0; }
  /// Something would leave.
  bool is_ready() const noexcept;

  /// A reply to a parcel: what it says to one part.
  struct part_reply {
    std::uint64_t correlation = 0;
    client_core::body what;
  };
  /// Cuts a reply up. Its results are moved from.
  void replied(std::uint64_t correlation, errc whole, const client_core::body& what, std::vector<part_reply>& out);
  /// The part, and the place in it, that a result is for which follows a reply.
  std::optional<std::pair<std::uint64_t, std::uint32_t>> place_of(std::uint64_t correlation, std::uint32_t position);
  /// The parts of a parcel, in their order.
  std::vector<std::uint64_t> parts_of(std::uint64_t correlation) const;

  /// A shard, or a whole node, is gone: nothing that was meant for it leaves any more, nor is answered.
  void lost(std::uint32_t node, std::uint32_t shard);
  void lost(std::uint32_t node);
  /// Forgets parcels whose calls have ended.
  void tick(instant now);
  std::size_t under_way() const noexcept { return sent_.size(); }

 private:
  using address = std::pair<std::uint32_t, std::uint32_t>;  // node, shard
  struct waiting {
    send_part part;
    instant until;
  };
  /// Kinds, and puts that are answered late.
  static constexpr std::size_t lane_count = 8;
  struct shard_queue {
    std::size_t batch_keys = 1;
    unsigned under_way = 0;
    std::array<std::vector<waiting>, lane_count> lanes;
  };
  struct piece {
    std::uint64_t correlation = 0;
    std::uint32_t first = 0;  ///< of its items, in the parcel
    std::uint32_t count = 0;
  };
  struct sent_parcel {
    address to;
    bool counted = false;  ///< among those under way
    std::vector<piece> pieces;
    bool replied = false;
    std::uint32_t open = 0;  ///< results that follow the reply
    std::uint32_t late = 0;  ///< of them, those that have come
    instant until;
  };
  using sent_map = std::unordered_map<std::uint64_t, sent_parcel>;

  static std::size_t lane_of(const send_part& p) noexcept;
  static bool is_prompt(std::size_t lane) noexcept;
  std::size_t joined(const std::vector<waiting>& lane, std::size_t from, std::size_t batch_keys) const;
  void leave(const address& to, shard_queue& q, std::vector<waiting>& lane, std::size_t from, std::size_t count,
             bool counted, instant now, std::vector<send_part>& out);
  void forget(sent_map::iterator at);

  options options_;
  std::map<address, shard_queue> queues_;
  sent_map sent_;
  std::uint64_t next_ = 0;
  std::size_t gathered_ = 0;
};

}  // namespace aicache
