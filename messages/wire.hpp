#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/identity/identify.hpp"
#include "engine/shard/batch.hpp"
#include "engine/statistics/totals.hpp"
#include "messages/caf_version.hpp"
#include "messages/large_values.hpp"
#include "messages/packed.hpp"

// Everything that crosses a mailbox. A batch carries its body by reference; in process the shard fills the results in
// place, over a network the body is packed. Bodies are never printed: they hold what users asked and were told.
namespace aicache {

namespace wire {

template <class Inspector>
inline constexpr bool prints = std::is_same_v<Inspector, caf::detail::stringification_inspector>;

/// No error, when the code is one of ours.
inline caf::error checked(errc why) {
  return why <= packed::last_errc ? caf::error{} : caf::error{caf::sec::runtime_error};
}

/// Sends the items of a body one way, or its results the other.
template <bool Results, class Body>
struct cargo {
  std::shared_ptr<Body>& body;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, cargo& x) {
    if constexpr (prints<Inspector>) {
      std::size_t items = x.body ? x.body->items.size() : 0;
      return f(items);
    } else if constexpr (Inspector::writes_state) {
      std::string bytes;
      if (auto why = f(bytes)) return why;
      // A packed body is never empty: this one is none, as in the refusal of a whole batch.
      x.body = bytes.empty() ? nullptr : std::make_shared<Body>();
      if (!x.body) return caf::none;
      const outcome<void> done =
          Results ? packed::unpack_results(bytes, *x.body) : packed::unpack_items(bytes, *x.body);
      if (!done) return caf::sec::runtime_error;
      return caf::none;
    } else {
      std::string bytes;
      if (x.body) bytes = Results ? packed::pack_results(*x.body) : packed::pack_items(*x.body);
      return f(bytes);
    }
  }
};

}  // namespace wire

/// What an operation asks of one shard.
#define AICACHE_BATCH(name, body_type, large_type)                                                             \
  struct name {                                                                                                \
    std::uint64_t correlation = 0; /* the sender's; comes back with the answer */                              \
    std::int64_t wait_ms = 0;      /* how long a get may park, or wait for a worker; to a front also the     \
                                      deadline, 0 for the default of a call */ \
    bool partial = false;          /* the sender takes pending results as late_reply messages */               \
    std::int64_t sent_ns = 0;      /* the sender's monotonic clock; 0 when it is not the receiver's */         \
    std::shared_ptr<body_type> body;                                                                           \
    [[no_unique_address]] large_type large = {}; /* values that are missing in the body */                     \
    template <class Inspector>                                                                                 \
    friend typename Inspector::result_type inspect(Inspector& f, name& x) {                                    \
      if constexpr (Inspector::writes_state) x.sent_ns = 0;                                                    \
      wire::cargo<false, body_type> items{x.body};                                                             \
      return f(caf::meta::type_name("aicache::" #name), x.correlation, x.wait_ms, x.partial, items, x.large);  \
    }                                                                                                          \
  };

/// What a shard answers: `why` is not none when it refused the batch as a whole.
#define AICACHE_REPLY(name, body_type, large_type)                                                 \
  struct name {                                                                                    \
    std::uint64_t correlation = 0;                                                                 \
    errc why = errc::none;                                                                         \
    std::shared_ptr<body_type> body;                                                               \
    [[no_unique_address]] large_type large = {}; /* values that are missing in the body */         \
    template <class Inspector>                                                                     \
    friend typename Inspector::result_type inspect(Inspector& f, name& x) {                        \
      wire::cargo<true, body_type> results{x.body};                                                \
      if constexpr (Inspector::writes_state) {                                                     \
        if (auto failed = f(x.correlation, x.why, results, x.large)) return failed;                \
        return wire::checked(x.why);                                                               \
      } else {                                                                                     \
        return f(caf::meta::type_name("aicache::" #name), x.correlation, x.why, results, x.large); \
      }                                                                                            \
    }                                                                                              \
  };

AICACHE_BATCH(get_batch, get_body, no_large_values)
AICACHE_REPLY(get_reply, get_body, large_values)
AICACHE_BATCH(put_batch, put_body, large_values)
AICACHE_REPLY(put_reply, put_body, no_large_values)
AICACHE_BATCH(erase_batch, key_body, no_large_values)
AICACHE_REPLY(erase_reply, key_body, no_large_values)
AICACHE_BATCH(exists_batch, key_body, no_large_values)
AICACHE_REPLY(exists_reply, key_body, no_large_values)
AICACHE_BATCH(time_left_batch, key_body, no_large_values)
AICACHE_REPLY(time_left_reply, key_body, no_large_values)
AICACHE_BATCH(touch_batch, key_body, no_large_values)
AICACHE_REPLY(touch_reply, key_body, no_large_values)
AICACHE_BATCH(release_batch, key_body, no_large_values)
AICACHE_REPLY(release_reply, key_body, no_large_values)
#undef AICACHE_BATCH
#undef AICACHE_REPLY

/// Results that were pending when the batch was answered, as they came together.
struct late_reply {
  std::uint64_t correlation = 0;
  std::vector<late_result> results;
  instant now;              ///< when the shard answered, on the node's time line
  large_values large = {};  ///< values that are missing in the results, by their positions in the batch

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, late_reply& x) {
    if constexpr (wire::prints<Inspector>) {
      std::size_t results = x.results.size();
      return f(caf::meta::type_name("aicache::late_reply"), x.correlation, results, x.now.ms);
    } else if constexpr (Inspector::writes_state) {
      std::string bytes;
      if (auto why = f(x.correlation, bytes, x.now.ms, x.large)) return why;
      if (!packed::unpack(bytes, x.results)) return caf::sec::runtime_error;
      return caf::none;
    } else {
      std::string bytes = packed::pack(x.results);
      return f(x.correlation, bytes, x.now.ms, x.large);
    }
  }
};

/// What a node tells its clients to obey before they send.
struct client_limits {
  std::uint64_t batch_keys = 4'096;
  std::uint64_t in_flight_keys = 262'144;  ///< per shard and client
  std::uint64_t text_bytes = 8 << 20;
  std::uint64_t options_bytes = 64 << 10;
  std::uint64_t value_bytes = 16 << 20;
  std::uint32_t small_text = 500;  ///< code points; from here on a text is medium, and so on
  std::uint32_t medium_text = 5'000;
  std::uint32_t large_text = 50'000;
  bool unicode_nfc = false;
  bool line_ends = false;
  bool trailing_blanks = false;

  friend bool operator==(const client_limits&, const client_limits&) = default;
};
AICACHE_INSPECT(client_limits, a, b, c, d, e, g, h, i, j, k, l)

}  // namespace aicache
