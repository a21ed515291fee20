#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/codec/cipher.hpp"
#include "engine/codec/envelope.hpp"
#include "engine/codec/zstd_codec.hpp"
#include "engine/key.hpp"
#include "engine/memory/blob.hpp"
#include "engine/outcome.hpp"
#include "engine/shared/scope.hpp"
#include "engine/types.hpp"

namespace aicache {

/// An answer on its way into Redis.
struct shared_answer {
  identity id;
  blob_ref value;  ///< raw, or packed without a dictionary
  instant created;
  instant expires = never;
  generation born = 0;
  std::vector<std::uint64_t> tags;  ///< the low halves of the names of its scopes
};

/// An answer out of Redis.
struct opened_answer {
  blob_ref value;
  instant created;
  instant expires = never;
  generation born = 0;
  std::vector<std::uint64_t> tags;
};

/// Whether opening may leave an answer compressed, for the warm tier.
enum class keep_packed : bool { no, yes };

/// Makes answers ready for Redis, and believes nothing that comes back.
///
/// Shape      an envelope: [born, tags…] as its generations, the answer's facts (four numbers) as its metadata, text and
///            attributes as its payload, compressed if that pays, then encrypted if there is a key ring. Texts are only
///            in the payload
/// Units      sizes in bytes; times as they are in the answer
/// Owner      one shard or codec worker; not thread-safe
/// Fails      seal: invalid_argument for no value, or one that needs a dictionary of its shard; too_large over `largest`
///            or `most_tags`; internal or overloaded when encryption fails, and `out` is empty then.
///            open: corrupt when anything does not verify: a byte, the identity (so another tenant's answer too), the
///            version, an unknown key, and, with a key ring, what is not encrypted, so that nobody who may write to
///            Redis can pass off bytes as ours; too_large over `largest`. Both: overloaded without memory
/// Invariant  open(seal(a)) is a; no memory is taken for a size before it was checked. What open left compressed has
///            verified as a whole, but was not unpacked: whoever unpacks it may still find it corrupt
/// Cost       one pass each for compression, encryption and checksum; one copy of the value
class shared_codec {
 public:
  struct options {
    int level = 3;                     ///< of zstd
    std::uint64_t min_bytes = 256;     ///< smaller values are not compressed
    double min_gain = 1.1;             ///< raw/compressed below this is not worth it
    std::uint64_t largest = 16 << 20;  ///< raw bytes of a value, writing and reading; at most 1 GiB
  };
  static constexpr std::size_t most_tags = 63;

  /// A null ring: nothing is encrypted.
  explicit shared_codec(options o, std::shared_ptr<const key_ring> keys = nullptr);

  /// Makes the envelope of `a` in `out`, replacing what it held.
  outcome<void> seal(const shared_answer& a, std::string& out);

  /// The answer in the envelope `bytes`, if it is that of `expected`.
  outcome<opened_answer> open(std::string_view bytes, const identity& expected, keep_packed packed);

  /// From now on these keys; null: no encryption.
  void use(std::shared_ptr<const key_ring> keys) { cipher_.use(std::move(keys)); }

  /// The memory that it keeps.
  std::size_t bytes() const noexcept { return zstd_.bytes() + scratch_.capacity(); }

 private:
  outcome<void> wrap(const shared_answer& a, std::string& out);
  outcome<opened_answer> unwrap(std::string_view bytes, const identity& expected, keep_packed packed);
  outcome<blob_ref> value_of(std::string_view bytes, const envelope_view& view, const answer_facts& facts,
                             keep_packed packed);
  outcome<void> place(std::string_view bytes, const envelope_view& view, std::byte* to);
  void shrink() noexcept;

  options options_;
  envelope_limits limits_;
  zstd_codec zstd_;
  cipher cipher_;
  std::vector<std::byte> scratch_;  // a frame on its way
};

}  // namespace aicache
