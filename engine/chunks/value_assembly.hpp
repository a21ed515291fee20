#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/memory/blob.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Values of more bytes than this travel between machines in pieces, so that small ones of the same connection come
/// between them.
inline constexpr std::uint32_t large_value_bytes = 256 << 10;
/// The most that is asked for at a time.
inline constexpr std::uint32_t piece_bytes = 256 << 10;

/// What is said of a value before its bytes come.
struct value_claim {
  std::uint32_t size = 0;
  answer_facts facts;
  std::uint64_t checksum = 0;

  friend bool operator==(const value_claim&, const value_claim&) = default;
};

/// The claim that holds for a raw value.
value_claim claim_of(const blob& raw) noexcept;

/// Puts a value together from its pieces.
///
/// Shape      asked for in order, at most two pieces at a time; taken in the same order
/// Owner      whoever receives one value
/// Fails      corrupt: a piece that was not asked for, or in the end another checksum than was claimed
/// Invariant  memory is taken once, for what was claimed; whoever makes one has looked at the claimed size before
class value_assembly {
 public:
  /// Throws std::bad_alloc.
  explicit value_assembly(const value_claim& claim);

  struct wanted {
    std::uint32_t from = 0;
    std::uint32_t size = 0;
    friend bool operator==(const wanted&, const wanted&) = default;
  };
  /// The next piece to ask for; nothing while two are on their way, or when all have been asked for.
  std::optional<wanted> next() noexcept;
  /// A piece has come.
  errc take(std::uint32_t from, std::string_view bytes) noexcept;
  bool is_whole() const noexcept { return taken_ == claim_.size; }
  /// The value, once it is whole.
  outcome<blob_ref> finish();

 private:
  value_claim claim_;
  blob_ref value_;
  std::uint32_t asked_ = 0;
  std::uint32_t taken_ = 0;
};

}  // namespace aicache
