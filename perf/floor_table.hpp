#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace aicache::perf {

/// The least that a look-up in memory can cost: a table that does nothing else, to measure the shard against.
///
/// Shape      64-byte buckets of seven 16-bit tags and seven 32-bit numbers of items in a slab; an item is its hash, a
///            24-byte key and a value of up to 104 bytes. No eviction, no expiry, no counters but one per bucket
/// Owner      one thread; filled once, keys distinct
/// Cost       find: a bucket and an item, one cache miss each
class floor_table {
 public:
  static constexpr std::size_t key_size = 24;
  static constexpr std::size_t value_size = 104;

  explicit floor_table(std::size_t items)
      : mask_(buckets_for(items) - 1), buckets_((mask_ + 1) * sizeof(bucket)), slab_(items * sizeof(item)) {}

  void insert(std::uint64_t hash, const char* key, std::string_view value) {
    item& fresh = items()[size_];
    fresh.hash = hash;
    std::memcpy(fresh.key, key, key_size);
    std::memcpy(fresh.value, value.data(), value.size() < value_size ? value.size() : value_size);
    for (std::size_t at = hash;; ++at) {
      bucket& b = bucket_at(at);
      for (unsigned s = 0; s < slots; ++s) {
        if (b.tags[s] != 0) continue;
        b.tags[s] = tag_of(hash);
        b.numbers[s] = static_cast<std::uint32_t>(size_++);
        return;
      }
    }
  }

  /// The value under a key, or null.
  const char* find(std::uint64_t hash, const char* key) noexcept {
    const std::uint16_t tag = tag_of(hash);
    for (std::size_t at = hash;; ++at) {
      bucket& b = bucket_at(at);
      for (unsigned s = 0; s < slots; ++s) {
        if (b.tags[s] != tag) continue;
        const item& found = items()[b.numbers[s]];
        if (found.hash != hash || std::memcmp(found.key, key, key_size) != 0) continue;
        ++b.hits;
        return found.value;
      }
      if (b.tags[slots - 1] == 0) return nullptr;
    }
  }

  void prefetch(std::uint64_t hash) noexcept { __builtin_prefetch(&bucket_at(hash)); }
  void prefetch_item(std::uint64_t hash) noexcept {
    const bucket& b = bucket_at(hash);
    for (unsigned s = 0; s < slots; ++s)
      if (b.tags[s] == tag_of(hash)) return __builtin_prefetch(items() + b.numbers[s]);
  }

 private:
  static constexpr unsigned slots = 7;

  struct alignas(64) bucket {
    std::uint16_t tags[slots];
    std::uint16_t hits;
    std::uint32_t numbers[slots];
  };
  static_assert(sizeof(bucket) == 64);

  struct item {
    std::uint64_t hash;
    char key[key_size];
    char value[value_size];
    std::uint64_t spare;
  };
  static_assert(sizeof(item) == 144);

  /// Zeroed pages straight from the system, without huge ones unless it gives them by itself.
  struct pages {
    explicit pages(std::size_t size)
        : bytes(size), at(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
    ~pages() { munmap(at, bytes); }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;
    std::size_t bytes;
    void* at;
  };

  static std::size_t buckets_for(std::size_t items) {
    std::size_t n = 1;
    while (n * 5 < items) n *= 2;
    return n;
  }
  static std::uint16_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint16_t>((hash >> 48) | 1); }
  bucket& bucket_at(std::size_t at) noexcept { return static_cast<bucket*>(buckets_.at)[at & mask_]; }
  item* items() noexcept { return static_cast<item*>(slab_.at); }

  std::size_t mask_;
  std::size_t size_ = 0;
  pages buckets_;
  pages slab_;
};

}  // namespace aicache::perf
