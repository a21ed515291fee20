#include "engine/memory/blob.hpp"

#include <malloc.h>

#include <cstring>
#include <memory>
#include <new>

namespace aicache {

blob* blob::allocate(std::size_t size, blob_codec codec, std::uint16_t dictionary, const answer_facts& facts) {
  // Sizes are 32 bits in the header; limits.value_bytes keeps real values far below. The allocator refuses SIZE_MAX
  // without asking the system.
  std::byte* at = std::allocator<std::byte>{}.allocate(size > UINT32_MAX / 2 ? SIZE_MAX : sizeof(blob) + size);
  return new (at) blob(static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(malloc_usable_size(at)), codec,
                       dictionary, facts);
}

void blob::destroy(blob* b) noexcept {
  b->~blob();
  ::operator delete(b);
}

blob_ref blob::make(std::string_view text, answer_facts facts, std::string_view attributes) {
  facts.text_bytes = static_cast<std::uint32_t>(text.size());
  blob_ref b = make_uninitialised(text.size() + attributes.size(), facts);
  if (!text.empty()) std::memcpy(b->writable(), text.data(), text.size());
  if (!attributes.empty()) std::memcpy(b->writable() + text.size(), attributes.data(), attributes.size());
  return b;
}

blob_ref blob::make_packed(std::span<const std::byte> packed, const blob& raw, std::uint16_t dictionary) {
  blob* b = allocate(sizeof raw.size_ + packed.size(), blob_codec::zstd, dictionary, raw.facts());
  std::memcpy(b->writable(), &raw.size_, sizeof raw.size_);
  std::memcpy(b->writable() + sizeof raw.size_, packed.data(), packed.size());
  return blob_ref::adopt(b);
}

blob_ref blob::make_packed_uninitialised(std::size_t packed, std::uint32_t raw_size, const answer_facts& facts) {
  blob* b = allocate(sizeof raw_size + packed, blob_codec::zstd, 0, facts);
  std::memcpy(b->writable(), &raw_size, sizeof raw_size);
  return blob_ref::adopt(b);
}

blob_ref blob::make_uninitialised(std::size_t size, answer_facts facts) {
  return blob_ref::adopt(allocate(size, blob_codec::raw, 0, facts));
}

std::uint32_t blob::raw_size() const noexcept {
  if (codec_ == blob_codec::raw) return size_;
  std::uint32_t size;
  std::memcpy(&size, data(), sizeof size);
  return size;
}

bool blob::claim() noexcept {
  if (claimed_.exchange(true, std::memory_order_acquire)) return false;
  handed_ = 0;
  refs_.fetch_add(prepaid, std::memory_order_relaxed);
  return true;
}

void blob::disown() noexcept {
  const std::uint32_t share = prepaid - handed_;
  handed_ = 0;
  claimed_.store(false, std::memory_order_release);
  release(share);
}

}  // namespace aicache
