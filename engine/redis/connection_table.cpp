#include "engine/redis/connection_table.hpp"

#include <algorithm>

namespace aicache {

std::uint16_t connection_table::open(std::string_view address) {
  std::uint16_t place = 0;
  while (place < places_.size() && places_[place].in_use) ++place;
  if (place == most) return nobody;
  if (place == places_.size()) places_.emplace_back();
  connection& c = places_[place];
  c = {};
  c.id = place + most * serial_;
  // The pool of a single server is numbered from 0; only a place that is taken again needs another serial number.
  c.in_use = true;
  c.address = address;
  return place;
}

void connection_table::close(std::uint16_t place) {
  places_[place] = {};
  ++serial_;
  std::replace(owners_.begin(), owners_.end(), place, nobody);
}

std::uint16_t connection_table::find(std::uint32_t id) const noexcept {
  const auto place = static_cast<std::uint16_t>(id % most);
  return place < places_.size() && places_[place].in_use && places_[place].id == id ? place : nobody;
}

std::uint16_t connection_table::find(std::string_view address) const noexcept {
  for (std::uint16_t i = 0; i < size(); ++i)
    if (places_[i].in_use && places_[i].address == address) return i;
  return nobody;
}

std::uint16_t connection_table::least_busy() noexcept {
  std::uint16_t best = nobody;
  for (std::uint16_t n = 0; n < size(); ++n) {
    const auto i = static_cast<std::uint16_t>((turn_ + n) % size());
    if (is_up(i) && (best == nobody || places_[i].in_flight < places_[best].in_flight)) best = i;
  }
  if (best != nobody) turn_ = static_cast<std::uint16_t>(best + 1);
  return best;
}

std::uint16_t connection_table::first_up() const noexcept {
  for (std::uint16_t i = 0; i < size(); ++i)
    if (is_up(i)) return i;
  return nobody;
}

std::uint16_t connection_table::next_up() noexcept {
  for (std::uint16_t n = 0; n < size(); ++n) {
    const auto i = static_cast<std::uint16_t>((turn_ + n) % size());
    if (!is_up(i)) continue;
    turn_ = static_cast<std::uint16_t>(i + 1);
    return i;
  }
  return nobody;
}

void connection_table::find_masters() {
  masters_.clear();
  std::vector<bool> seen(places_.size(), false);
  for (std::uint16_t o : owners_) {
    if (o == nobody || seen[o]) continue;
    seen[o] = true;
    masters_.push_back(o);
  }
}

std::string named_by(std::string_view address, std::string_view by) {
  const auto colon = address.rfind(':');
  if (colon != 0) return std::string(address);
  return std::string(by.substr(0, by.rfind(':'))).append(address);
}

bool parse_cluster_slots(const redis_reply& reply, std::string_view by, std::vector<slot_range>& out) {
  out.clear();
  if (reply.what != redis_reply::kind::array) return false;
  const auto is_slot = [](const redis_reply& r) {
    return r.what == redis_reply::kind::integer && r.integer >= 0 && r.integer < slot_count;
  };
  std::int64_t slots = 0;
  for (const redis_reply& range : reply.elements) {
    if (range.elements.size() < 3 || !is_slot(range.elements[0]) || !is_slot(range.elements[1])) return false;
    // Overlapping ranges would be a lie, and a long one much work.
    const std::int64_t length = range.elements[1].integer - range.elements[0].integer + 1;
    if (length < 1 || (slots += length) > slot_count) return false;
    const std::vector<redis_reply>& master = range.elements[2].elements;
    if (master.size() < 2 || master[1].what != redis_reply::kind::integer) return false;
    const std::int64_t port = master[1].integer;
    if (port <= 0 || port > UINT16_MAX) return false;
    // A server that does not know how it is reached by others says so with nothing or a question mark.
    const std::string host = master[0].text == "?" ? std::string{} : master[0].text;
    out.push_back({static_cast<std::uint16_t>(range.elements[0].integer),
                   static_cast<std::uint16_t>(range.elements[1].integer),
                   named_by(host + ":" + std::to_string(port), by)});
  }
  return !out.empty();
}

}  // namespace aicache
