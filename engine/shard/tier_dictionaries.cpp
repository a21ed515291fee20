#include <algorithm>
#include <new>
#include <utility>

#include "engine/shard/tier_stack.hpp"

// How a shard comes by its dictionaries, and what codec workers bring back.
namespace aicache {

namespace {
constexpr std::uint64_t smallest_dictionary = 1024;
constexpr std::uint64_t most_attempts = 3;         // trainings of one operation that may fail
constexpr std::uint64_t sampling_patience = 4096;  // answers without a trainer until the slowest one gives way
}  // namespace

tier_stack::training& tier_stack::training_of(std::uint16_t operation) {
  if (trainings_.size() <= operation) trainings_.resize(operation + 1U);
  return trainings_[operation];
}

// Dictionaries and what they are trained from share an eighth of the budget.
bool tier_stack::has_room_to_train() const noexcept {
  return dictionary_bytes_ + (trainers_ + 1) * trainer_bytes_ <= options_.budget / 8;
}

// Where there is no room, an operation that hardly ever stores must not keep a busy one from its dictionary for ever.
bool tier_stack::may_start_training() {
  if (has_room_to_train()) return true;
  if (++waiting_samples_ % sampling_patience != 0) return false;
  training* slowest = nullptr;
  for (training& t : trainings_)
    if (t.trainer && !t.running && (slowest == nullptr || t.trainer->offered() < slowest->trainer->offered()))
      slowest = &t;
  if (slowest != nullptr) stop_sampling(*slowest);
  return has_room_to_train();
}

void tier_stack::stop_sampling(training& t) noexcept {
  t.trainer.reset();
  --trainers_;
}

void tier_stack::sample(const blob& b, std::uint16_t operation, effects& out) {
  if (!has_warm() || dictionary_size_ < smallest_dictionary || options_.dictionary_samples == 0) return;
  training& t = training_of(operation);
  if (t.dictionary != 0 || t.running || t.next_attempt == UINT64_MAX) return;
  if (!t.trainer) {
    if (!may_start_training()) return;
    t.trainer =
        std::make_unique<dictionary_trainer>(sampling_options{options_.dictionary_samples, most_samples_, seed_});
    ++trainers_;
    if (t.next_attempt == 0) t.next_attempt = options_.dictionary_samples;
  }
  t.trainer->offer(b.bytes());
  if (t.trainer->offered() < t.next_attempt) return;
  out.emplace_back(train_job{operation, t.trainer->samples(), dictionary_size_, options_.compression_level});
  t.running = true;
}

void tier_stack::trained(std::uint16_t operation, std::shared_ptr<const dictionary> made, effects& out) {
  training& t = training_of(operation);
  if (!t.running) return;
  t.running = false;
  stop_sampling(t);
  t.next_attempt = UINT64_MAX;
  if (dictionaries_.size() > UINT16_MAX || dictionary_bytes_ + made->bytes() > options_.budget / 4) return;
  dictionary_bytes_ += made->bytes();
  dictionaries_.push_back(std::move(made));
  t.dictionary = static_cast<std::uint16_t>(dictionaries_.size() - 1);
  fit(out);
}

void tier_stack::training_failed(std::uint16_t operation) {
  training& t = training_of(operation);
  if (!t.running) return;
  t.running = false;
  // Too few or too much alike: other answers may do better; after some tries the operation stays without.
  const bool again = t.next_attempt < std::uint64_t{options_.dictionary_samples} << (2 * most_attempts);
  t.next_attempt = again ? t.next_attempt * 4 : UINT64_MAX;
  if (!again) stop_sampling(t);
}

void tier_stack::packed(const key128& key, const blob_ref& raw, blob_ref packed, effects& out,
                        std::uint64_t nanoseconds) {
  blob* entry = index_.find(key);
  if (entry == nullptr || entry != raw.get() || !entry->queue.packing) return;
  entry->queue.packing = false;
  if (entry->queue.where != blob::place::warm) return;
  counters_.packed_raw_bytes += raw->size();
  if (!packed || !worth_packing(raw->size(), packed->size())) {
    counters_.packed_bytes += raw->size();
    ++counters_.unpackable;
    compression_.record_pack(raw->size(), raw->size(), nanoseconds);
    return;
  }
  compression_.record_pack(raw->size(), packed->size(), nanoseconds);
  counters_.packed_bytes += packed->size();
  ++counters_.packed;
  const std::uint8_t hits = entry->queue.state;
  unlink_warm(*entry);
  swap_in(*entry, *packed);
  push_warm(*packed);
  packed->queue.state = hits;
  entry->disown();
  fit(out);
}

}  // namespace aicache
