#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/key.hpp"
#include "engine/shared/redis_key.hpp"

namespace aicache {

/// Which answers of a shard are not yet, or not as they are now, in the shared tier. Keys only: the answers are in
/// memory, and what has left memory before it was written is lost to the others, not to be trusted from them either.
///
/// Shape      a queue in the order of the first change, each key once; a key that is changed again keeps its place.
///            What was taken out is on its way until `arrived`; what had to give way is remembered as given up, so many
///            keys as the queue may hold, until the key is changed again
/// Units      bytes() estimates what the allocator gave
/// Owner      one shard; not thread-safe
/// Invariant  at most `limit` changes wait; the oldest gives way
/// Cost       O(1) an event
class dirty_queue {
 public:
  /// Who waits for the write: position `position` of batch `batch`.
  struct waiting {
    std::uint64_t batch = 0;
    std::uint32_t position = 0;
    bool removal = false;  ///< it waits for the key to be removed, not to be written
  };

  struct change {
    identity id;
    shared_name name;
    std::uint16_t operation = 0;  ///< the shard's numbers
    std::uint16_t tenant = 0;
    bool remove = false;  ///< it was erased, or left memory before it was written
    std::vector<waiting> line;
  };

  explicit dirty_queue(std::size_t limit) noexcept : limit_(limit) {}

  /// The key was changed (again). When the queue is full the oldest change moves to `dropped`; true then.
  bool add(change c, change& dropped);

  /// The oldest change, taken out: it is on its way now. False when there is none.
  bool take(change& out);

  /// Puts back what was taken and could not be sent; the same as arrived and add.
  bool put_back(change c, change& dropped);

  /// What was taken out under this key is no longer on its way.
  void arrived(const key128& key);

  /// The shared tier will not be told of this key's change, which does not wait to be taken.
  void give_up(const key128& key);

  /// Takes out everybody who waits for a change that has not been taken yet; the changes stay.
  std::vector<waiting> take_waiting();

  /// The change waits to be taken.
  bool contains(const key128& key) const { return changes_.contains(key); }

  /// Whether the change of any such key waits to be taken.
  template <class Which>
  bool any_of(Which&& which) const {
    return std::any_of(changes_.begin(), changes_.end(), [&](const auto& at) { return which(at.first); });
  }

  /// What lies under the key in the shared tier may be older than what was put here.
  bool is_behind(const key128& key) const {
    return changes_.contains(key) || away_.contains(key) || given_up_.contains(key);
  }

  std::size_t size() const noexcept { return changes_.size(); }
  std::size_t bytes() const noexcept;

  /// Recounts.
  bool sound() const;

 private:
  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };

  static std::size_t bytes_of(const change& c) noexcept;
  bool take_oldest(change& out);

  std::size_t limit_;
  std::size_t bytes_ = 0;  // of names and lines
  std::unordered_map<key128, change, key_hash> changes_;
  std::deque<key128> order_;
  std::unordered_map<key128, std::uint32_t, key_hash> away_;      // how often each key is on its way
  std::unordered_map<key128, std::uint64_t, key_hash> given_up_;  // the number of the giving up
  std::deque<std::pair<key128, std::uint64_t>> given_up_order_;   // what was changed since has another number by now
  std::uint64_t last_given_up_ = 0;
};

}  // namespace aicache
