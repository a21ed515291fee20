#include "engine/identity/normalise.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace aicache {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080ULL;

std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  for (std::uint64_t word; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if (word & high_bits) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

/// The length of the valid sequence at the beginning, 0 if there is none.
std::size_t sequence_length(const char* text, std::size_t size) noexcept {
  utf8proc_int32_t code_point;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text),
                                       static_cast<utf8proc_ssize_t>(size), &code_point);
  return length > 0 ? static_cast<std::size_t>(length) : 0;
}

/// Whether more bytes can make `text` valid. The bytes that may follow a lead form one range that
/// reaches to 80 or to BF, so these two decide.
bool can_be_completed(const char* text, std::size_t size) noexcept {
  for (const char filler : {'\x80', '\xbf'}) {
    std::array<char, 4> whole;
    whole.fill(filler);
    std::copy_n(text, size, whole.begin());
    if (sequence_length(whole.data(), whole.size()) > size) return true;
  }
  return false;
}

}  // namespace

outcome<void> compose_unicode(std::string_view text, std::string& out) {
  if (ascii_prefix(text) == text.size()) {
    out = text;
    return {};
  }
  utf8proc_uint8_t* composed = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned{composed, &std::free};
  if (size == UTF8PROC_ERROR_NOMEM || size == UTF8PROC_ERROR_OVERFLOW) {
    return fault{errc::overloaded, "no memory to normalise a text"};
  }
  if (size < 0) {
    out = text;
  } else {
    out.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size));
  }
  return {};
}

void line_normaliser::append(std::string_view chunk, std::string& out) {
  while (!chunk.empty()) {
    const std::size_t plain = std::min(chunk.find_first_of(" \t\r\n"), chunk.size());
    if (plain > 0) {
      out += blanks_;
      blanks_.clear();
      out += chunk.substr(0, plain);
      chunk.remove_prefix(plain);
      after_cr_ = false;
      continue;
    }
    const char c = chunk.front();
    chunk.remove_prefix(1);
    if (c == ' ' || c == '\t') {
      (drop_blanks_ ? blanks_ : out) += c;
      after_cr_ = false;
      continue;
    }
    const bool second_half = c == '\n' && after_cr_;
    blanks_.clear();
    after_cr_ = ends_as_lf_ && c == '\r';
    if (!second_half) out += ends_as_lf_ ? '\n' : c;
  }
}

void line_normaliser::finish() noexcept {
  blanks_.clear();
  after_cr_ = false;
}

void code_point_counter::append(std::string_view chunk) noexcept {
  while (held_ > 0 && !chunk.empty()) {
    head_[held_++] = chunk.front();
    chunk.remove_prefix(1);
    settle(true);
  }
  while (!chunk.empty()) {
    const std::size_t ascii = ascii_prefix(chunk);
    count_ += ascii;
    chunk.remove_prefix(ascii);
    if (chunk.empty()) return;
    const std::size_t length = sequence_length(chunk.data(), chunk.size());
    if (length == 0 && chunk.size() < head_.size() && can_be_completed(chunk.data(), chunk.size())) {
      std::copy(chunk.begin(), chunk.end(), head_.begin());
      held_ = chunk.size();
      return;
    }
    ++count_;
    chunk.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

std::uint64_t code_point_counter::finish() noexcept {
  settle(false);
  return std::exchange(count_, 0);
}

void code_point_counter::settle(bool more_may_come) noexcept {
  while (held_ > 0) {
    const std::size_t length = sequence_length(head_.data(), held_);
    if (length == 0 && more_may_come && can_be_completed(head_.data(), held_)) return;
    const std::size_t used = std::max<std::size_t>(length, 1);
    std::copy(head_.begin() + static_cast<std::ptrdiff_t>(used), head_.begin() + static_cast<std::ptrdiff_t>(held_),
              head_.begin());
    held_ -= used;
    ++count_;
  }
}

}  // namespace aicache
