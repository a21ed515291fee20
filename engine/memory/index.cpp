#include "engine/memory/index.hpp"

#include <malloc.h>

#include <new>

namespace aicache {

key_index::key_index() {
  pages_.push_back(new_page());
  buckets_ = page_buckets;
  round_ = page_buckets;
  recount_directory();
}

key_index::~key_index() {
  for (bucket* page : pages_) free_page(page);
  for (bucket* page : overflow_pages_) free_page(page);
}

key_index::bucket* key_index::new_page() {
  void* at = ::operator new (page_buckets * sizeof(bucket), std::align_val_t{alignof(bucket)});
  std::memset(at, 0, page_buckets * sizeof(bucket));
  page_bytes_ += malloc_usable_size(at);
  return static_cast<bucket*>(at);
}

void key_index::free_page(bucket* page) noexcept { ::operator delete (page, std::align_val_t{alignof(bucket)}); }

void key_index::recount_directory() noexcept {
  bytes_ = page_bytes_ + (pages_.capacity() + overflow_pages_.capacity()) * sizeof(bucket*);
}

key_index::bucket* key_index::take_overflow() {
  if (free_overflow_ == nullptr) {
    overflow_pages_.reserve(overflow_pages_.size() + 1);
    bucket* page = new_page();
    overflow_pages_.push_back(page);
    for (std::size_t i = page_buckets; i-- > 0;) drop_overflow(page + i);
    recount_directory();
  }
  bucket* b = free_overflow_;
  free_overflow_ = b->overflow();
  std::memset(static_cast<void*>(b), 0, sizeof *b);
  return b;
}

void key_index::drop_overflow(bucket* b) noexcept {
  b->set_word(7, free_overflow_);
  free_overflow_ = b;
}

void key_index::place(bucket* b, std::uint16_t tag, const blob* what) {
  for (;;) {
    for (unsigned s = 0; s < slots; ++s)
      if (b->at(s) == nullptr) return b->set(s, tag, what);
    if (b->overflow() == nullptr) b->set_word(7, take_overflow());
    b = b->overflow();
  }
}

void key_index::place_all(bucket* into, const bucket& from) {
  for (unsigned s = 0; s < slots; ++s)
    if (blob* b = from.at(s); b != nullptr) place(into, from.tags[s], b);
}

void key_index::insert(blob* b) {
  if ((size_ + 1) * 2 > buckets_ * average_load_x2) split();
  place(home(b->key.lo), tag_of(b->key.lo), b);
  ++size_;
}

void key_index::replace(const blob* old, blob* fresh) noexcept {
  for (bucket* b = home(old->key.lo); b != nullptr; b = b->overflow())
    for (unsigned s = 0; s < slots; ++s)
      if (b->at(s) == old) return b->set_word(s, fresh);
}

void key_index::erase(const blob* what) noexcept {
  bucket* before = nullptr;
  for (bucket* b = home(what->key.lo); b != nullptr; before = b, b = b->overflow()) {
    bool found = false;
    bool empty = true;
    for (unsigned s = 0; s < slots; ++s) {
      if (!found && b->at(s) == what) {
        b->set(s, 0, nullptr);
        found = true;
      } else if (b->at(s) != nullptr) {
        empty = false;
      }
    }
    if (!found) continue;
    if (empty && before != nullptr) {
      before->set_word(7, b->overflow());
      drop_overflow(b);
    }
    --size_;
    shrink();
    return;
  }
}

// Splits the bucket whose turn it is into itself and a new last bucket.
void key_index::split() {
  if (buckets_ % page_buckets == 0) {
    pages_.reserve(pages_.size() + 1);
    pages_.push_back(new_page());
    recount_directory();
  }
  bucket* from = bucket_at(buckets_ - round_);
  bucket* to = bucket_at(buckets_);
  const std::size_t number = buckets_;
  ++buckets_;
  if (buckets_ == 2 * round_) round_ *= 2;
  // Each bucket of the old chain is copied and freed before its entries are placed: both halves together never need
  // more overflow buckets than the chain has freed by then, so nothing here can run out of memory.
  bucket chain = *from;
  std::memset(static_cast<void*>(from), 0, sizeof *from);
  for (;;) {
    for (unsigned s = 0; s < slots; ++s)
      if (blob* b = chain.at(s); b != nullptr) place(home_number(b->key.lo) == number ? to : from, chain.tags[s], b);
    bucket* next = chain.overflow();
    if (next == nullptr) return;
    chain = *next;
    drop_overflow(next);
  }
}

bool key_index::shrink() noexcept {
  if (held_ || buckets_ <= page_buckets || size_ * 4 >= buckets_ * average_load_x2) return false;
  const std::size_t before = buckets_;
  merge();
  return buckets_ < before;
}

// Folds the last bucket back into the one that it was split from.
void key_index::merge() noexcept {
  const std::size_t round = buckets_ == round_ ? round_ / 2 : round_;
  bucket* last = bucket_at(buckets_ - 1);
  bucket* into = bucket_at(buckets_ - 1 - round);
  std::size_t room = 0;
  for (const bucket* b = into; b != nullptr; b = b->overflow()) room += slots - b->count();
  std::size_t coming = 0;
  for (const bucket* b = last; b != nullptr; b = b->overflow()) {
    coming += b->count();
    if (b != last) room += slots;  // what its chain frees
  }
  if (coming > room && free_overflow_ == nullptr) return;  // better a bucket too many than an allocation in an erase
  // The chain goes first: each of its buckets is free before its entries need the room.
  while (bucket* next = last->overflow()) {
    const bucket moved = *next;
    last->set_word(7, next->overflow());
    drop_overflow(next);
    place_all(into, moved);
  }
  place_all(into, *last);
  std::memset(static_cast<void*>(last), 0, sizeof *last);
  --buckets_;
  ++folds_;
  round_ = round;
  if (buckets_ % page_buckets == 0) {
    page_bytes_ -= malloc_usable_size(pages_.back());
    free_page(pages_.back());
    pages_.pop_back();
    recount_directory();
  }
}

bool key_index::sound() const {
  std::size_t counted = 0;
  bool found = true;
  for_each([&](blob& b) {
    ++counted;
    found = found && find(b.key) == &b;
  });
  std::size_t given = 0;
  for (bucket* page : pages_) given += malloc_usable_size(page);
  for (bucket* page : overflow_pages_) given += malloc_usable_size(page);
  return found && counted == size_ && given == page_bytes_ && buckets_ >= round_ && buckets_ < 2 * round_ &&
         bytes_ == page_bytes_ + (pages_.capacity() + overflow_pages_.capacity()) * sizeof(bucket*);
}

}  // namespace aicache
