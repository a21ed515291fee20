#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aicache::config {

/// A value, or in a few words why there is none ("has no unit").
template <class T>
struct parsed {
  std::optional<T> value;
  std::string refusal;
};

/// Sizes and lengths of time as people write them.
///
/// Units      sizes: none, KiB, MiB, GiB, TiB (powers of 1024); times: ms, s, m, h, d, never none
/// Fails      in words, for what is empty, negative, no whole number, without a known unit, or too large for
///            the type; blanks are not skipped
/// Invariant  reading a spelling gives the value again; a spelling uses the largest unit that leaves a whole number
parsed<std::uint64_t> read_size(std::string_view text);
parsed<std::chrono::milliseconds> read_time(std::string_view text);
parsed<std::int64_t> read_whole_number(std::string_view text);
std::string spell_size(std::uint64_t bytes);
std::string spell_time(std::chrono::milliseconds time);

/// The text between quotation marks, escaped as TOML's basic strings are: no control character survives.
std::string in_quotes(std::string_view text);

/// The same, shortened to what a message can carry.
std::string in_short_quotes(std::string_view text);

}  // namespace aicache::config
