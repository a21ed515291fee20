#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "actors/app/node_session.hpp"
#include "actors/app/shared_redis.hpp"
#include "actors/app/transfer_state.hpp"
#include "engine/legacy/export_line.hpp"

namespace aicache::app {

/// Writes every answer of a node into a file, one JSON line each.
///
/// Shape      first what lies in Redis, if that is wanted, then what lies in memory, shard by shard. What lies in both has
///            two lines: that of Redis knows the whole identity and comes first, so an import takes it and passes over
///            the other. Lines go to FILE.part, packed as one zstd frame after the other when FILE ends in .zst, and
///            that becomes FILE at the end
/// Owner      one thread
/// Fails      unavailable: the node, Redis or the disk; what the last state says is settled stands. A shard that was
///            replaced meanwhile is begun anew: a line too many does no harm
/// Invariant  what was alive in memory from the beginning to the end is in the file, or is counted as left out
class cache_export {
 public:
  struct options {
    std::string file;
    std::string state;  ///< empty: none
    std::function<void(double share, std::uint64_t lines)> on_progress;
  };

  /// `from` may be null.
  cache_export(options o, node_session& node, shared_redis* from, transfer_state begin);
  ~cache_export();
  cache_export(const cache_export&) = delete;
  cache_export& operator=(const cache_export&) = delete;

  outcome<void> run();

  const transfer_state& state() const noexcept { return settled_; }

 private:
  outcome<void> open();
  outcome<void> out_of_redis();
  outcome<void> out_of_shard(std::uint32_t& shards);
  outcome<export_reply> page(std::uint32_t shard);
  void add(const export_entry& entry);
  outcome<void> settle(bool at_once);
  outcome<void> finish();
  bool is_packed() const noexcept { return options_.file.ends_with(".zst"); }

  options options_;
  node_session& node_;
  shared_redis* redis_;
  transfer_state settled_;
  transfer_state next_;
  std::FILE* file_ = nullptr;
  std::string lines_;  // not yet in the file
  std::string packed_;
  double share_ = 0;
};

/// An entry of memory as a line tells it.
export_entry entry_of(const transfer_item& item, const name_lists& names);
/// An entry of Redis as a line tells it.
export_entry entry_of(const shared_entry& found);

}  // namespace aicache::app
