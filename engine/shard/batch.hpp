#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/key.hpp"
#include "engine/memory/blob.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

// What a shard is asked and what it answers, in batches: the batch is the message, a single get is the batch of one.
namespace aicache {

/// The names that the items of one batch refer to by number, so that an item carries no string.
struct name_lists {
  std::vector<std::string> operations;
  std::vector<std::string> tenants;
  std::vector<std::string> models = {};

  friend bool operator==(const name_lists&, const name_lists&) = default;
};

/// One question to a shard.
struct get_item {
  identity id;
  std::uint16_t operation = 0;  ///< place in the batch's list of operations
  std::uint16_t tenant = 0;     ///< place in the batch's list of tenants
  text_tier text = text_tier::small;
  bool lease = false;       ///< on a miss: the right to compute the answer, or a place in the line behind who has it
  std::uint16_t model = 0;  ///< place in the batch's list of models

  /// All names at once, to see whether two items of a batch have the same.
  std::uint64_t names() const noexcept {
    std::uint64_t eight;  // the names, and between them text and lease, which are struck out
    std::memcpy(&eight, reinterpret_cast<const char*>(this) + sizeof(identity), sizeof eight);
    return eight & (std::endian::native == std::endian::little ? 0xffff'0000'ffff'ffffULL : 0xffff'ffff'0000'ffffULL);
  }

  friend bool operator==(const get_item&, const get_item&) = default;
};

static_assert(sizeof(get_item) == sizeof(identity) + 8);

enum class get_status : std::uint8_t {
  miss = 0,     ///< no answer, and no right to keep others waiting for one
  hit = 1,      ///< `value` is the answer
  lease = 2,    ///< no answer; the caller shall compute it, and put or release it under `lease`
  pending = 3,  ///< another caller computes it; the result follows
  error = 4,    ///< `error` says why there is no result
  /// No answer, and asking the model is of no use before `expires`: `error` is what its provider said.
  negative = 5,
};

/// Whether an answer is past its time.
enum class staleness : std::uint8_t {
  fresh = 0,
  stale = 1,     ///< `value` is; a new one is being computed, or could not be had. With status lease: by this caller
  fallback = 2,  ///< with status lease, without a value: there is one, and it is served if this caller's put says that
                 ///< the computation failed
};

/// One answer of a shard.
struct get_result {
  get_status status = get_status::miss;
  tier from = tier::none;
  errc error = errc::none;
  staleness stale = staleness::fresh;
  std::uint16_t retrievals = 0;  ///< hits of this entry so far, this one included
  std::uint64_t lease = 0;
  blob_ref value;
  instant created;
  instant expires = never;
};

/// "As long as answers of its operation live", where a time to live is asked for.
inline constexpr std::int64_t own_lifetime = INT64_MAX;

/// An answer that was pending, and its place in the batch.
struct late_result {
  std::uint32_t position = 0;
  get_result result;
};

/// One answer to store; or, if its attributes say that it failed, the end of a computation without one.
struct put_item {
  identity id;
  std::uint16_t operation = 0;
  std::uint16_t tenant = 0;
  text_tier text = text_tier::small;
  std::uint64_t lease = 0;               ///< the lease under which it was computed, 0 for none
  std::int64_t ttl_ms = own_lifetime;    ///< its time to live; zero and less are refused
  blob_ref value;                        ///< raw bytes
  bool write_through = false;            ///< the result waits until the shared tier has it
  std::vector<std::uint64_t> tags = {};  ///< by which it can be invalidated; see tag_hash
};

enum class put_status : std::uint8_t {
  stored = 0,
  not_stored = 1,  ///< the answer reached whoever waited for it, but an invalidation has come in between
  refused = 2,     ///< `error` says which rule it broke; nothing was stored, nothing was evicted for it
  negative = 3,    ///< the provider's error is remembered for a while, and was told to whoever waited
};

/// What the shared tier has of an answer.
enum class shared_copy : std::uint8_t {
  later = 0,    ///< it is written behind, if there is a shared tier at all
  written = 1,  ///< the shared tier has it
  failed = 2,   ///< it could not be written; it is tried again, unless the shared tier refused it
};

struct put_result {
  put_status status = put_status::stored;
  errc error = errc::none;
  shared_copy shared = shared_copy::later;

  friend bool operator==(const put_result&, const put_result&) = default;
};

/// One name to do something simple with: erase, exists, touch, ttl, release.
struct key_item {
  identity id;
  std::int64_t argument = own_lifetime;  ///< touch: the new time to live in ms; release: the lease
  std::uint16_t operation = 0;           ///< place in the batch's list of operations
  std::uint16_t tenant = 0;              ///< place in the batch's list of tenants

  friend bool operator==(const key_item&, const key_item&) = default;
};

/// What became of it.
struct key_result {
  bool found = false;        ///< the entry was there (release: the lease was held)
  errc error = errc::none;   ///< touch: invalid_argument for a negative time
  std::int64_t left_ms = 0;  ///< ttl: what is left; INT64_MAX for an entry without end

  friend bool operator==(const key_result&, const key_result&) = default;
};

// One message's worth of each: the shard fills `results` in place, so that in process only a pointer travels. Whoever
// sent a body reads it again when the reply says so, not before.

struct get_body {
  std::shared_ptr<const name_lists> names;
  std::vector<get_item> items;
  std::vector<get_result> results;
  instant now;                       ///< when the shard answered, on the node's time line
  std::vector<std::uint32_t> calls;  ///< where each of several calls ends, if some were joined here; empty: it is one
};

struct put_body {
  std::shared_ptr<const name_lists> names;
  std::vector<put_item> items;
  std::vector<put_result> results;
};

struct key_body {
  std::shared_ptr<const name_lists> names;
  std::vector<key_item> items;
  std::vector<key_result> results;
};

}  // namespace aicache
