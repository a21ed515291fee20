#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/codec/zstd_codec.hpp"
#include "engine/shard/batch.hpp"

// How entries leave a shard's memory and enter another's as they are: an export walks the index in bounded steps, an
// import is judged entry by entry.
namespace aicache {

/// What `transfer_item::born` counts, when it is the generations of Redis; any other number is that of one shard's run.
inline constexpr std::uint64_t numbered_by_redis = 0;

/// One entry on its way out of a memory, or into one.
struct transfer_item {
  identity id;                  ///< memory keeps its first 128 bits; the rest is zero unless `whole`
  bool whole = false;           ///< all of the identity is known, as it is in Redis
  std::uint16_t operation = 0;  ///< place in the page's list of operations
  std::uint16_t tenant = 0;     ///< place in the page's list of tenants
  text_tier text = text_tier::small;
  instant created;
  instant expires = never;
  std::uint64_t born = 0;  ///< what was invalidated later than this has killed it
  std::uint64_t numbered_by = numbered_by_redis;
  bool behind = false;                     ///< the shared tier has not, or not as it is, been told of it
  blob_ref value;                          ///< raw; out of a shard perhaps packed, until a worker has looked at it
  std::shared_ptr<const dictionary> with;  ///< of a packed value, null for none; never leaves the process
  std::vector<std::uint64_t> tags = {};
};

/// Entries that travel together.
struct transfer_page {
  std::shared_ptr<const name_lists> names;
  std::vector<transfer_item> items;
};

/// Where a walk through a shard's memory stands: say what the step before said, and zeros to begin.
struct walk_place {
  std::uint64_t walk = 0;    ///< names the walk; 0 begins one
  std::uint64_t cursor = 0;  ///< a bucket of the index; with walk 0 it may begin anywhere

  friend bool operator==(const walk_place&, const walk_place&) = default;
};

/// One step of a walk. What was in memory at its first step and still is at its last was in some step; what moved
/// meanwhile may be in two.
struct walk_step {
  walk_place next;
  bool done = false;             ///< there is no more
  bool over = false;             ///< nobody went on with the walk for too long, or its shard is another: begin anew
  std::uint64_t buckets = 0;     ///< of the index, at the moment
  std::uint64_t entries = 0;     ///< in the shard, at the moment
  std::uint64_t unnamed = 0;     ///< passed over: tenant or operation have no number here, so nobody knows their names
  std::uint64_t unreadable = 0;  ///< passed over: damaged, or no memory to unpack them
  transfer_page page;
};

/// What is asked of an import.
struct import_rules {
  bool dry_run = false;  ///< say what would become of each, and change nothing
  bool foreign = false;  ///< the entries come from another Redis: its generations say nothing here
};

enum class import_status : std::uint8_t {
  stored = 0,       ///< or would be
  replaced = 1,     ///< the same, and an older one was here
  present = 2,      ///< the same answer is here already
  newer = 3,        ///< a newer one is here, or is being computed
  expired = 4,      ///< its life was over
  invalidated = 5,  ///< it was invalidated after it was made
  refused = 6,      ///< `error` says which rule it broke, as for puts
};

struct import_result {
  import_status status = import_status::stored;
  errc error = errc::none;
  bool behind = false;  ///< what is here has not, or not as it is, been told to the shared tier

  friend bool operator==(const import_result&, const import_result&) = default;
};

}  // namespace aicache
