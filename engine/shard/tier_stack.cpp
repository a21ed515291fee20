#include "engine/shard/tier_stack.hpp"

#include <algorithm>
#include <climits>
#include <new>

namespace aicache {

namespace {
constexpr unsigned max_warm_moves = 16;        // entries in use that the warm clock passes over for one eviction
constexpr std::uint64_t smallest_packed = 64;  // below this not even a dictionary pays
constexpr std::uint8_t warm_hits = 3;          // the bits of a warm entry's state
constexpr std::uint64_t sample_overhead = 2 * sizeof(std::vector<std::byte>) + 16;
}  // namespace

tier_stack::tier_stack(const tier_options& options, std::uint64_t seed, shard_counters& counters)
    : options_(options),
      has_warm_(options.warm_share > 0 && (options.budget >= smallest_warm_budget || !options.charge_overhead)),
      seed_(seed),
      counters_(counters),
      policy_(options.budget),
      codec_(zstd_options{options.compression_level}),
      dictionaries_(1),
      dictionary_size_(std::min(options.dictionary_bytes, options.budget / 64)),
      most_samples_(std::min(dictionary_size_ * 64, options.budget / 32)),
      trainer_bytes_(most_samples_ + options.dictionary_samples * sample_overhead) {
  effects none;
  fit(none);
}

tier_stack::~tier_stack() { clear(); }

std::uint64_t tier_stack::overhead() const noexcept {
  if (!options_.charge_overhead) return 0;
  return index_.bytes() + lifetimes_.bytes() + policy_.ghost_bytes() + dictionary_bytes_ + trainers_ * trainer_bytes_ +
         codec_.bytes() + scratch_.capacity() + label_bytes() + trainings_.capacity() * sizeof(training) +
         lingering_.capacity() * sizeof(duration) + uses_.capacity() * sizeof(tenant_use) + compression_.bytes +
         sizeof *this - sizeof lifetimes_ + reserved_;
}

std::uint64_t tier_stack::room_for_answers() const noexcept {
  const std::uint64_t taken = overhead();
  return options_.budget > taken ? options_.budget - taken : 0;
}

// -- storing -----------------------------------------------------------------

outcome<void> tier_stack::store(const blob_ref& value, const particulars& about, instant now, effects& out) {
  if (value->size() > options_.value_bytes) return fault{errc::too_large, "the answer is over limits.value_bytes"};
  const std::uint64_t hot_room = policy_.capacity();
  const std::uint64_t room = room_for_answers();
  const std::uint64_t warm_room = has_warm() && room > hot_room ? room - hot_room : 0;
  const bool wants_hot = about.may_be_hot || !has_warm();
  const auto fits = [&](const blob& b) {
    return b.charged() <= (wants_hot ? std::max(hot_room, warm_room) : warm_room);
  };
  if (!fits(*value)) return fault{errc::too_large, "the answer is larger than a tier of its shard"};
  if (outcome<void> room_of_its_own = make_own_room(about, value->charged()); !room_of_its_own) return room_of_its_own;
  const blob_ref kept = own(value);
  if (!kept) return fault{errc::overloaded, "no memory for a copy"};
  blob& b = *kept;
  b.key = about.key;
  b.expires = about.expires;
  b.created = about.created.value_or(now);
  b.epoch = about.epoch;
  b.operation = about.operation;
  b.tenant = about.tenant;
  b.retrievals = 0;
  b.queue = {};
  b.queue.text = about.text;
  blob* old = index_.find(about.key);
  try {
    lifetimes_.insert(b, now, lingers(b));
    if (old == nullptr) index_.insert(&b);
    sample(b, about.operation, out);
    set_label(b, about.tags, about.name);
  } catch (const std::bad_alloc&) {
    lifetimes_.erase(b);
    if (index_.find(about.key) == &b) index_.erase(&b);
    b.disown();
    return fault{errc::overloaded, "no memory for the entry"};
  }
  enter(b);
  const bool to_hot = wants_hot && b.charged() <= hot_room;
  if (old != nullptr) {
    if (!b.queue.tagged) forget_label(*old);
    index_.replace(old, &b);
    lifetimes_.erase(*old);
    if (to_hot && old->queue.where == blob::place::hot) {
      policy_.replace(*old, b);
      b.queue.where = blob::place::hot;
    } else {
      unlink(*old);
    }
    leave(*old);
    old->disown();
  }
  if (b.queue.where == blob::place::nowhere && !(to_hot && enter_hot(b))) demote(b, out);
  fit(out);
  return {};
}

// A blob that is already an entry, here or in another shard, is copied: this entry needs links of its own.
blob_ref tier_stack::own(const blob_ref& value) noexcept {
  if (value->claim()) return value;
  try {
    blob_ref copy = blob::make(value->text(), value->facts(), value->attributes());
    copy->claim();
    return copy;
  } catch (const std::bad_alloc&) {
    return {};
  }
}

void tier_stack::take_victim(blob& victim, bool remember) noexcept {
  victim.queue.where = blob::place::nowhere;
  victim.queue.remember = remember;
  victim.queue.next = victims_;
  victims_ = &victim;
}

bool tier_stack::enter_hot(blob& b) {
  if (!policy_.admit(b, [this](blob& victim, bool remember) { take_victim(victim, remember); })) return false;
  b.queue.where = blob::place::hot;
  return true;
}

// -- making room -------------------------------------------------------------

void tier_stack::set_hot_room() noexcept {
  const std::uint64_t room = room_for_answers();
  const auto hot_room =
      has_warm() ? static_cast<std::uint64_t>(static_cast<double>(room) * (1 - options_.warm_share)) : room;
  // The policy treats a grown capacity as a cache to be filled anew, so it is told of real growth only, not of the
  // few bytes that come and go with the index or with who waits.
  const std::uint64_t told = policy_.capacity();
  if (hot_room < told || hot_room - told > told / 16) policy_.capacity(hot_room);
}

void tier_stack::fit(effects& out) {
  if (policy_.ghost_wants_to_grow() &&
      (!options_.charge_overhead || policy_.ghost_bytes() + policy_.ghost_growth_bytes() <= options_.budget / 16))
    policy_.grow_ghost();
  // Compressing what leaves hot may itself take memory, so once is not always enough.
  do {
    set_hot_room();
    policy_.shrink_to(policy_.capacity(), UINT_MAX,
                      [this](blob& victim, bool remember) { take_victim(victim, remember); });
    demote_victims(out);
    while (warm_oldest_ != nullptr && is_over()) evict_warm();
  } while (is_over() && policy_.used() > 0);
}

void tier_stack::demote_victims(effects& out) {
  unsigned demoted = 0;
  while (victims_ != nullptr) {
    blob& victim = *victims_;
    victims_ = victim.queue.next;
    victim.queue.next = nullptr;
    if (has_warm() && demoted++ < max_demotions) {
      ++counters_.demotions;
      demote(victim, out);
      while (warm_oldest_ != nullptr && is_over()) evict_warm();
    } else {
      ++counters_.evictions_hot;
      if (victim.queue.remember) policy_.remember(traits::hash_of(victim), victim.charged());
      drop(victim);
    }
  }
}

bool tier_stack::worth_packing(std::size_t raw, std::size_t packed) const noexcept {
  return static_cast<double>(packed) * options_.compression_min_gain <= static_cast<double>(raw);
}

// The entry is in the index and in no queue: it enters warm, compressed if that pays.
void tier_stack::demote(blob& b, effects& out) noexcept {
  try {
    const std::uint16_t number = training_of(b.operation).dictionary;
    const auto& with = dictionaries_[number];
    if (b.size() >= (with ? smallest_packed : options_.compression_min_bytes)) {
      if (b.size() <= options_.worker_bytes) {
        if (pack(b, with, number)) return;
      } else {
        out.emplace_back(pack_job{b.key, b.hand_out(), with, number});
        b.queue.packing = true;
      }
    }
  } catch (const std::bad_alloc&) {
    // No memory to make it smaller: it stays as it is.
  }
  push_warm(b);
}

// Lets a compressed blob stand for `b` in warm; false, and nothing has changed, when it would not be worth it.
bool tier_stack::pack(blob& b, const std::shared_ptr<const dictionary>& with, std::uint16_t number) {
  const std::uint64_t began = reading_of_watch();
  const bool worth = codec_.compress(b.bytes(), with.get(), scratch_) && worth_packing(b.size(), scratch_.size());
  blob_ref small;
  if (worth) small = blob::make_packed(scratch_, b, number);
  counters_.packed_raw_bytes += b.size();
  counters_.packed_bytes += worth ? scratch_.size() : b.size();
  ++(worth ? counters_.packed : counters_.unpackable);
  compression_.record_pack(b.size(), worth ? scratch_.size() : b.size(), reading_of_watch() - began);
  if (!worth) return false;
  swap_in(b, *small);
  push_warm(*small);
  b.disown();
  return true;
}

// `fresh` becomes the entry that `old` was, but stands in no eviction queue yet.
void tier_stack::swap_in(blob& old, blob& fresh) noexcept {
  fresh.claim();
  fresh.key = old.key;
  fresh.expires = old.expires;
  fresh.created = old.created;
  fresh.operation = old.operation;
  fresh.tenant = old.tenant;
  fresh.retrievals = old.retrievals;
  fresh.queue = {};
  fresh.queue.text = old.queue.text;
  fresh.queue.remember = old.queue.remember;
  fresh.queue.tagged = old.queue.tagged;
  fresh.queue.outlived = old.queue.outlived;
  fresh.epoch = old.epoch;
  index_.replace(&old, &fresh);
  lifetimes_.replace(old, fresh);
  leave(old);
  enter(fresh);
}

void tier_stack::push_warm(blob& b) noexcept {
  b.queue.where = blob::place::warm;
  b.queue.state = 0;
  b.queue.prev = warm_youngest_;
  b.queue.next = nullptr;
  (warm_youngest_ == nullptr ? warm_oldest_ : warm_youngest_->queue.next) = &b;
  warm_youngest_ = &b;
  warm_bytes_ += b.charged();
  ++warm_count_;
}

void tier_stack::unlink_warm(blob& b) noexcept {
  (b.queue.prev == nullptr ? warm_oldest_ : b.queue.prev->queue.next) = b.queue.next;
  (b.queue.next == nullptr ? warm_youngest_ : b.queue.next->queue.prev) = b.queue.prev;
  b.queue.prev = b.queue.next = nullptr;
  b.queue.where = blob::place::nowhere;
  warm_bytes_ -= b.charged();
  --warm_count_;
}

void tier_stack::evict_warm() {
  for (unsigned moves = 0; moves < max_warm_moves && (warm_oldest_->queue.state & warm_hits) != 0; ++moves) {
    blob& used = *warm_oldest_;
    const auto hits = static_cast<std::uint8_t>((used.queue.state & warm_hits) - 1);
    unlink_warm(used);
    push_warm(used);
    used.queue.state = hits;
  }
  blob& gone = *warm_oldest_;
  ++counters_.evictions_warm;
  if (gone.queue.remember) policy_.remember(traits::hash_of(gone), gone.charged());
  unlink_warm(gone);
  drop(gone);
}

// -- reading -----------------------------------------------------------------

tier_stack::reading tier_stack::read_warm(blob& entry, bool may_be_hot, effects& out) {
  const unsigned hits = entry.queue.state & warm_hits;
  const bool promote = may_be_hot && hits > 0;
  if (!promote && hits < warm_hits) entry.queue.state = static_cast<std::uint8_t>(entry.queue.state + 1);
  blob* raw = &entry;
  blob_ref unpacked;
  if (entry.codec() == blob_codec::zstd) {
    if (entry.raw_size() > options_.worker_bytes) return {{}, tier::warm, false};
    try {
      unpacked = blob::make_uninitialised(entry.raw_size(), entry.facts());
    } catch (const std::bad_alloc&) {
      return {{}, tier::warm, false};  // a worker may have more luck
    }
    const std::uint64_t began = reading_of_watch();
    const auto done = codec_.decompress(entry.frame(), dictionaries_[entry.dictionary()].get(),
                                        {unpacked->writable(), unpacked->size()});
    compression_.record_unpack(reading_of_watch() - began);
    if (!done) return {{}, tier::warm, done.why().code == errc::corrupt};
    ++counters_.unpacked;
    raw = unpacked.get();
  }
  // A promoted entry must not take so much of hot that it drives out what earned its place there, nor more of memory than
  // its tenant may.
  if (!promote || raw->charged() > policy_.capacity() || !may_grow(entry, raw->charged())) {
    reading answer{unpacked ? unpacked : entry.hand_out(), tier::warm, false};
    if (is_over()) fit(out);
    return answer;
  }
  unlink_warm(entry);
  if (unpacked) {
    swap_in(entry, *unpacked);
    entry.disown();
  }
  reading answer{raw->hand_out(), tier::warm, false};
  if (enter_hot(*raw)) {
    ++counters_.promotions;
  } else {
    push_warm(*raw);
  }
  fit(out);
  return answer;
}

blob_ref tier_stack::for_others(blob& entry) {
  if (entry.codec() == blob_codec::raw || entry.dictionary() == 0) return entry.hand_out();
  try {
    blob_ref raw = blob::make_uninitialised(entry.raw_size(), entry.facts());
    if (codec_.decompress(entry.frame(), dictionaries_[entry.dictionary()].get(), {raw->writable(), raw->size()}))
      return raw;
  } catch (const std::bad_alloc&) {
    // As if it were gone: the shared tier can do without it.
  }
  return {};
}

// -- labels ------------------------------------------------------------------

void tier_stack::set_label(blob& b, std::span<const std::uint64_t> tags, std::string_view name) {
  if (tags.empty() && name.empty()) return;
  label fresh{{tags.begin(), tags.end()}, std::string(name)};
  label& kept = labels_[b.key];
  tag_count_ += fresh.tags.size() - kept.tags.size();
  name_bytes_ += fresh.name.size() - kept.name.size();
  kept = std::move(fresh);
  b.queue.tagged = true;
}

void tier_stack::forget_label(const blob& b) noexcept {
  if (!b.queue.tagged) return;
  const auto at = labels_.find(b.key);
  if (at == labels_.end()) return;
  tag_count_ -= at->second.tags.size();
  name_bytes_ -= at->second.name.size();
  labels_.erase(at);
}

const tier_stack::label* tier_stack::label_of(const blob& entry) const noexcept {
  if (!entry.queue.tagged) return nullptr;
  const auto at = labels_.find(entry.key);
  return at == labels_.end() ? nullptr : &at->second;
}

std::span<const std::uint64_t> tier_stack::tags_of(const blob& entry) const noexcept {
  const label* l = label_of(entry);
  return l == nullptr ? std::span<const std::uint64_t>{} : std::span{l->tags};
}

std::string_view tier_stack::name_of(const blob& entry) const noexcept {
  const label* l = label_of(entry);
  return l == nullptr ? std::string_view{} : std::string_view{l->name};
}

std::uint64_t tier_stack::label_bytes() const noexcept {
  constexpr std::uint64_t each = sizeof(std::pair<key128, label>) + 3 * sizeof(void*) + 16;
  return labels_.empty() ? 0
                         : labels_.size() * each + labels_.bucket_count() * sizeof(void*) +
                               tag_count_ * sizeof(std::uint64_t) + name_bytes_;
}

// -- removing ----------------------------------------------------------------

void tier_stack::unlink(blob& b) noexcept {
  if (b.queue.where == blob::place::hot) {
    policy_.erase(b);
    b.queue.where = blob::place::nowhere;
  } else if (b.queue.where == blob::place::warm) {
    unlink_warm(b);
  }
}

void tier_stack::drop(blob& b) noexcept {
  leave(b);
  forget_label(b);
  lifetimes_.erase(b);
  index_.erase(&b);
  b.disown();
}

void tier_stack::erase(blob& entry) noexcept {
  unlink(entry);
  drop(entry);
}

void tier_stack::set_end(blob& entry, instant expires, instant now) {
  lifetimes_.erase(entry);
  entry.expires = expires;
  lifetimes_.insert(entry, now, lingers(entry));
}

void tier_stack::linger(std::uint16_t operation, duration past_their_end) {
  if (operation >= lingering_.size() && past_their_end > duration{0}) lingering_.resize(operation + 1U, duration{0});
  if (operation < lingering_.size()) lingering_[operation] = past_their_end;
}

void tier_stack::clear() noexcept {
  policy_.shrink_to(0, UINT_MAX, [this](blob& b, bool) { drop(b); });
  while (warm_oldest_ != nullptr) erase(*warm_oldest_);
  policy_.forget_ghost();
}

// -- the whole ---------------------------------------------------------------

void tier_stack::reserve(std::uint64_t bytes, effects& out) {
  const bool freed = bytes < reserved_;
  reserved_ = bytes;
  if (is_over()) {
    fit(out);
  } else if (freed) {
    // Else what found no room while much was reserved would find none for ever.
    set_hot_room();
  }
}

void tier_stack::mode(eviction_mode m) {
  if (m == policy_.mode()) return;
  policy_.mode(m);
  ++counters_.mode_switches;
}

void tier_stack::fill(shard_gauges& g) const noexcept {
  g.entries_hot = policy_.count();
  g.entries_warm = warm_count_;
  g.bytes_hot = policy_.used();
  g.bytes_warm = warm_bytes_;
  g.bytes_index = options_.charge_overhead ? index_.bytes() : 0;
  g.bytes_ghost = options_.charge_overhead ? policy_.ghost_bytes() : 0;
  g.bytes_other = overhead() - g.bytes_index - g.bytes_ghost;
  g.budget = options_.budget;
  g.dictionaries = dictionaries_.size() - 1;
  g.eviction_mode = static_cast<std::uint64_t>(policy_.mode());
}

bool tier_stack::sound() const {
  if (!index_.sound() || !policy_.sound() || victims_ != nullptr) return false;
  std::uint64_t warm_bytes = 0;
  std::size_t warm_count = 0;
  const blob* before = nullptr;
  for (const blob* b = warm_oldest_; b != nullptr; before = b, b = b->queue.next, ++warm_count) {
    if (b->queue.prev != before || b->queue.where != blob::place::warm || index_.find(b->key) != b) return false;
    warm_bytes += b->charged();
  }
  if (warm_youngest_ != before || warm_bytes != warm_bytes_ || warm_count != warm_count_) return false;
  std::size_t hot_count = 0;
  std::size_t ending = 0;
  std::size_t linked = 0;
  std::size_t tags = 0;
  std::size_t names = 0;
  bool placed = true;
  index_.for_each([&](const blob& b) {
    placed = placed && b.queue.where != blob::place::nowhere;
    if (b.queue.where == blob::place::hot) {
      ++hot_count;
      placed = placed && b.codec() == blob_codec::raw && policy::holds(b);
    }
    ending += b.expires == never ? 0 : 1;
    placed = placed && b.queue.tagged == labels_.contains(b.key);
    tags += tags_of(b).size();
    if (const label* l = label_of(b); l != nullptr) names += l->name.size();
  });
  std::uint64_t trainers = 0;
  bool within = true;
  for (const training& t : trainings_) {
    trainers += t.trainer ? 1 : 0;
    within = within && (!t.trainer || t.trainer->bytes() <= trainer_bytes_);
  }
  return placed && lifetimes_.sound(linked) && linked == ending && hot_count == policy_.count() &&
         hot_count + warm_count == index_.size() && uses_are_exact() && trainers == trainers_ && within &&
         tags == tag_count_ && names == name_bytes_ && !is_over();
}

}  // namespace aicache
