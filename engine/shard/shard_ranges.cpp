#include <algorithm>

#include "engine/shard/shard_core.hpp"

// What a shard does when key ranges go to another node of the cluster: nothing of them is served or computed here any
// more, and when they come back, nothing that was here before.
namespace aicache {

void shard_core::forget(const range_set& lost, bool keep, instant now, effects& out) {
  if (lost.none()) return;
  const auto is_lost = [&](const key128& key) { return lost[range_of(key)]; };
  leases_.epoch(++epoch_);
  left_.clear();
  leases_.end_if(is_lost, left_);
  for (unpacking& job : unpacking_) {
    if (!is_lost(job.key)) continue;
    for (const unpacking::seat& s : job.line) left_.push_back(s.who);
    job.line.clear();
  }
  if (shared_) {
    for (const fetch_table::flight& f : shared_->look_ups.take_if(is_lost)) {
      for (const fetch_table::seat& s : f.line) {
        if (s.wants == fetch_table::wish::news) {
          out.emplace_back(late_news{s.who.batch, s.who.position, store_status::unavailable});
        } else {
          left_.push_back(s.who);
        }
      }
    }
    write_dirty(now, out);
    letting_go_ |= lost;
    last_write_of_lost_ = shared_->next_ticket;
  }
  get_result moved;
  moved.status = get_status::error;
  moved.error = errc::moved;
  for (const waiter& w : left_) {
    count_miss(w, &operation_counters::misses_waited);
    record_late(w, tier::none, now);
    out.emplace_back(late_answer{w.batch, w.position, moved});
  }
  left_.clear();
  negatives_.clear();
  if (keep) return account(out);
  ranges_dead_.resize(range_count);
  for (std::size_t r = 0; r < lost.size(); ++r)
    if (lost[r]) ranges_dead_[r] = epoch_;
  doubtful_before_ = epoch_;
  (sweeping_ ? sweep_again_ : sweeping_) = true;
  hold_index();
  account(out);
}

bool shard_core::has_let_go() const {
  if (!shared_ || letting_go_.none()) return true;
  const bool on_the_way = std::any_of(shared_->on_their_way.begin(), shared_->on_their_way.end(),
                                      [this](const auto& w) { return w.first <= last_write_of_lost_; });
  return !on_the_way && !shared_->dirty.any_of([this](const key128& key) { return letting_go_[range_of(key)]; });
}

// Memory is the only place where it is.
bool shard_core::awaits_writing(const blob& entry) const {
  return shared_ && is_of_lost_range(entry) && !is_invalidated(entry) && shared_->dirty.contains(entry.key);
}

void shard_core::sweep_for_ranges() {
  if (letting_go_.none() || !has_let_go()) return;
  letting_go_.reset();
  if (!lost_unwritten_) return;
  lost_unwritten_ = false;
  (sweeping_ ? sweep_again_ : sweeping_) = true;
  hold_index();
}

}  // namespace aicache
