#include <algorithm>

#include "engine/search/glob.hpp"
#include "engine/shard/shard_core.hpp"

// What a shard finds of what it holds, for those who cannot name it.
namespace aicache {

namespace {
constexpr std::size_t searched_buckets = 256;     // of the index in one step
constexpr std::size_t buckets_at_once = 16;       // after which its cost is looked at
constexpr std::size_t most_compared = 256 << 10;  // bytes of keys and patterns in one step
constexpr duration searchers_patience{5'000};     // between two steps of a search
}  // namespace

memory_found shard_core::search(const memory_search& wanted, instant now) {
  memory_found found;
  const std::uint64_t folds = tiers_.index_folds();
  if (wanted.from.bucket != 0 && wanted.from.folds != folds) {
    found.lost = true;
    return found;
  }
  searched_until_ = now + searchers_patience;
  hold_index();
  sweep meant;
  if (wanted.what) {
    meant.epoch = UINT32_MAX;
    switch (wanted.what->kind) {
      case scope_kind::everything: meant.everything = true; break;
      case scope_kind::tenant: mark(*wanted.what, tenant_names_, meant.tenants, scope_of_tenant); break;
      case scope_kind::operation: mark(*wanted.what, operation_names_, meant.operations, scope_of_operation); break;
      case scope_kind::tag: meant.tags.push_back(wanted.what->name.lo); break;
      case scope_kind::key:
      case scope_kind::pattern: break;
    }
  }
  std::size_t compared = 0;
  const auto look_at = [&](const blob& entry) {
    if (entry.epoch < doubtful_before_ && is_dead(entry)) return;
    if (wanted.what) {
      if (means(meant, entry)) found.entries.push_back({entry.key, {}});
      return;
    }
    const std::string_view name = tiers_.name_of(entry);
    if (name.empty() || entry.expires <= now) return;
    const std::span<const std::uint64_t> tags = tiers_.tags_of(entry);
    if (std::find(tags.begin(), tags.end(), wanted.tag) == tags.end()) return;
    compared += name.size() + wanted.pattern.size();
    if (glob_match(wanted.pattern, name)) found.entries.push_back({entry.key, std::string(name)});
  };
  std::size_t bucket = wanted.from.bucket;
  for (std::size_t done = 0; done < searched_buckets && compared < most_compared; done += buckets_at_once) {
    bucket = tiers_.visit(bucket, buckets_at_once, [&](blob& entry) { look_at(entry); });
    if (bucket == tier_stack::visited_all) return found;
  }
  found.next = memory_cursor{bucket, folds};
  return found;
}

// Who has not come back by now will not.
void shard_core::end_searches(instant now) noexcept {
  if (searched_until_ == instant{0} || now < searched_until_) return;
  searched_until_ = instant{0};
  hold_index();
}

}  // namespace aicache
