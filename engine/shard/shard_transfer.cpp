#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "engine/client/response.hpp"
#include "engine/shard/shard_core.hpp"

// Entries that leave a shard's memory as they are, and those that come from another's.
namespace aicache {

namespace {
constexpr duration walk_patience{60'000};    // nobody goes on for so long: the walk is over
constexpr std::size_t walked_buckets = 512;  // in one step

/// The page's numbers of a shard's names, given out as they are needed.
class page_names {
 public:
  explicit page_names(const name_table& all) : all_(all) {}
  std::uint16_t number_of(std::uint16_t in_shard, std::vector<std::string>& list) {
    const auto known = std::find(given_.begin(), given_.end(), in_shard);
    if (known != given_.end()) return static_cast<std::uint16_t>(known - given_.begin());
    given_.push_back(in_shard);
    list.push_back(all_.name_of(in_shard));
    return static_cast<std::uint16_t>(list.size() - 1);
  }

 private:
  const name_table& all_;
  std::vector<std::uint16_t> given_;
};

identity half_identity(const key128& key) noexcept {
  identity id;
  const std::uint64_t words[] = {__builtin_bswap64(key.hi), __builtin_bswap64(key.lo)};
  std::memcpy(id.digest.data(), words, sizeof words);
  return id;
}

}  // namespace

// -- out ---------------------------------------------------------------------

// While somebody walks, the index grows but does not fold: cursors stay good, also those of several walks at once.
walk_step shard_core::walk(const walk_place& from, std::uint64_t most_bytes, instant now) {
  walk_step s;
  s.buckets = tiers_.buckets();
  s.entries = tiers_.size();
  end_walk(now);
  if (from.walk == 0) {
    if (walk_until_ == instant{}) walk_ = walk_ == 0 ? run() : walk_ + 2;
  } else if (from.walk != walk_ || walk_until_ == instant{}) {
    s.over = true;
    return s;
  }
  walk_until_ = now + walk_patience;
  hold_index();
  auto names = std::make_shared<name_lists>();
  page_names operations(operation_names_);
  page_names tenants(tenant_names_);
  std::uint64_t bytes = 0;
  std::size_t cursor = from.cursor;
  for (std::size_t i = 0; i < walked_buckets && bytes < most_bytes && cursor != tier_stack::visited_all; ++i) {
    cursor = tiers_.visit(cursor, 1, [&](blob& entry) {
      if (entry.expires <= now || (entry.epoch < doubtful_before_ && is_dead(entry))) return;
      // Number 0 is shared by all who found no number of their own.
      if (entry.operation == 0 || entry.tenant == 0) {
        ++s.unnamed;
        return;
      }
      transfer_item item;
      item.id = half_identity(entry.key);
      item.operation = operations.number_of(entry.operation, names->operations);
      item.tenant = tenants.number_of(entry.tenant, names->tenants);
      item.text = entry.queue.text;
      item.created = entry.created;
      item.expires = entry.expires;
      // What is alive here is as valid as anything that this shard knows.
      item.born = shared_ ? shared_->newest : epoch_;
      item.numbered_by = shared_ ? numbered_by_redis : run();
      item.behind = shared_ && shared_->dirty.is_behind(entry.key);
      const std::span<const std::uint64_t> tags = tiers_.tags_of(entry);
      item.tags.assign(tags.begin(), tags.end());
      item.value = entry.hand_out();
      if (entry.codec() == blob_codec::zstd) item.with = tiers_.dictionary_number(entry.dictionary());
      bytes += entry.codec() == blob_codec::zstd ? entry.raw_size() : entry.size();
      s.page.items.push_back(std::move(item));
    });
  }
  s.page.names = std::move(names);
  s.done = cursor == tier_stack::visited_all;
  s.next = {walk_, s.done ? 0 : cursor};
  return s;
}

void shard_core::end_walk(instant now) noexcept {
  if (walk_until_ == instant{} || walk_until_ > now) return;
  walk_until_ = {};
  hold_index();
}

// -- in ----------------------------------------------------------------------

void shard_core::import(std::span<const transfer_item> items, const import_rules& rules, instant now,
                        std::span<import_result> results, effects& out) {
  const std::size_t n = std::min(items.size(), results.size());
  for (std::size_t i = 0; i < n; ++i) {
    results[i] = import_one(items[i], rules, now, out);
    if (rules.dry_run || !shared_ || results[i].status > import_status::replaced) continue;
    // Half an identity has no name in the shared tier.
    if (items[i].whole) change(items[i].id, items[i].operation, items[i].tenant, false, std::nullopt, out);
  }
  if (rules.dry_run) return;
  if (shared_) write_dirty(now, out);
  account(out);
}

// By the numbers that it was born under, where they are ours: those of this very shard, or those of a Redis, which is
// taken for the same unless somebody says otherwise.
bool shard_core::was_invalidated(const transfer_item& item, const import_rules& rules) const {
  if (item.numbered_by != numbered_by_redis) {
    if (item.numbered_by != run()) return false;
    const auto epoch =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(item.born, std::numeric_limits<std::uint32_t>::max()));
    return is_dead(epoch, local(batch_operations_, item.operation), local(batch_tenants_, item.tenant), item.tags);
  }
  if (!shared_ || rules.foreign) return false;
  const std::optional<shared_name> name = name_of(item.operation, item.tenant, item.id);
  return name && !scopes_alive(item.born, *name, item.tags, item.id.key());
}

import_result shard_core::import_one(const transfer_item& item, const import_rules& rules, instant now, effects& out) {
  using status = import_status;
  const key128 key = item.id.key();
  const bool behind = shared_ && shared_->dirty.is_behind(key);
  if (item.expires <= now) return {status::expired, errc::none, behind};
  if (was_invalidated(item, rules)) return {status::invalidated, errc::none, behind};
  const blob* there = live(key, now);
  if (there != nullptr && there->created >= item.created)
    return {there->created == item.created ? status::present : status::newer, errc::none, behind};
  const status taken = there == nullptr ? status::stored : status::replaced;
  // What is being computed will be newer.
  if (leases_.is_held(key)) return {status::newer, errc::none, behind};
  if (rules.dry_run && !item.value) return {taken, errc::none, behind};
  if (!item.value || item.value->codec() != blob_codec::raw || item.tags.size() > shared_codec::most_tags ||
      item.expires - now > options_.lifetimes.longest) {
    ++counters_.refused_argument;
    return {status::refused, errc::invalid_argument, behind};
  }
  const finish_reason finish = finish_of(*item.value);
  const std::string_view name = attribute_of(*item.value, attribute::key);
  // What a caller keeps under a key of its own is no model's answer: no gate judges it.
  const errc why = finish == finish_reason::failed ? errc::compute_failed
                   : name.empty()                  ? options_.gate.judge(finish, item.value->text()).why
                                                   : errc::none;
  if (why != errc::none) return {status::refused, why, behind};
  if (rules.dry_run) return {taken, errc::none, behind};
  bury_if_dead(key);
  operation_state& o = operation_of(item.operation);
  const std::uint16_t operation = local(batch_operations_, item.operation);
  const std::uint16_t tenant = local(batch_tenants_, item.tenant);
  const outcome<void> stored = store_counted(item.value,
                                             {key, operation, tenant, item.text, item.expires, may_be_hot(o, item.text),
                                              epoch_, std::min(item.created, now), item.tags, name},
                                             o, now, out);
  if (!stored) return {status::refused, stored.why().code, behind};
  return {taken, errc::none, behind};
}

}  // namespace aicache
