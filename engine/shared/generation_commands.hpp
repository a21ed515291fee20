#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/redis/link_requests.hpp"
#include "engine/shared/generation_book.hpp"

namespace aicache {

/// A scope and the generation of its last invalidation.
struct numbered_scope {
  scope what;
  generation number = 0;

  friend bool operator==(const numbered_scope&, const numbered_scope&) = default;
};

/// One page of what Redis knows of the generations.
struct generations_page {
  generation newest = 0;
  generation through = 0;    ///< all that was invalidated up to here is in the page, or was in one before
  generation floor = 0;      ///< what was born before belongs to scopes that Redis has forgotten
  generation key_floor = 0;  ///< of keys it has forgotten the invalidations up to here
  std::uint64_t scopes = 0;  ///< that Redis remembers
  std::uint64_t keys = 0;
  std::string run;             ///< the server's run id: another after every restart; empty if it does not tell
  std::uint64_t restored = 0;  ///< how often generations were told again
  std::vector<numbered_scope> raised;
};

/// What was heard on the channel.
struct generation_announcement {
  generation number = 0;     ///< 0: read again
  std::uint64_t origin = 0;  ///< of the node that did it
  std::vector<scope> scopes;
};

/// Makes the commands by which nodes share their generations, and reads the replies.
///
/// Shape      three scripts over keys under "PREFIX:{generations}", which is also the name of the channel
/// Fails      what does not parse is refused as a whole, except a scope of a kind that is unknown here (written by a
///            newer version): it counts as everything, too much rather than too little
class generation_commands {
 public:
  /// `origin` tells this node's announcements from others'.
  generation_commands(std::string_view prefix, generation_book::limits limits, std::uint64_t origin);

  link_command invalidate(std::span<const scope> scopes) const;
  link_command learn(generation since, std::size_t page) const;
  /// As many commands as the scopes need, to be carried out in order.
  std::vector<link_command> restore(generation newest, generation floor, generation key_floor,
                                    std::span<const numbered_scope> scopes) const;

  const std::string& channel() const noexcept { return base_; }

  /// The generation that an invalidation got; 0 when the reply holds none.
  static generation number_in(const redis_reply& reply) noexcept;
  static bool read_page(const redis_reply& reply, generations_page& out);
  static bool read_announcement(std::string_view text, generation_announcement& out);

 private:
  link_command command(std::string_view script) const;

  std::string base_;
  generation_book::limits limits_;
  std::string origin_;
};

}  // namespace aicache
