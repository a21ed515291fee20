#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/eviction/fifo_policy.hpp"
#include "engine/key.hpp"
#include "engine/types.hpp"

namespace aicache {

class blob_ref;

/// What the caller knows of an answer besides its bytes; the ledger counts in these.
struct answer_facts {
  std::uint32_t input_tokens = 0;   ///< tokens the model read to make it
  std::uint32_t output_tokens = 0;  ///< tokens the model wrote
  std::uint32_t model_ms = 0;       ///< milliseconds the model took
  std::uint32_t text_bytes = 0;     ///< how much of the raw bytes is the answer's text; attributes follow it

  friend bool operator==(const answer_facts&, const answer_facts&) = default;
};

/// How the bytes of a blob are to be read.
enum class blob_codec : std::uint8_t { raw = 0, zstd = 1 };

/// The bytes of one answer, immutable and reference counted, in one allocation together with the
/// links by which a shard keeps it: a put copies nothing in the shard, a hit copies nothing at all.
///
/// Shape      header (this class), then `size()` payload bytes
/// Owner      the payload, `facts()` and `raw_size()` belong to whoever holds a `blob_ref`, on any thread. Everything
///            under "the shard's part" belongs to the one shard that claimed the blob, and to nobody before and after.
/// Invariant  at most one shard has claimed a blob at any time
/// Cost       a hit hands out a reference with a plain increment of the shard's `handed` count: the shard prepaid
///            2^30 references in the atomic count when it claimed the blob, and settles when it gives the blob up
///            (biased reference counting, after Choi, Shull, Torrellas, PACT 2018)
class blob {
 public:
  /// Copies `text` and `attributes` into a new blob. Throws std::bad_alloc when there is no memory.
  static blob_ref make(std::string_view text, answer_facts facts, std::string_view attributes = {});

  /// A blob that holds `raw` as the zstd frame `packed`, made with the shard's dictionary number `dictionary` (0:
  /// none).
  static blob_ref make_packed(std::span<const std::byte> packed, const blob& raw, std::uint16_t dictionary);

  /// A blob of a zstd frame of `packed` bytes, made without a dictionary of `raw_size` raw ones; the frame is still to be
  /// written by the caller to `writable_frame()`, alone, before it is shared.
  static blob_ref make_packed_uninitialised(std::size_t packed, std::uint32_t raw_size, const answer_facts& facts);

  /// A blob of `size` raw bytes still to be written by the caller through `writable()`, alone, before it is shared.
  static blob_ref make_uninitialised(std::size_t size, answer_facts facts);

  const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }
  std::byte* writable() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  std::byte* writable_frame() noexcept { return writable() + sizeof(std::uint32_t); }
  std::uint32_t size() const noexcept { return size_; }
  blob_codec codec() const noexcept { return codec_; }
  answer_facts facts() const noexcept { return {input_tokens_, output_tokens_, model_ms_, text_bytes_}; }

  /// The bytes as they lie here.
  std::span<const std::byte> bytes() const noexcept { return {data(), size_}; }

