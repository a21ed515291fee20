#include <algorithm>
#include <utility>

#include "engine/shard/shard_core.hpp"

// What a shard does when answers are invalidated by tenant, operation, tag or altogether: from then on none is served,
// and all leave memory in bounded steps.
namespace aicache {

namespace {
constexpr std::size_t swept_buckets = 256;  // of the index in one step
}  // namespace

// A name that has no number of its own is counted as "other", so all of those are meant, too many rather than too few.
void shard_core::mark(const scope& s, const name_table& names, std::vector<std::uint16_t>& numbers,
                      scope (*scope_of)(std::string_view)) {
  std::uint16_t number = 0;
  for (std::size_t i = 1; i < names.size() && number == 0; ++i)
    if (scope_of(names.name_of(static_cast<std::uint16_t>(i))) == s) number = static_cast<std::uint16_t>(i);
  numbers.push_back(number);
}

void shard_core::invalidate(const invalidate_scopes& what, effects& out) {
  if (shared_) {
    shared_->book.raise_floor(what.floor);
    for (const scope& s : what.scopes) {
      if (what.settles) {
        shared_->book.settle(s, what.since);
      } else {
        shared_->book.raise(s, what.since);
      }
    }
  }
  if (what.settles) return account(out);
  leases_.epoch(++epoch_);
  sweep s;
  s.ticket = what.ticket;
  s.epoch = epoch_;
  s.everything = what.lost_track;
  for (const scope& dead : what.scopes) {
    switch (dead.kind) {
      case scope_kind::everything: s.everything = true; break;
      case scope_kind::tenant: mark(dead, tenant_names_, s.tenants, scope_of_tenant); break;
      case scope_kind::operation: mark(dead, operation_names_, s.operations, scope_of_operation); break;
      case scope_kind::tag: s.tags.push_back(dead.name.lo); break;
      case scope_kind::pattern: break;
      case scope_kind::key:
        leases_.cut_off(dead.name);
        negatives_.forget(dead.name);
        if (bury_if_dead(dead.name)) break;  // by an earlier invalidation, which counts it
        if (blob* entry = tiers_.find(dead.name); entry != nullptr) {
          ++s.entries;
          ++counters_.invalidated;
          tiers_.erase(*entry);
        }
    }
  }
  // Nobody knows which errors were meant; they are seconds old at most, so rather too many than too few.
  if (s.everything || !s.operations.empty() || !s.tenants.empty() || !s.tags.empty()) negatives_.clear();
  if (s.everything) everything_dead_before_ = epoch_;
  for (const std::uint16_t n : s.operations) operations_[n].dead_before = epoch_;
  for (const std::uint16_t n : s.tenants) tenants_[n].dead_before = epoch_;
  for (const std::uint64_t tag : s.tags) {
    if (tags_dead_.size() >= most_tags_known_ && !tags_dead_.contains(tag)) {
      tags_dead_.clear();
      tags_dead_before_ = epoch_;
    }
    tags_dead_[tag] = epoch_;
  }
  if (!s.everything && s.operations.empty() && s.tenants.empty() && s.tags.empty()) {
    if (s.ticket != 0) out.emplace_back(invalidation_done{s.ticket, s.entries});
  } else {
    doubtful_before_ = epoch_;
    // Only who wants a count is remembered: what is dead is known without.
    if (s.ticket != 0) (sweeping_ ? next_sweeps_ : sweeps_).push_back(std::move(s));
    (sweeping_ ? sweep_again_ : sweeping_) = true;
    hold_index();
  }
  account(out);
}

bool shard_core::is_dead(std::uint32_t epoch, std::uint16_t operation, std::uint16_t tenant,
                         std::span<const std::uint64_t> tags) const noexcept {
  if (epoch < everything_dead_before_ || epoch < operations_[operation].dead_before ||
      epoch < tenants_[tenant].dead_before)
    return true;
  return std::any_of(tags.begin(), tags.end(), [&](std::uint64_t tag) {
    const auto known = tags_dead_.find(tag);
    return epoch < (known == tags_dead_.end() ? tags_dead_before_ : known->second);
  });
}

bool shard_core::is_dead(const blob& entry) const noexcept { return is_invalidated(entry) || is_of_lost_range(entry); }

bool shard_core::is_invalidated(const blob& entry) const noexcept {
  return is_dead(entry.epoch, entry.operation, entry.tenant, tiers_.tags_of(entry));
}

bool shard_core::means(const sweep& s, const blob& entry) const noexcept {
  const auto has = [](const auto& list, auto what) { return std::find(list.begin(), list.end(), what) != list.end(); };
  if (entry.epoch >= s.epoch) return false;
  if (s.everything || has(s.operations, entry.operation) || has(s.tenants, entry.tenant)) return true;
  const std::span<const std::uint64_t> tags = tiers_.tags_of(entry);
  return std::any_of(tags.begin(), tags.end(), [&](std::uint64_t tag) { return has(s.tags, tag); });
}

// A dead entry leaves; it counts for the first invalidation that meant it and wants a count.
void shard_core::bury(blob& entry) {
  ++counters_.invalidated;
  const auto count = [&](std::vector<sweep>& list) {
    const auto at = std::find_if(list.begin(), list.end(), [&](const sweep& s) { return means(s, entry); });
    if (at != list.end()) ++at->entries;
    return at != list.end();
  };
  if (!count(sweeps_)) count(next_sweeps_);
  tiers_.erase(entry);
}

// Before something else happens to the key: true when its entry was dead and has left.
bool shard_core::bury_if_dead(const key128& key) {
  if (doubtful_before_ == 0) return false;
  blob* entry = tiers_.find(key);
  if (entry == nullptr || entry->epoch >= doubtful_before_ || !is_dead(*entry)) return false;
  bury(*entry);
  return true;
}

// One step of the walk over the index; true when there is more to do.
bool shard_core::sweep_on(effects& out) {
  if (!sweeping_) return tiers_.shrink_index();
  std::vector<blob*> dead;
  sweep_cursor_ = tiers_.visit(sweep_cursor_, swept_buckets, [&](blob& entry) {
    if (!is_dead(entry)) return;
    if (awaits_writing(entry)) {
      lost_unwritten_ = true;
    } else {
      dead.push_back(&entry);
    }
  });
  for (blob* entry : dead) bury(*entry);
  if (sweep_cursor_ != tier_stack::visited_all) return true;
  sweep_cursor_ = 0;
  for (const sweep& s : sweeps_) out.emplace_back(invalidation_done{s.ticket, s.entries});
  sweeps_ = std::exchange(next_sweeps_, {});
  sweeping_ = std::exchange(sweep_again_, false);
  if (!sweeping_) {
    if (!lost_unwritten_) doubtful_before_ = 0;
    hold_index();
  }
  return true;
}

}  // namespace aicache
