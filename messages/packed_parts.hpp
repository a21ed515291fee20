#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/outcome.hpp"
#include "engine/shard/batch.hpp"

// What packed bodies are made of; messages/packed.hpp and messages/packed_transfer.hpp say which body of which parts.
namespace aicache::packed {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

/// Writes a packed body.
class writer {
 public:
  template <class Number>
  void number(Number n) {
    static_assert(std::is_arithmetic_v<Number> || std::is_enum_v<Number>);
    out_.append(reinterpret_cast<const char*>(&n), sizeof n);
  }
  void bytes(const void* at, std::size_t n) { out_.append(static_cast<const char*>(at), n); }
  void string(std::string_view s) {
    number(static_cast<std::uint32_t>(s.size()));
    out_.append(s);
  }
  void reserve(std::size_t n) { out_.reserve(n); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads one. Every read that goes beyond the end makes the reader bad, and gives zeros.
class reader {
 public:
  explicit reader(std::string_view in) : in_(in) {}
  template <class Number>
  Number number() {
    Number n{};
    if (const char* at = take(sizeof n)) std::memcpy(&n, at, sizeof n);
    return n;
  }
  /// An enumeration whose values are 0 to `last`.
  template <class Enum>
  Enum one_of(Enum last) {
    const auto n = number<std::uint8_t>();
    if (n > static_cast<std::uint8_t>(last)) bad_ = true;
    return static_cast<Enum>(n);
  }
  bool flag() {
    const auto n = number<std::uint8_t>();
    if (n > 1) bad_ = true;
    return n == 1;
  }
  std::string_view string() {
    const auto n = number<std::uint32_t>();
    const char* at = take(n);
    return at == nullptr ? std::string_view{} : std::string_view{at, n};
  }
  void bytes(void* to, std::size_t n) {
    if (const char* at = take(n)) std::memcpy(to, at, n);
  }
  /// A count of elements of at least `smallest` bytes each: no more than can really follow.
  std::size_t count(std::size_t smallest) {
    const auto n = number<std::uint32_t>();
    if (n > in_.size() / smallest) bad_ = true;
    return bad_ ? 0 : n;
  }
  outcome<void> done() const {
    if (bad_ || !in_.empty()) return fault{errc::corrupt, "a packed batch does not parse"};
    return {};
  }
  bool bad() const noexcept { return bad_; }
  void spoil() noexcept { bad_ = true; }

 private:
  const char* take(std::size_t n) {
    if (bad_ || n > in_.size()) {
      bad_ = true;
      return nullptr;
    }
    const char* at = in_.data();
    in_.remove_prefix(n);
    return at;
  }
  std::string_view in_;
  bool bad_ = false;
};

inline constexpr std::size_t identity_bytes = 32;

inline void write(writer& w, const identity& id) { w.bytes(id.digest.data(), identity_bytes); }
inline void read(reader& r, identity& id) { r.bytes(id.digest.data(), identity_bytes); }

inline void write(writer& w, const std::shared_ptr<const name_lists>& names) {
  static const name_lists none;
  const name_lists& n = names ? *names : none;
  for (const auto* list : {&n.operations, &n.tenants, &n.models}) {
    w.number(static_cast<std::uint32_t>(list->size()));
    for (const std::string& s : *list) w.string(s);
  }
}
inline std::shared_ptr<const name_lists> read_names(reader& r) {
  auto n = std::make_shared<name_lists>();
  for (auto* list : {&n->operations, &n->tenants, &n->models}) {
    const std::size_t size = r.count(sizeof(std::uint32_t));
    list->reserve(size);
    for (std::size_t i = 0; i < size; ++i) list->emplace_back(r.string());
  }
  return n;
}

inline void write(writer& w, const blob_ref& value) {
  w.number(static_cast<std::uint8_t>(value ? 1 : 0));
  if (!value) return;
  const answer_facts& f = value->facts();
  for (std::uint32_t n : {f.input_tokens, f.output_tokens, f.model_ms, f.text_bytes}) w.number(n);
  w.string({reinterpret_cast<const char*>(value->data()), value->size()});
}
inline blob_ref read_value(reader& r) {
  if (!r.flag()) return {};
  answer_facts f;
  for (std::uint32_t* n : {&f.input_tokens, &f.output_tokens, &f.model_ms, &f.text_bytes})
    *n = r.number<std::uint32_t>();
  const std::string_view bytes = r.string();
  if (f.text_bytes > bytes.size()) r.spoil();
  if (r.bad()) return {};
  blob_ref b = blob::make_uninitialised(bytes.size(), f);
  if (!bytes.empty()) std::memcpy(b->writable(), bytes.data(), bytes.size());
  return b;
}
inline std::size_t size_of(const blob_ref& value) { return value ? value->size() + 21 : 1; }

}  // namespace aicache::packed
