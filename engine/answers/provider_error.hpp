#pragma once

#include "engine/outcome.hpp"

namespace aicache {

/// An error that a model's provider gave, and not the caller's own code: worth to be told to whoever asks the same.
constexpr bool is_provider_error(errc why) noexcept {
  return why == errc::provider_rate_limited || why == errc::provider_refused || why == errc::provider_bad_request ||
         why == errc::provider_failed;
}

}  // namespace aicache
