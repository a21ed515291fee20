#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/redis/reply.hpp"

struct redisReader;

namespace aicache {

/// Parses what a Redis server sends (RESP2), with hiredis, and believes none of its claims.
///
/// Shape      feed bytes as they come, then take replies until there is no whole one left. Replies are built in place
///            by hiredis's object functions, one copy from its buffer
/// Owner      one connection; not thread-safe
/// Fails      next says broken, for good, when the bytes are no replies, when one is longer than `reply_bytes` or has
///            more than `most_parts` parts, or when there is no memory
/// Invariant  memory follows what came, never what was announced: a reply holds at most `reply_bytes` of text and
///            `most_parts` parts, nested nine deep at most
class reply_reader {
 public:
  /// hiredis moves the rest of its buffer after each reply: more at a time makes it slow.
  static constexpr std::size_t feed_bytes = 16 << 10;
  static constexpr std::size_t most_parts = 1 << 18;

  enum class progress : std::uint8_t {
    reply,   ///< `out` is the next reply
    more,    ///< feed more
    broken,  ///< drop the connection
  };

  explicit reply_reader(std::size_t reply_bytes);
  ~reply_reader();
  reply_reader(const reply_reader&) = delete;
  reply_reader& operator=(const reply_reader&) = delete;

  void feed(std::string_view bytes);
  progress next(redis_reply& out);

  /// What is wrong, for a log; empty before next said broken.
  std::string_view why() const noexcept { return why_; }

 private:
  friend struct reply_builder;
  progress broken(std::string_view why) noexcept;

  std::size_t reply_bytes_;
  redisReader* reader_;
  redis_reply root_;          // the reply under construction
  std::size_t parts_ = 0;     // of it
  std::size_t unparsed_ = 0;  // bytes fed since the last whole reply
  std::string_view why_;
};

}  // namespace aicache
