#include <algorithm>
#include <utility>

#include "engine/shard/shard_core.hpp"

// What a shard writes to the shared tier, behind the answers it gives.
namespace aicache {

namespace {
constexpr std::size_t most_writes = 256;  // changes in one message
}  // namespace

// Notes that the shared tier must be told of a key; false when the key has no name there.
bool shard_core::change(const identity& id, std::uint16_t operation, std::uint16_t tenant, bool remove,
                        std::optional<dirty_queue::waiting> who, effects& out) {
  std::optional<shared_name> name = name_of(operation, tenant, id);
  if (!name) return false;
  dirty_queue::change c{
      id, std::move(*name), local(batch_operations_, operation), local(batch_tenants_, tenant), remove, {}};
  if (who) c.line.push_back({who->batch, who->position, remove});
  note(std::move(c), out);
  return true;
}

void shard_core::note(dirty_queue::change c, effects& out) {
  if (dirty_queue::change dropped; shared_->dirty.add(std::move(c), dropped)) give_up(dropped, out);
}

// The oldest change had to make room. The shared tier may hold an older answer of its key for ever: this shard at least
// will not ask for it.
void shard_core::give_up(const dirty_queue::change& dropped, effects& out) {
  ++counters_.dirty_dropped;
  for (const dirty_queue::waiting& w : dropped.line)
    out.emplace_back(late_news{w.batch, w.position, store_status::refused});
}

// Who waits for the shared tier must not wait until it is back.
void shard_core::tell_waiting(effects& out) {
  for (const dirty_queue::waiting& w : shared_->dirty.take_waiting())
    out.emplace_back(late_news{w.batch, w.position, store_status::unavailable});
}

// What the shared tier shall hold of a key now: what memory holds. `held`: that cannot be said before an invalidation
// has its number.
std::optional<write_item> shard_core::to_write(dirty_queue::change& c, instant now, bool& held) {
  write_item w;
  w.key = c.name.key;
  w.id = c.id;
  blob* entry = live(c.id.key(), now);
  // What was put here before its range went to another node is still to be known.
  if (entry == nullptr) {
    blob* lost = tiers_.find(c.id.key());
    if (lost != nullptr && lost->expires > now && is_of_lost_range(*lost) && !is_invalidated(*lost)) entry = lost;
  }
  if (entry != nullptr) {
    const std::span<const std::uint64_t> tags = tiers_.tags_of(*entry);
    held = !scopes_alive(shared_->newest, c.name, tags, entry->key);
    if (held) return std::nullopt;
    w.value = tiers_.for_others(*entry);
    w.created = entry->created;
    w.expires = entry->expires;
    w.born = shared_->newest;
    w.tags.assign(tags.begin(), tags.end());
  }
  // Counted once, however often it is tried.
  if (!w.value && !c.remove) ++counters_.dirty_gone;
  c.remove = !w.value;
  return w;
}

// Sends changes as long as there is room on the way. An answer that is still in memory is as valid as anything this
// shard knows, so it is born in the newest generation.
void shard_core::write_dirty(instant now, effects& out) {
  shared_side& s = *shared_;
  std::vector<dirty_queue::change> later;
  const std::uint64_t room = std::min(options_.shared.write_bytes, tiers_.budget() / 16);
  while (s.available && s.dirty.size() > 0 && s.bytes_on_their_way < room) {
    write_job job{0, now, {}};
    shared_side::writing going;
    dirty_queue::change c;
    while (job.items.size() < most_writes && s.bytes_on_their_way + going.bytes < room && s.dirty.take(c)) {
      bool held = false;
      std::optional<write_item> item = to_write(c, now, held);
      if (held) {
        later.push_back(std::move(c));
        continue;
      }
      going.bytes += item->key.size() + (item->value ? item->value->size() : 0);
      going.held += item->key.size() + c.name.key.size();
      // An answer that was unpacked for the others is in nobody's account yet.
      if (item->value && item->value.get() != tiers_.find(c.id.key())) going.held += item->value->charged();
      job.items.push_back(std::move(*item));
      going.changes.push_back(std::move(c));
    }
    if (job.items.empty()) break;
    job.ticket = ++s.next_ticket;
    s.bytes_on_their_way += going.bytes;
    s.on_their_way.emplace(job.ticket, std::move(going));
    out.emplace_back(std::move(job));
  }
  for (dirty_queue::change& c : later)
    if (dirty_queue::change dropped; s.dirty.put_back(std::move(c), dropped)) give_up(dropped, out);
}

// What one who waited is told: the change may have become another one since, for the last that was done to the key counts.
store_status shard_core::news_of(const dirty_queue::waiting& who, bool removed, store_status how) noexcept {
  if (who.removal == removed || how == store_status::unavailable) return how;
  return who.removal ? store_status::absent : store_status::refused;
}

void shard_core::written(std::uint64_t ticket, std::span<const store_status> items, instant now, effects& out) {
  if (!shared_) return;
  const auto at = shared_->on_their_way.find(ticket);
  if (at == shared_->on_their_way.end()) return;
  shared_side::writing w = std::move(at->second);
  shared_->on_their_way.erase(at);
  shared_->bytes_on_their_way -= w.bytes;
  bool all_taken = true;
  for (std::size_t i = 0; i < w.changes.size(); ++i) {
    dirty_queue::change& c = w.changes[i];
    const store_status how = i < items.size() ? items[i] : store_status::unavailable;
    shared_->dirty.arrived(c.id.key());
    for (const dirty_queue::waiting& who : c.line)
      out.emplace_back(late_news{who.batch, who.position, news_of(who, c.remove, how)});
    c.line.clear();
    if (how == store_status::refused) {
      ++counters_.dirty_refused;
      // What lies there is what lay there before.
      if (!shared_->dirty.contains(c.id.key())) shared_->dirty.give_up(c.id.key());
    }
    if (how != store_status::unavailable) continue;
    all_taken = false;
    // What has been changed again meanwhile is newer than this.
    if (!shared_->dirty.contains(c.id.key())) note(std::move(c), out);
  }
  // After a failure it is left to the next tick, or the return of Redis, to try again.
  if (all_taken) write_dirty(now, out);
  account(out);
}

}  // namespace aicache
