#include "engine/search/glob.hpp"

#include <cstddef>
#include <utility>

namespace aicache {

namespace {

constexpr auto nowhere = std::string_view::npos;

// One bracket against one byte: `at` stands behind the '[', and afterwards behind what the bracket takes.
bool fits_bracket(std::string_view pattern, std::size_t& at, char c) noexcept {
  const std::size_t n = pattern.size();
  const bool except = at < n && pattern[at] == '^';
  if (except) ++at;
  bool fits = false;
  for (; at < n; ++at) {
    if (pattern[at] == '\\' && n - at >= 2) {
      ++at;
      fits = fits || pattern[at] == c;
    } else if (pattern[at] == ']') {
      ++at;
      break;
    } else if (n - at >= 3 && pattern[at + 1] == '-') {
      // Signed, as bytes are there.
      auto from = static_cast<signed char>(pattern[at]);
      auto to = static_cast<signed char>(pattern[at + 2]);
      if (from > to) std::swap(from, to);
      fits = fits || (static_cast<signed char>(c) >= from && static_cast<signed char>(c) <= to);
      at += 2;
    } else {
      fits = fits || pattern[at] == c;
    }
  }
  return fits != except;
}

// One element of a pattern, which is no star, against one byte; `at` moves behind it.
bool fits_one(std::string_view pattern, std::size_t& at, char c) noexcept {
  const char element = pattern[at++];
  if (element == '?') return true;
  if (element == '[') return fits_bracket(pattern, at, c);
  if (element == '\\' && at < pattern.size()) return pattern[at++] == c;
  return element == c;
}

}  // namespace

// Whatever stands between two stars has one length, so only the last star ever needs to take more.
bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  std::size_t in_pattern = 0;
  std::size_t in_text = 0;
  std::size_t behind_star = nowhere;
  std::size_t star_ends = 0;
  while (in_text < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      behind_star = ++in_pattern;
      star_ends = in_text;
      continue;
    }
    if (in_pattern < pattern.size() && fits_one(pattern, in_pattern, text[in_text])) {
      ++in_text;
      continue;
    }
    if (behind_star == nowhere) return false;
    in_pattern = behind_star;
    in_text = ++star_ends;
  }
  return pattern.find_first_not_of('*', in_pattern) == nowhere;
}

std::string glob_quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '*' || c == '?' || c == '[' || c == ']' || c == '^' || c == '-' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace aicache
