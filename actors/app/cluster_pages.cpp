#include "actors/app/cluster_pages.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <optional>

#include "actors/app/node_session.hpp"
#include "engine/cluster/view.hpp"

namespace aicache::app {

namespace {

constexpr duration cluster_patience{10'000};

std::string share_of(std::uint32_t ranges) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%%", 100.0 * ranges / range_count);
  return text;
}

std::string yes_or_no(bool is) { return is ? "yes" : "no"; }

std::string text_of(const range_pin& p) { return std::to_string(p.first) + '-' + std::to_string(p.last); }

page with_state(const std::string& node, const std::function<page(node_session&, const cluster_state&)>& make) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const auto told = (*session)->ask<cluster_state>(cluster_state_request{}, cluster_patience);
  if (!told) return complaint_of(told.why());
  if (told->name.empty()) return complaint_of(exits::not_found, "the node is no part of a cluster; see cluster.name");
  return make(**session, *told);
}

cluster_view view_of(const cluster_state& s) {
  cluster_view v{s.epoch, {}, s.pins};
  for (const member_state& m : s.members) v.nodes.push_back({m.who.name, m.who.host, m.who.port, 0, 0});
  return v;
}

page::table table_of(const std::vector<range_pin>& pins) {
  page::table t{"pins", {"ranges", "node"}, {}};
  for (const range_pin& p : pins) t.rows.push_back({text_of(p), p.member});
  return t;
}

// "0-1023", or "42" for one.
std::optional<range_pin> parse_ranges(const std::string& text, const std::string& to) {
  const std::string both = text.find('-') == std::string::npos ? text + '-' + text : text;
  const auto pins = parse_pins(both + '=' + to);
  return pins && pins->size() == 1 ? std::optional(pins->front()) : std::nullopt;
}

std::optional<double> parse_share(const std::string& text) {
  double percent = 0;
  if (!text.ends_with('%')) return std::nullopt;
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size() - 1, percent);
  const bool whole = why == std::errc{} && end == text.data() + text.size() - 1;
  return whole && percent > 0 && percent <= 100 ? std::optional(percent / 100) : std::nullopt;
}

// The pins that a wish adds; a complaint where it makes no sense.
outcome<std::vector<range_pin>> pins_of(const move_wish& wish, const cluster_state& s) {
  const cluster_view view = view_of(s);
  std::vector<range_pin> pins;
  for (const std::string& text : wish.what) {
    if (const auto share = parse_share(text)) {
      if (wish.from.empty()) return fault{errc::invalid_argument, "say --from, the node whose share is to move"};
      if (view.find(wish.from) == nullptr) return fault{errc::invalid_argument, "there is no node " + wish.from};
      for (range_pin& p : pins_of_share(ranges_of(view, wish.from), *share, wish.to)) pins.push_back(std::move(p));
    } else if (auto one = parse_ranges(text, wish.to)) {
      pins.push_back(std::move(*one));
    } else {
      return fault{errc::invalid_argument,
                   text + " is neither ranges such as 0-1023, of 0 to 4095, nor a share such as 10%"};
    }
  }
  return pins;
}

}  // namespace

page nodes_page(const std::string& node) {
  return with_state(node, [](node_session&, const cluster_state& s) {
    page out;
    out.facts = {{"cluster_seen_by", s.name},
                 {"epoch", std::to_string(s.epoch)},
                 {"serving", std::to_string(s.serving)},
                 {"reaches_registry", yes_or_no(!s.cut_off)},
                 {"leaving", yes_or_no(s.leaving)}};
    if (!s.refusal.empty()) out.facts.emplace_back("refused", s.refusal);
    page::table t{"nodes", {"name", "address", "ranges", "share", "connected", "heard_ms_ago"}, {}};
    for (const member_state& m : s.members)
      t.rows.push_back({m.who.name, m.who.host + ':' + std::to_string(m.who.port), std::to_string(m.ranges),
                        share_of(m.ranges), yes_or_no(m.linked), m.linked ? std::to_string(m.silence_ms) : "-"});
    out.tables = {std::move(t)};
    if (!s.refusal.empty()) out.exit_code = exits::not_found;
    return out;
  });
}

page map_page(const std::string& node) {
  return with_state(node, [](node_session&, const cluster_state& s) {
    page out;
    const cluster_view view = view_of(s);
    const std::vector<std::uint16_t> owners = owners_of(view);
    out.facts = {{"epoch", std::to_string(s.epoch)}, {"ranges", std::to_string(range_count)}};
    page::table t{"map", {"ranges", "node"}, {}};
    for (std::size_t first = 0; first < owners.size();) {
      std::size_t last = first;
      while (last + 1 < owners.size() && owners[last + 1] == owners[first]) ++last;
      const range_pin run{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last), {}};
      t.rows.push_back({text_of(run), view.nodes[owners[first]].name});
      first = last + 1;
    }
    out.tables = {std::move(t), table_of(s.pins)};
    return out;
  });
}

page drain_page(const std::string& node, duration patience) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const auto told = (*session)->ask<left_cluster>(leave_request{patience.count()}, patience + cluster_patience);
  if (!told)
    return told.why().code == errc::invalid_argument
               ? complaint_of(exits::not_found, "the node is no part of a cluster; see cluster.name")
               : complaint_of(told.why());
  page out;
  out.facts = {{"others_know", yes_or_no(told->known)}, {"handed_over", std::to_string(told->handed_over)}};
  if (!told->known) out.exit_code = exits::not_found;
  return out;
}

page move_page(const std::string& node, const move_wish& wish) {
  return with_state(node, [&](node_session& session, const cluster_state& s) {
    if (!is_node_name(wish.to)) return complaint_of(exits::asked_wrongly, "--to must be the name of a node");
    const bool there = view_of(s).find(wish.to) != nullptr;
    if (!there && !wish.undo) return complaint_of(exits::not_found, "there is no node " + wish.to);
    pin_request asked{s.pins};
    if (wish.undo) {
      std::erase_if(asked.pins, [&](const range_pin& p) { return p.member == wish.to; });
    } else {
      const auto more = pins_of(wish, s);
      if (!more) return complaint_of(exits::asked_wrongly, more.why().detail);
      asked.pins.insert(asked.pins.end(), more->begin(), more->end());
    }
    const auto told = session.ask<cluster_map>(asked, cluster_patience);
    if (!told) return complaint_of(told.why());
    page out;
    out.facts = {{"epoch", std::to_string(told->epoch)}};
    out.tables = {table_of(told->pins)};
    return out;
  });
}

}  // namespace aicache::app
