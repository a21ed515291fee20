#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actors/redis/options.hpp"
#include "engine/outcome.hpp"
#include "engine/types.hpp"

namespace aicache {

/// What lies under one key of the Redis that is moved from.
struct legacy_entry {
  enum class state : std::uint8_t {
    found,
    missing,
    expired,  ///< while it was read
    foreign,  ///< a list, a hash or the like: no value of a cache
  };
  state what = state::missing;
  std::string value;
  std::optional<duration> left;  ///< of its life; none: it has no end
};

/// Reads the Redis of another cache, in the thread of who asks: for programs that have nothing else to do meanwhile. It
/// only reads, so credentials that may do no more suffice (GETRANGE, PTTL, SCAN, DBSIZE).
///
/// Shape      one connection, commands in pipelines; TCP, TLS or unix socket as the address says. Never KEYS
/// Owner      one thread
/// Fails      unavailable: nobody there, silent for longer than `patience`, refuses us, or a cluster, whose keys this
///            does not follow; after that it is of no more use. invalid_argument: a TLS file that cannot be used
/// Invariant  one value is held at a time, and at most `value_bytes` + 1 of it
class legacy_source {
 public:
  static outcome<std::unique_ptr<legacy_source>> connect(const redis_address& to, const tls_options& tls,
                                                         std::size_t value_bytes, duration patience = duration{10'000});
  ~legacy_source();
  legacy_source(const legacy_source&) = delete;
  legacy_source& operator=(const legacy_source&) = delete;

  /// Tells what lies under each key, in their order. Of a value that is too large only its beginning comes.
  outcome<void> read(std::span<const std::string> keys,
                     const std::function<void(std::size_t place, legacy_entry& found)>& take);

  struct scanned {
    std::string cursor;  ///< "0": all has been seen
    std::vector<std::string> keys;
  };
  /// The next few keys that match a glob pattern; begins with the cursor "0". A key that is there all the time is given
  /// at least once; the server may give one twice.
  outcome<scanned> scan(const std::string& cursor, const std::string& pattern, std::size_t about);

  /// How many keys there are, of any kind.
  outcome<std::uint64_t> size();

 private:
  struct connection;
  explicit legacy_source(std::unique_ptr<connection> c);

  std::unique_ptr<connection> connection_;
  std::string last_byte_;  // of a range that holds what is wanted of a value
};

}  // namespace aicache
