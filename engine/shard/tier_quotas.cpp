#include <algorithm>
#include <array>
#include <new>

#include "engine/shard/tier_stack.hpp"

// What each tenant takes of a shard, and who makes room for whom: a tenant at its quota for itself alone.
namespace aicache {

namespace {
constexpr std::size_t hand_step = 4;               // buckets that a hand looks at together
constexpr std::size_t hand_reach = 64;             // and at most for one answer, but for
constexpr std::uint64_t bytes_a_bucket = 1 << 10;  // one more for so many bytes of a large one
constexpr std::size_t most_found = 48;  // entries of one tenant in a step; what is over waits for the next round
constexpr std::uint8_t hits_mask = 3;   // of an entry's state, in either tier
}  // namespace

void tier_stack::limit(std::uint16_t tenant, std::uint64_t bytes) {
  if (tenant >= uses_.size()) uses_.resize(tenant + 1U);
  uses_[tenant].quota = bytes;
}

tenant_use tier_stack::use_of(std::uint16_t tenant) const noexcept {
  return tenant < uses_.size() ? uses_[tenant] : tenant_use{};
}

void tier_stack::enter(const blob& b) noexcept {
  tenant_use& u = uses_[b.tenant];
  u.bytes += b.charged();
  ++u.entries;
}

void tier_stack::leave(const blob& b) noexcept {
  tenant_use& u = uses_[b.tenant];
  u.bytes -= b.charged();
  --u.entries;
}

// Room for an answer, at the cost of nobody but its own tenant.
outcome<void> tier_stack::make_own_room(const particulars& about, std::uint32_t weight) {
  try {
    if (about.tenant >= uses_.size()) uses_.resize(about.tenant + 1U);
  } catch (const std::bad_alloc&) {
    return fault{errc::overloaded, "no memory for a tenant"};
  }
  tenant_use& u = uses_[about.tenant];
  if (u.quota == 0) return {};
  if (weight > u.quota) {
    ++u.refused;
    return fault{errc::too_large, "the answer is larger than its tenant's quota"};
  }
  const blob* old = index_.find(about.key);
  if (old != nullptr && old->tenant != about.tenant) old = nullptr;
  const std::uint64_t freed = old == nullptr ? 0 : old->charged();
  if (evict_own(about.tenant, u.quota - weight + freed, hand_reach + weight / bytes_a_bucket, old)) return {};
  ++u.refused;
  return fault{errc::overloaded, "the tenant's quota is full"};
}

// An entry that would grow may do so only if others of its tenant make room for that.
bool tier_stack::may_grow(const blob& entry, std::uint64_t charged) noexcept {
  const tenant_use& u = uses_[entry.tenant];
  if (u.quota == 0 || charged <= entry.charged()) return true;
  const std::uint64_t more = charged - entry.charged();
  return more <= u.quota && evict_own(entry.tenant, u.quota - more, hand_reach, &entry);
}

// The tenant's hand goes over the index, in which its entries lie in an order of their own. From the bucket at which it
// stands those leave that were not used since it last came; once there are none left, the others pay a hit each, and it
// goes on. So whatever is not found now is found later.
bool tier_stack::evict_own(std::uint16_t tenant, std::uint64_t most, std::size_t buckets, const blob* spared) noexcept {
  tenant_use& u = uses_[tenant];
  std::array<blob*, most_found> unused;
  std::array<blob*, most_found> used;
  for (std::size_t looked = 0; u.bytes > most && looked < buckets; ++looked) {
    std::size_t unused_count = 0;
    std::size_t used_count = 0;
    const std::size_t next = index_.visit(u.hand, 1, [&](blob& b) {
      if (b.tenant != tenant || &b == spared) return;
      const bool has_hits = (b.queue.state & hits_mask) != 0;
      std::size_t& count = has_hits ? used_count : unused_count;
      if (count < most_found) (has_hits ? used : unused)[count++] = &b;
    });
    for (std::size_t i = 0; i < unused_count && u.bytes > most; ++i) {
      ++u.evicted;
      erase(*unused[i]);
    }
    if (u.bytes <= most) break;
    for (std::size_t i = 0; i < used_count; ++i) --used[i]->queue.state;
    u.hand = next == key_index::visited_all ? 0 : next;
  }
  return u.bytes <= most;
}

bool tier_stack::uses_are_exact() const {
  std::vector<tenant_use> counted(uses_.size());
  bool known = true;
  index_.for_each([&](const blob& b) {
    known = known && b.tenant < counted.size();
    if (!known) return;
    counted[b.tenant].bytes += b.charged();
    ++counted[b.tenant].entries;
  });
  return known && std::equal(uses_.begin(), uses_.end(), counted.begin(), [](const tenant_use& a, const tenant_use& b) {
           return a.bytes == b.bytes && a.entries == b.entries;
         });
}

}  // namespace aicache
