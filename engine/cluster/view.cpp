#include "engine/cluster/view.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace aicache {
namespace {

bool parse_range(std::string_view text, std::uint16_t& out) noexcept {
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), out);
  return why == std::errc{} && end == text.data() + text.size() && out < range_count;
}

}  // namespace

const cluster_node* cluster_view::find(std::string_view name) const noexcept {
  const auto at = std::find_if(nodes.begin(), nodes.end(), [&](const cluster_node& n) { return n.name == name; });
  return at == nodes.end() ? nullptr : &*at;
}

void cluster_view::sort() {
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

std::vector<std::uint16_t> owners_of(const cluster_view& view) {
  std::vector<std::string> names;
  for (const cluster_node& n : view.nodes) names.push_back(n.name);
  return assign_ranges(names, view.pins);
}

range_set ranges_of(const cluster_view& view, std::string_view name) {
  range_set own;
  const cluster_node* node = view.find(name);
  if (node == nullptr) return own;
  const auto place = static_cast<std::uint16_t>(node - view.nodes.data());
  const std::vector<std::uint16_t> owners = owners_of(view);
  for (std::size_t r = 0; r < owners.size(); ++r) own[r] = owners[r] == place;
  return own;
}

std::string to_text(const std::vector<range_pin>& pins) {
  std::string out;
  for (const range_pin& p : pins) {
    if (!out.empty()) out += ',';
    out += std::to_string(p.first) + '-' + std::to_string(p.last) + '=' + p.member;
  }
  return out;
}

std::optional<std::vector<range_pin>> parse_pins(std::string_view text) {
  std::vector<range_pin> pins;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(one.size() + 1, text.size()));
    const std::size_t dash = one.find('-');
    const std::size_t equals = one.find('=');
    if (dash == std::string_view::npos || equals == std::string_view::npos || dash > equals) return std::nullopt;
    range_pin p;
    if (!parse_range(one.substr(0, dash), p.first) || !parse_range(one.substr(dash + 1, equals - dash - 1), p.last))
      return std::nullopt;
    p.member = one.substr(equals + 1);
    if (p.first > p.last || !is_node_name(p.member)) return std::nullopt;
    pins.push_back(std::move(p));
  }
  return pins;
}

bool is_node_name(std::string_view name) noexcept {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), plain);
}

std::vector<range_pin> pins_of_share(const range_set& from, double share, std::string_view to) {
  auto wanted = static_cast<std::size_t>(std::lround(std::clamp(share, 0.0, 1.0) * range_count));
  wanted = std::max<std::size_t>(wanted, 1);
  std::vector<range_pin> pins;
  for (std::uint32_t r = 0; r < range_count && wanted > 0; ++r) {
    if (!from[r]) continue;
    --wanted;
    const auto range = static_cast<std::uint16_t>(r);
    if (!pins.empty() && pins.back().last + 1U == r) {
      pins.back().last = range;
    } else {
      pins.push_back({range, range, std::string(to)});
    }
  }
  return pins;
}

}  // namespace aicache
