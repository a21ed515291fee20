#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace aicache::architecture {

/// What `without_comments` does with the contents of string and character literals.
enum class literals { kept, blanked };

/// True for a character that may stand inside a C++ identifier.
inline bool in_identifier(char c) noexcept { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// True when the quote at `at` opens a raw string: an R stands before it, alone or after an encoding prefix.
inline bool opens_raw_string(std::string_view source, std::size_t at) noexcept {
  auto begin = at;
  while (begin > 0 && in_identifier(source[begin - 1])) --begin;
  auto prefix = source.substr(begin, at - begin);
  return prefix == "R" || prefix == "u8R" || prefix == "uR" || prefix == "UR" || prefix == "LR";
}

/// The end (one past the closing quote) of the literal whose opening quote is at `at`.
inline std::size_t literal_end(std::string_view source, std::size_t at) {
  auto quote = source[at];
  if (quote == '"' && opens_raw_string(source, at)) {
    auto open = std::min(source.find('(', at), source.size() - 1);
    std::string closing = ")";
    closing.append(source.substr(at + 1, open - at - 1)).append("\"");
    auto end = source.find(closing, open);
    return end == std::string_view::npos ? source.size() : end + closing.size();
  }
  for (auto i = at + 1; i < source.size() && source[i] != '\n'; ++i) {
    if (source[i] == '\\') {
      ++i;
    } else if (source[i] == quote) {
      return i + 1;
    }
  }
  return std::min(source.find('\n', at), source.size());
}

/// The end of the comment that starts at `at`.
inline std::size_t comment_end(std::string_view source, std::size_t at) {
  if (source[at + 1] == '/') return std::min(source.find('\n', at), source.size());
  auto end = source.find("*/", at + 2);
  return end == std::string_view::npos ? source.size() : end + 2;
}

/// C++ source with its comments replaced by blanks, and on demand its literals too. Line ends stay, so
/// what is found in the result has the line number that it has in the file.
inline std::string without_comments(std::string_view source, literals what) {
  std::string out(source);
  auto blank = [&out](std::size_t from, std::size_t to) {
    for (auto i = from; i < to; ++i)
      if (out[i] != '\n') out[i] = ' ';
  };
  for (std::size_t at = 0; at < source.size();) {
    auto c = source[at];
    auto next = at + 1 < source.size() ? source[at + 1] : '\0';
    // An apostrophe inside a number (1'000) is no quote.
    auto separator =
        c == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(source[at - 1])) != 0 && in_identifier(next);
    auto end = at + 1;
    if (c == '/' && (next == '/' || next == '*')) {
      end = comment_end(source, at);
      blank(at, end);
    } else if (c == '"' || (c == '\'' && !separator)) {
      end = literal_end(source, at);
      if (what == literals::blanked) blank(at, end);
    }
    at = end;
  }
  return out;
}

/// The lines of a text, without their ends.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Whether `word` stands in `line` on its own: not as a part of a longer identifier. A `*` at the end
/// of the word matches longer identifiers too.
inline bool has_word(std::string_view line, std::string_view word) {
  auto open_ended = word.ends_with('*');
  if (open_ended) word.remove_suffix(1);
  for (auto at = line.find(word); at != std::string_view::npos; at = line.find(word, at + 1)) {
    auto end = at + word.size();
    auto starts = !in_identifier(word.front()) || at == 0 || !in_identifier(line[at - 1]);
    auto ends = open_ended || !in_identifier(word.back()) || end == line.size() || !in_identifier(line[end]);
    if (starts && ends) return true;
  }
  return false;
}

/// The whole contents of a file; empty when it cannot be read.
inline std::string contents_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace aicache::architecture
