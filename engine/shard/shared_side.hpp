#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/shard/batch.hpp"
#include "engine/shard/dirty_queue.hpp"
#include "engine/shard/fetch_table.hpp"
#include "engine/shard/options.hpp"
#include "engine/shared/generation_book.hpp"
#include "engine/shared/shared_codec.hpp"
#include "engine/shared/traffic.hpp"

namespace aicache {

/// What a shard knows of the shared tier: whether it may be asked, what it was asked and told, and what of all that is
/// still open.
///
/// Owner      one shard_core, which does the work (engine/shard/shard_shared.cpp, shard_writing.cpp)
struct shared_side {
  /// A message with changes that is on its way.
  struct writing {
    std::vector<dirty_queue::change> changes;
    std::uint64_t bytes = 0;
    std::uint64_t held = 0;  ///< of these, and of names, what lies nowhere else
  };

  shared_side(const shared_options& o, shared_codec::options c)
      : book(o.generations), dirty(o.dirty_keys), codec(c) {}

  bool available = false;
  generation newest = 0;  ///< what is written is born in it
  generation_book book;
  fetch_table look_ups;
  dirty_queue dirty;
  shared_codec codec;
  std::unordered_map<std::uint64_t, writing> on_their_way;  ///< by ticket
  std::uint64_t next_ticket = 0;
  std::uint64_t bytes_on_their_way = 0;
  std::shared_ptr<const name_lists> names;  ///< of the present batch
  std::vector<key128> asked;                ///< in the present batch, not yet in a message
  std::vector<std::string> asked_keys;

  std::size_t bytes() const noexcept {
    constexpr std::size_t each = sizeof(writing) + 4 * sizeof(void*);
    std::size_t changes = 0;
    for (const auto& [ticket, w] : on_their_way)
      changes += w.held + w.changes.capacity() * (sizeof(dirty_queue::change) + sizeof(write_item));
    return sizeof *this + book.bytes() + look_ups.bytes() + dirty.bytes() + codec.bytes() + on_their_way.size() * each +
           changes + asked.capacity() * sizeof(key128) + asked_keys.capacity() * sizeof(std::string);
  }
};

}  // namespace aicache
