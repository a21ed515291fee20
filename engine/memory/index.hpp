#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#if defined(__SSE2__)
  #include <emmintrin.h>
#endif

#include "engine/memory/blob.hpp"

namespace aicache {

/// The table that finds a shard's blobs by key.
///
/// Shape      linear hashing (Litwin, VLDB 1980) over 64-byte buckets of seven: eight 16-bit tags (one unused), seven
///            48-bit pointers, one 48-bit pointer to an overflow bucket. Buckets lie in pages of 16 KiB, so the table
///            grows and shrinks by one bucket at a time and never stops to rehash.
/// Units      bytes() is what the allocator gave for pages and directory
/// Owner      one shard; not thread-safe; blobs are the owner's, the index only points at them
/// Invariant  every blob is found by its key; no key is in it twice (the caller looks before it inserts)
/// Cost       find: two dependent cache lines (bucket, blob) and rarely an overflow bucket; insert and erase the same,
///            plus one bucket split or merged
class key_index {
 public:
  key_index();
  ~key_index();
  key_index(const key_index&) = delete;
  key_index& operator=(const key_index&) = delete;

  /// The blob under `key`, or null.
  blob* find(const key128& key) const noexcept {
    const bucket* b = home(key.lo);
    do {
      for (unsigned matches = b->matches(key.lo); matches != 0; matches &= matches - 1) {
        blob* at = b->first_of(matches);
        if (at != nullptr && at->key == key) return at;
      }
    } while ((b = b->overflow()) != nullptr);
    return nullptr;
  }

  /// Starts to bring the key's bucket near; a batch calls this for all of its keys first.
  [[gnu::always_inline]] void prefetch(const key128& key) const noexcept { __builtin_prefetch(home(key.lo)); }

  /// Starts to bring near what the key's bucket names: second step of a batch.
  [[gnu::always_inline]] void prefetch_blob(const key128& key) const noexcept {
    const bucket* b = home(key.lo);
    const unsigned matches = b->matches(key.lo);
    if (matches == 0) return;
    if (const blob* at = b->first_of(matches); at != nullptr) at->prefetch();
  }

  /// Adds a blob whose key is not in the index. Throws std::bad_alloc, leaving the index as it was.
  void insert(blob* b);

  /// Puts `fresh` where `old` is; both have one key.
  void replace(const blob* old, blob* fresh) noexcept;

  /// Forgets a blob that is in the index.
  void erase(const blob* b) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t buckets() const noexcept { return buckets_; }

  /// Calls `visit(blob&)` for every entry; the visitor may not change the index.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0; i < buckets_; ++i)
      for (const bucket* b = bucket_at(i); b != nullptr; b = b->overflow())
        for (unsigned s = 0; s < slots; ++s)
          if (blob* at = b->at(s); at != nullptr) visit(*at);
  }

  /// Calls `visit(blob&)` for the entries of `count` buckets from bucket `from` on; returns the bucket to go on with, or
  /// `visited_all`. The visitor may not change the index; between calls it may change, and everything that was in it at
  /// the first call and still is has been visited at the end, as long as it was held all the time.
  static constexpr std::size_t visited_all = SIZE_MAX;
  template <class Visit>
  std::size_t visit(std::size_t from, std::size_t count, Visit&& visitor) const {
    const std::size_t end = from + count < buckets_ ? from + count : buckets_;
    for (std::size_t i = from; i < end; ++i)
      for (const bucket* b = bucket_at(i); b != nullptr; b = b->overflow())
        for (unsigned s = 0; s < slots; ++s)
          if (blob* at = b->at(s); at != nullptr) visitor(*at);
    return end < buckets_ ? end : visited_all;
  }

  /// While held, the index grows but never folds buckets together, which could carry an entry past a visitor.
  void hold(bool held) noexcept { held_ = held; }

  /// How many buckets were folded so far: whoever finds it changed between two visits may have been passed by an entry.
  std::uint64_t folds() const noexcept { return folds_; }

  /// Folds one bucket if there are too many; true when there may be more to fold.
  bool shrink() noexcept;

  /// Recounts everything: each blob is found by its key, the count and the bytes are right.
  bool sound() const;

