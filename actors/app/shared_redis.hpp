#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/redis/legacy_source.hpp"
#include "config/sources.hpp"
#include "engine/shared/redis_key.hpp"
#include "engine/shared/shared_codec.hpp"

namespace aicache::app {

/// What lies under a key of ours in Redis.
struct shared_entry {
  enum class state : std::uint8_t {
    found,
    missing,     ///< or its life was over while it was read
    unreadable,  ///< it does not verify: damaged, another version, or a key of encryption that is not known
  };
  state what = state::missing;
  redis_key_parts name;
  opened_answer answer;
  std::optional<duration> left;  ///< of its life, as Redis has it
};

/// The Redis of a node, read by a program beside it, by the node's own settings. It only reads, in bounded batches.
///
/// Owner      one thread
/// Fails      open: invalid_argument for settings that are wrong or name no Redis; unavailable when it cannot be reached,
///            also later
class shared_redis {
 public:
  static outcome<std::unique_ptr<shared_redis>> open(const config::sources& from);

  /// The next few keys of ours, and the cursor to go on with: "0" when all have been seen. Begins with "0".
  outcome<std::string> scan(const std::string& cursor, std::vector<std::string>& keys);

  /// Tells what lies under each key, in their order.
  outcome<void> read(std::span<const std::string> keys,
                     const std::function<void(std::size_t place, shared_entry& found)>& take);

  /// How many keys there are, of any kind.
  outcome<std::uint64_t> size() { return source_->size(); }

  /// Where it is, without secrets, and under which prefix.
  const std::string& where() const noexcept { return where_; }
  const std::string& prefix() const noexcept { return prefix_; }

 private:
  shared_redis(std::unique_ptr<legacy_source> source, const shared_codec::options& o,
               std::shared_ptr<const key_ring> keys)
      : source_(std::move(source)), codec_(o, std::move(keys)) {}

  std::unique_ptr<legacy_source> source_;
  shared_codec codec_;
  std::string prefix_;
  std::string where_;
};

}  // namespace aicache::app
