#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/types.hpp"

namespace aicache {

/// Where an answer came from that a model did not have to make.
enum class saving : std::uint8_t {
  hot = 0,
  warm = 1,
  shared = 2,
  parked = 3,  ///< another caller's computation, shared while it ran
  stale = 4,   ///< an answer past its time, served because a new one could not be had
};

inline constexpr std::size_t saving_count = 5;

constexpr const char* to_string(saving s) noexcept {
  switch (s) {
    case saving::warm: return "warm";
    case saving::shared: return "shared";
    case saving::parked: return "parked";
    case saving::stale: return "stale";
    case saving::hot: break;
  }
  return "hot";
}

/// The saving of a hit; a tier of none, which is no hit, counts as hot.
constexpr saving saving_of(tier t) noexcept {
  switch (t) {
    case tier::warm: return saving::warm;
    case tier::shared: return saving::shared;
    case tier::parked: return saving::parked;
    case tier::hot:
    case tier::none: break;
  }
  return saving::hot;
}

/// What was saved: exact sums, never rounded. Aligned so that a hit adds two of them at a time.
struct alignas(16) saved_amount {
  std::uint64_t calls = 0;
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t model_ms = 0;

  saved_amount& operator+=(const saved_amount& more) noexcept {
    calls += more.calls;
    input_tokens += more.input_tokens;
    output_tokens += more.output_tokens;
    model_ms += more.model_ms;
    return *this;
  }
  friend saved_amount operator-(saved_amount a, const saved_amount& b) noexcept {
    return {a.calls - b.calls, a.input_tokens - b.input_tokens, a.output_tokens - b.output_tokens,
            a.model_ms - b.model_ms};
  }
  friend bool operator==(const saved_amount&, const saved_amount&) = default;
};

/// What was saved, by where the answers came from. A call is in exactly one of them.
struct ledger_figures {
  std::array<saved_amount, saving_count> by{};

  saved_amount& operator[](saving s) noexcept { return by[static_cast<std::size_t>(s)]; }
  const saved_amount& operator[](saving s) const noexcept { return by[static_cast<std::size_t>(s)]; }

  saved_amount total() const noexcept {
    saved_amount sum;
    for (const saved_amount& s : by) sum += s;
    return sum;
  }
  ledger_figures& operator+=(const ledger_figures& more) noexcept {
    for (std::size_t i = 0; i < saving_count; ++i) by[i] += more.by[i];
    return *this;
  }
  friend ledger_figures operator-(const ledger_figures& a, const ledger_figures& b) noexcept {
    ledger_figures d;
    for (std::size_t i = 0; i < saving_count; ++i) d.by[i] = a.by[i] - b.by[i];
    return d;
  }
  friend bool operator==(const ledger_figures&, const ledger_figures&) = default;
};

}  // namespace aicache