 private:
  static constexpr unsigned slots = 7;
  static constexpr std::size_t page_buckets = 256;
  static constexpr std::size_t average_load_x2 = 7;  // 3.5 entries a bucket, of 7

  struct alignas(64) bucket {
    std::uint16_t tags[8];
    std::uint8_t pointers[8][6];  // the eighth is the overflow bucket

    // A pointer is read as the upper six of eight bytes, the lower two of which belong to what stands before it.
    std::uint64_t word_at(unsigned byte) const noexcept {
      std::uint64_t w;
      std::memcpy(&w, reinterpret_cast<const char*>(this) + 14 + byte, sizeof w);
      return w >> 16;
    }
    std::uint64_t word(unsigned i) const noexcept { return word_at(i * 6); }
    void set_word(unsigned i, const void* p) noexcept {
      const auto w = reinterpret_cast<std::uint64_t>(p);
      std::memcpy(reinterpret_cast<char*>(this) + 16 + i * 6, &w, 6);
    }
    blob* at(unsigned i) const noexcept { return reinterpret_cast<blob*>(word(i)); }
    // What the lowest of some matches names.
    blob* first_of(unsigned matches) const noexcept {
      return reinterpret_cast<blob*>(word_at(static_cast<unsigned>(__builtin_ctz(matches)) * 3));
    }
    bucket* overflow() const noexcept { return reinterpret_cast<bucket*>(word(7)); }
    unsigned count() const noexcept {
      unsigned n = 0;
      for (unsigned i = 0; i < slots; ++i) n += at(i) != nullptr ? 1 : 0;
      return n;
    }
    void set(unsigned i, std::uint16_t tag, const blob* b) noexcept {
      tags[i] = tag;
      set_word(i, b);
    }
    // Bit 2 * i says that slot i has this hash's tag; a match may still be an empty slot or another key.
    unsigned matches(std::uint64_t hash) const noexcept {
#if defined(__SSE2__)
      const __m128i have = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
      // The tag is the hash's highest 16 bits, which are spread where they are.
      const __m128i four = _mm_shufflelo_epi16(_mm_cvtsi64_si128(static_cast<long long>(hash)), 0xff);
      const __m128i same = _mm_cmpeq_epi16(have, _mm_shuffle_epi32(four, 0));
      return static_cast<unsigned>(_mm_movemask_epi8(same)) & 0x1555;
#else
      unsigned m = 0;
      for (unsigned i = 0; i < slots; ++i) m |= static_cast<unsigned>(tags[i] == tag_of(hash)) << 2 * i;
      return m;
#endif
    }
  };
  static_assert(sizeof(bucket) == 64);

  static std::uint16_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>(hash >> 48); }
  std::size_t home_number(std::uint64_t hash) const noexcept {
    // What lies beyond the last bucket has the round's own bit, which is taken away without a branch: which half a key
    // falls in cannot be foreseen. Compared this way round, the processor's borrow is the mask.
    const std::size_t wide = hash & (2 * round_ - 1);
    return wide - (round_ & (std::size_t{0} - static_cast<std::size_t>(buckets_ - 1 < wide)));
  }
  bucket* bucket_at(std::size_t i) const noexcept { return pages_[i / page_buckets] + i % page_buckets; }
  bucket* home(std::uint64_t hash) const noexcept { return bucket_at(home_number(hash)); }

  bucket* new_page();
  static void free_page(bucket* page) noexcept;
  bucket* take_overflow();
  void drop_overflow(bucket* b) noexcept;
  void place(bucket* b, std::uint16_t tag, const blob* what);
  void place_all(bucket* into, const bucket& from);
  void split();
  void merge() noexcept;
  void recount_directory() noexcept;

  std::vector<bucket*> pages_;           // primary buckets
  std::vector<bucket*> overflow_pages_;  // spare buckets for chains
  bucket* free_overflow_ = nullptr;      // linked through their overflow pointers
  std::size_t buckets_ = 0;
  std::size_t round_ = 0;  // the power of two from which this round of splits started
  std::size_t size_ = 0;
  std::size_t page_bytes_ = 0;  // what the allocator gave for pages
  std::size_t bytes_ = 0;
  std::uint64_t folds_ = 0;
  bool held_ = false;
};

}  // namespace aicache
