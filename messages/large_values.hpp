#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/chunks/value_assembly.hpp"
#include "engine/shard/batch.hpp"
#include "messages/caf_version.hpp"

// Values that are too large to stand in a message to another machine: whoever has one says what it is and who gives it out,
// and the other side pulls it, piece by piece.
namespace aicache {

/// Give me these bytes of the value (whoever receives it to its courier). No bytes: I have what I need.
struct pull_piece {
  std::uint32_t from = 0;
  std::uint32_t size = 0;
};
AICACHE_INSPECT(pull_piece, a, b)

/// Here they are. Never printed: they are what a user was told.
struct value_piece {
  std::uint32_t from = 0;
  std::string bytes;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, value_piece& x) {
    if constexpr (std::is_same_v<Inspector, caf::detail::stringification_inspector>) {
      std::size_t size = x.bytes.size();
      return f(caf::meta::type_name("aicache::value_piece"), x.from, size);
    } else {
      return f(caf::meta::type_name("aicache::value_piece"), x.from, x.bytes);
    }
  }
};

/// Gives out one value to one receiver, and ends with the receiver, or when nobody has pulled for a while.
using courier_actor = caf::typed_actor<caf::replies_to<pull_piece>::with<value_piece>>;

/// A value that is missing in the body beside it.
struct large_value {
  std::uint32_t position = 0;           ///< of its item or result
  get_status status = get_status::hit;  ///< of its result, which says `pending` until the value is there
  value_claim claim;
  courier_actor courier;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, large_value& x) {
    answer_facts& facts = x.claim.facts;
    auto status = static_cast<std::uint8_t>(x.status);
    const auto members = [&] {
      return f(caf::meta::type_name("aicache::large_value"), x.position, status, x.claim.size, facts.input_tokens,
               facts.output_tokens, facts.model_ms, facts.text_bytes, x.claim.checksum, x.courier);
    };
    if constexpr (Inspector::writes_state) {
      if (auto why = members()) return why;
      if (status > static_cast<std::uint8_t>(get_status::negative)) return caf::sec::runtime_error;
      x.status = static_cast<get_status>(status);
      return caf::none;
    } else {
      return members();
    }
  }
};
using large_values = std::vector<large_value>;

/// What messages have that never carry values.
struct no_large_values {
  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, no_large_values&) {
    return f();
  }
};

}  // namespace aicache
