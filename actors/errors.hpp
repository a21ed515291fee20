#pragma once

#include "engine/outcome.hpp"
#include "messages/caf_version.hpp"
#include "messages/packed.hpp"

// The one bridge between our codes and CAF's errors.
namespace aicache {

/// The category under which our codes travel in a caf::error.
inline constexpr auto error_category = caf::atom("aicache");

inline caf::error to_error(errc code) { return {static_cast<std::uint8_t>(code), error_category}; }
inline caf::error to_error(const fault& why) {
  return {static_cast<std::uint8_t>(why.code), error_category, caf::make_message(why.detail)};
}

/// Our code in a caf::error. What CAF itself reports means that the other side is not there, or late.
inline errc to_errc(const caf::error& why) {
  if (why.category() == error_category)
    return why.code() <= static_cast<std::uint8_t>(packed::last_errc) ? static_cast<errc>(why.code()) : errc::internal;
  if (why == caf::sec::request_timeout) return errc::deadline;
  if (why == caf::sec::runtime_error) return errc::internal;
  return errc::unavailable;
}

/// Keeps an actor alive whatever others make of its messages: by default CAF ends the sender of a message that its
/// receiver did not expect, and prints what was unexpected.
template <class Self>
void take_no_offence(Self* self) {
  self->set_error_handler([](caf::error&) {});
  self->set_default_handler(caf::drop);
}

}  // namespace aicache
