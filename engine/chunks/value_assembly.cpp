#include "engine/chunks/value_assembly.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace aicache {

value_claim claim_of(const blob& raw) noexcept {
  return {raw.size(), raw.facts(), XXH3_64bits(raw.data(), raw.size())};
}

value_assembly::value_assembly(const value_claim& claim)
    : claim_(claim), value_(blob::make_uninitialised(claim.size, claim.facts)) {}

std::optional<value_assembly::wanted> value_assembly::next() noexcept {
  if (asked_ == claim_.size || asked_ - taken_ > piece_bytes) return std::nullopt;
  const wanted w{asked_, std::min(piece_bytes, claim_.size - asked_)};
  asked_ += w.size;
  return w;
}

errc value_assembly::take(std::uint32_t from, std::string_view bytes) noexcept {
  if (from != taken_ || bytes.empty() || bytes.size() != std::min(piece_bytes, claim_.size - taken_) ||
      bytes.size() > asked_ - taken_)
    return errc::corrupt;
  std::memcpy(value_->writable() + from, bytes.data(), bytes.size());
  taken_ += static_cast<std::uint32_t>(bytes.size());
  return errc::none;
}

outcome<blob_ref> value_assembly::finish() {
  if (!is_whole() || claim_.facts.text_bytes > claim_.size ||
      XXH3_64bits(value_->data(), value_->size()) != claim_.checksum)
    return fault{errc::corrupt, "a value that came in pieces is not what was claimed"};
  return std::move(value_);
}

}  // namespace aicache
