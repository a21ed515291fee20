#include "engine/advice/expiry_ghost.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace aicache {

std::optional<predicted_effect> lifetime_evidence::effect_of(std::size_t i, std::uint64_t gets) const noexcept {
  if (gets == 0 || expired == 0 || i >= returned.size() || !(rate > 0)) return std::nullopt;
  const double count = static_cast<double>(returned[i]);
  const double point = 100 / rate / static_cast<double>(gets);
  // Whether a key is sampled is chance, so its count scatters as a binomial one does; one more, lest none look certain.
  return predicted_effect{count * point, 2 * std::sqrt((count + 1) * (1 - std::min(rate, 1.0))) * point};
}

void lifetime_evidence::merge(const lifetime_evidence& more) noexcept {
  rate = more.rate;
  expired += more.expired;
  for (std::size_t i = 0; i < returned.size(); ++i) returned[i] += more.returned[i];
}

expiry_ghost::expiry_ghost(const options& o)
    : threshold_(UINT64_MAX / std::max(o.one_in, 1U)),
      pair_mask_(std::bit_ceil(std::max<std::size_t>(o.places, 2)) / 2 - 1),
      places_((pair_mask_ + 1) * 2),
      evidence_(std::max<std::size_t>(o.operations, 1)) {
  for (lifetime_evidence& e : evidence_) e.rate = 1.0 / std::max(o.one_in, 1U);
}

// Where the key is, else a vacant place, else that of the one which expired longer ago.
expired_key& expiry_ghost::place_for(std::uint64_t hash) noexcept {
  expired_key& first = places_[pair_of(hash) * 2];
  expired_key& second = places_[pair_of(hash) * 2 + 1];
  const auto holds = [hash](const expired_key& k) { return k.hash == hash && k.life != duration{0}; };
  if (holds(first) || holds(second)) return holds(first) ? first : second;
  if (first.life == duration{0} || second.life == duration{0}) return first.life == duration{0} ? first : second;
  return first.end <= second.end ? first : second;
}

void expiry_ghost::expired(std::span<const expired_key> keys) noexcept {
  for (const expired_key& k : keys) {
    if (k.hash > threshold_ || k.life <= duration{0}) continue;
    place_for(k.hash) = k;
    ++evidence_[number_of(k.operation)].expired;
  }
}

void expiry_ghost::missed(std::span<const std::uint64_t> hashes, instant now) noexcept {
  for (const std::uint64_t hash : hashes) {
    if (hash > threshold_) continue;
    expired_key* const pair = &places_[pair_of(hash) * 2];
    for (expired_key* k = pair; k != pair + 2; ++k) {
      if (k->hash != hash || k->life == duration{0}) continue;
      lifetime_evidence& e = evidence_[number_of(k->operation)];
      const auto late = std::max<std::int64_t>(0, (now - k->end).count());
      for (std::size_t i = 0; i < e.returned.size(); ++i) {
        const double extra = static_cast<double>(k->life.count()) * (lifetime_evidence::percents[i] - 100) / 100;
        e.returned[i] += static_cast<double>(late) < extra;
      }
      *k = {};
    }
  }
}

lifetime_evidence expiry_ghost::evidence(std::uint16_t operation) const noexcept {
  return evidence_[number_of(operation)];
}

lifetime_evidence expiry_ghost::take(std::uint16_t operation) noexcept {
  lifetime_evidence& e = evidence_[number_of(operation)];
  const lifetime_evidence taken = e;
  e.expired = 0;
  e.returned = {};
  return taken;
}

std::size_t expiry_ghost::bytes() const noexcept {
  return places_.capacity() * sizeof(expired_key) + evidence_.capacity() * sizeof(lifetime_evidence);
}

}  // namespace aicache