  /// The answer's text, and the attributes behind it; raw blobs only.
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), text_bytes_}; }
  std::string_view attributes() const noexcept {
    return {reinterpret_cast<const char*>(data()) + text_bytes_, size_ - text_bytes_};
  }

  /// The zstd frame of a packed blob, the size it unpacks to, and the number of the dictionary it needs (0: none).
  std::span<const std::byte> frame() const noexcept { return bytes().subspan(sizeof(std::uint32_t)); }
  std::uint32_t raw_size() const noexcept;
  std::uint16_t dictionary() const noexcept { return dictionary_; }

  /// What the allocator really gave for this blob, in bytes; asked once, when it was made.
  std::uint32_t charged() const noexcept { return charged_; }

  // -- the shard's part ------------------------------------------------------

  /// Which of the shard's queues a blob stands in; hot is told by its lowest bit.
  enum class place : std::uint8_t { nowhere = 0, hot = 1, warm = 2 };

  /// The place in an eviction queue, with the small things that the shard knows of the entry beside it.
  struct queue_hook : policy_hook<blob> {
    queue_hook() noexcept {}  // as an aggregate, gcc 12 would not let `{}` be assigned to it because of the bit-fields
    place where : 2 = place::nowhere;
    text_tier text : 2 = text_tier::small;
    bool remember : 1 = false;  ///< eviction wants its key in the ghost table once it leaves memory
    bool packing : 1 = false;   ///< a codec worker is compressing it
    bool tagged : 1 = false;    ///< it has tags or a key of its own in the shard's table
    bool outlived : 1 = false;  ///< past its time, and what should have taken its place could not be had
  };

  /// The place in an expiry queue.
  struct lifetime_hook {
    blob* prev = nullptr;
    blob* next = nullptr;
  };

  /// Starts to bring near what a hit touches. Inlined by force, here and in its callers: gcc 12 takes a function that
  /// only prefetches for one without effect, and drops the call.
  [[gnu::always_inline]] void prefetch() const noexcept {
    __builtin_prefetch(&queue.state);
    __builtin_prefetch(data());
  }

  /// Makes the calling shard the owner, unless a shard already is.
  bool claim() noexcept;

  /// Hands out one reference of the prepaid ones. Owner only.
  blob_ref hand_out() noexcept;

  /// What a ledger sums of `facts()`, as it lies here: the epoch, which is none of it, then input tokens, output tokens and
  /// milliseconds. Owner only.
  std::array<std::uint32_t, 4> epoch_and_costs() const noexcept {
    std::array<std::uint32_t, 4> words;
    std::memcpy(words.data(), reinterpret_cast<const char*>(this + 1) - sizeof words, sizeof words);
    return words;
  }

  /// One more hit, counted up to the maximum; returns how many it are. Owner only.
  std::uint16_t count_retrieval() noexcept {
    const auto more = static_cast<std::uint16_t>(retrievals + 1);
    if (more == 0) [[unlikely]]
      return retrievals;
    return retrievals = more;
  }

  /// Gives the blob up: the links are dead, the bytes live on while a reference does. Owner only.
  void disown() noexcept;

  blob(const blob&) = delete;
  blob& operator=(const blob&) = delete;

 private:
  friend class blob_ref;
  friend struct blob_probe;  // tests look at the counts
  blob(std::uint32_t size, std::uint32_t charged, blob_codec codec, std::uint16_t dictionary,
       const answer_facts& facts) noexcept
      : dictionary_(dictionary),
        charged_(charged),
        size_(size),
        text_bytes_(facts.text_bytes),
        codec_(codec),
        input_tokens_(facts.input_tokens),
        output_tokens_(facts.output_tokens),
        model_ms_(facts.model_ms) {}
  ~blob() = default;
  static blob* allocate(std::size_t size, blob_codec codec, std::uint16_t dictionary, const answer_facts& facts);
  static void destroy(blob* b) noexcept;
  void acquire() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release(std::uint32_t share) noexcept {
    if (refs_.fetch_sub(share, std::memory_order_acq_rel) == share) destroy(this);
  }

  static constexpr std::uint32_t prepaid = 1U << 30;

  // What a hit touches lies together behind the first 64 bytes, from queue.state to the payload: one cache line where
  // the allocator aligns blocks to lines, as mimalloc does from 256 bytes on, and never more than two.
 public:
  // Also the shard's part: what the shard knows of the entry.
  lifetime_hook lifetime;
  std::uint16_t operation = 0;                ///< the shard's number of the operation's name
  std::uint16_t tenant = 0;                   ///< the shard's number of the tenant's name
  std::uint16_t lifetime_class = UINT16_MAX;  ///< see lifetime_queues

 private:
  std::uint16_t dictionary_;
  std::uint32_t charged_;
  std::atomic<std::uint32_t> refs_{1};
  std::uint32_t size_;
  std::uint32_t text_bytes_;
  blob_codec codec_;
  std::atomic<bool> claimed_{false};

 public:
  [[no_unique_address]] queue_hook queue;  // what follows lies in the bytes behind its last member
  std::uint16_t retrievals = 0;            ///< hits since it was put; stays at its maximum

 private:
  std::uint32_t handed_ = 0;  // here, so that a hit writes to one cache line

 public:
  key128 key;
  instant created;
  instant expires = never;
  std::uint32_t epoch = 0;  ///< the shard's count of invalidations when it was stored

 private:
  std::uint32_t input_tokens_;  // these three are the last: see epoch_and_costs
  std::uint32_t output_tokens_;
  std::uint32_t model_ms_;
};

static_assert(sizeof(blob) == 120, "the header is charged to every entry: grow it only for a reason");

/// A share in a blob: while one lives, the bytes do. Copying costs one atomic increment, moving nothing.
class blob_ref {
 public:
  blob_ref() noexcept = default;
  blob_ref(const blob_ref& other) noexcept : at_(other.at_) {
    if (at_ != nullptr) at_->acquire();
  }
  blob_ref(blob_ref&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  blob_ref& operator=(blob_ref other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  ~blob_ref() {
    if (at_ != nullptr) at_->release(1);
  }

  /// Takes over a reference that is already counted.
  static blob_ref adopt(blob* counted) noexcept {
    blob_ref r;
    r.at_ = counted;
    return r;
  }

  /// Gives the reference away, still counted; the other half of adopt().
  blob* release() noexcept { return std::exchange(at_, nullptr); }

  explicit operator bool() const noexcept { return at_ != nullptr; }
  blob* get() const noexcept { return at_; }
  blob& operator*() const noexcept { return *at_; }
  blob* operator->() const noexcept { return at_; }

 private:
  blob* at_ = nullptr;
};

inline blob_ref blob::hand_out() noexcept {
  if (++handed_ == prepaid / 2) {
    refs_.fetch_add(handed_, std::memory_order_relaxed);
    handed_ = 0;
  }
  return blob_ref::adopt(this);
}

}  // namespace aicache
