#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "engine/identity/identify.hpp"
#include "engine/outcome.hpp"
#include "engine/redis/link_requests.hpp"
#include "engine/search/memory_search.hpp"
#include "engine/search/name_page.hpp"
#include "engine/shared/shared_codec.hpp"
#include "engine/shared/sweep_core.hpp"
#include "engine/shared/traffic.hpp"

namespace aicache {

/// What is done with what a search finds.
enum class search_purpose : std::uint8_t { list, count, erase };

/// What is searched: a tenant's generic entries whose keys fit a pattern, or, only to be counted, what a scope means.
struct search_request {
  search_purpose purpose = search_purpose::list;
  std::string tenant;
  std::string pattern;
  std::optional<sweep_request> what = {};
  std::string after = {};     ///< of a list: only keys behind this one
  std::size_t limit = 1'000;  ///< of a list
};

/// What came of it.
struct search_result {
  errc why = errc::none;  ///< unavailable: a part of memory could not be searched, or of what was found not all erased
  bool all_of_redis = false;  ///< Redis was searched to its end, or there is none
  std::uint64_t in_memory = 0;
  std::uint64_t in_redis = 0;
  std::vector<std::string> keys = {};  ///< of a list, in order
  bool more = false;                   ///< there are keys behind the last of these

  friend bool operator==(const search_result&, const search_result&) = default;
};

/// Finds what nobody can name, in the memory of a node and in Redis.
///
/// Shape      one step at a time: each call returns what is to be asked next, and is followed by the call that bears the
///            answer, or by `failed`. First Redis, master after master: SCAN a batch; of what is found the heads (for a
///            scope) or, by groups of bounded size, the whole entries, since a key stands only where the bytes do, which
///            may be encrypted; then whether it is alive. After that memory, shard after shard, in bounded steps
/// Owner      one search; not thread-safe; is told the time
/// Fails      what of Redis cannot be read ends the search of Redis, and `all_of_redis` says so; what of memory cannot be
///            searched is passed over, and `why` says so
/// Invariant  no entry is listed or erased but one whose identity is that of the tenant and the key that it says, so no
///            tenant ever sees another's; each is counted once
/// Cost       O(entries of the tenant) in Redis, O(all entries) in memory; counting remembers 16 bytes of each
class search_core {
 public:
  struct options {
    std::string prefix;
    std::uint32_t shards = 1;
    bool shared = false;  ///< there is a Redis
    identity_options names = {};
    shared_codec::options codec = {};
    std::shared_ptr<const key_ring> keys = nullptr;
    std::size_t batch = 256;                        ///< keys of Redis in one step
    std::uint64_t group_bytes = 4ULL << 20;         ///< of entries that are read at once, but for a single one
    std::size_t page_bytes = std::size_t{1} << 20;  ///< of keys in one list
  };

  struct ask_shard {
    std::uint32_t shard = 0;
    memory_search what;
  };
  struct ask_redis {
    std::vector<link_command> commands;
  };
  /// Whether Redis may be searched, and which of these are alive.
  struct ask_alive {
    std::vector<shared_entry> entries;
  };
  /// How many of these are in memory.
  struct count_in_memory {
    std::vector<identity> ids;
  };
  struct erase {
    std::vector<identity> ids;
  };
  struct end {
    search_result result;
  };
  using step = std::variant<ask_shard, ask_redis, ask_alive, count_in_memory, erase, end>;

  search_core(options o, search_request r);

  step begin();
  step memory(const memory_found& found);
  step redis(std::span<const link_reply> replies, instant now);
  step alive(bool available, std::uint32_t masters, const std::vector<bool>& alive);
  step counted(std::uint64_t entries);
  /// `all`: no erasure has failed.
  step erased(bool all);
  /// There is no answer to what was asked last.
  step failed();

  const search_request& wanted() const noexcept { return wanted_; }

 private:
  enum class state : std::uint8_t {
    sharing,
    scanning,
    measuring,
    reading_heads,
    reading,
    judging,
    counting,
    erasing_shared,
    searching,
    erasing,
    ended
  };
  struct candidate {
    identity id;
    std::string name;
    shared_entry about;
  };
  struct key_hash {
    std::size_t operator()(const key128& k) const noexcept { return k.lo; }
  };

  step scan();
  step read_group();
  step go_on_in_redis();
  step end_redis(bool complete);
  step search_memory();
  step go_on_in_memory();
  step scanned(const link_reply& r);
  step judge();
  void take_value(const std::string& redis_key, std::string_view bytes, instant now);
  void take_head(const std::string& redis_key, std::string_view bytes, instant now);
  bool is_meant(const std::string& tenant, const std::string& operation, const generation_list& tags) const;
  std::optional<identity> identity_of(std::string_view name);

  options options_;
  search_request wanted_;
  search_result result_;
  name_page page_;
  identifier identifier_;
  shared_codec codec_;
  state state_ = state::sharing;
  std::uint32_t masters_ = 1;
  std::uint32_t master_ = 0;
  std::string cursor_ = "0";
  std::vector<std::string> keys_;     // of Redis, that the last SCAN brought
  std::vector<std::uint64_t> sizes_;  // of what lies there
  std::size_t read_through_ = 0;      // of keys_
  std::size_t group_ = 0;             // keys that are being read
  std::vector<candidate> candidates_;
  std::vector<identity> found_;  // to be erased
  std::uint32_t shard_ = 0;
  std::optional<memory_cursor> from_;
  unsigned restarts_ = 0;
  std::unordered_set<key128, key_hash> seen_;
};

}  // namespace aicache
