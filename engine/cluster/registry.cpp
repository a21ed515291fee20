#include "engine/cluster/registry.hpp"

#include <array>
#include <charconv>

#include "engine/cluster/registry_script.hpp"

namespace aicache {
namespace {

constexpr std::size_t answer_head = 6;

constexpr std::string_view action_word(registry_action a) noexcept {
  switch (a) {
    case registry_action::leave: return "leave";
    case registry_action::pin: return "pin";
    case registry_action::renew: break;
  }
  return "renew";
}

// The next word of a text, which is taken off it.
std::string_view take_until(std::string_view& text, char divider) {
  const std::string_view word = text.substr(0, text.find(divider));
  text.remove_prefix(std::min(word.size() + 1, text.size()));
  return word;
}

template <class Number>
bool read_whole(std::string_view text, Number& out) noexcept {
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), out);
  return why == std::errc{} && end == text.data() + text.size();
}

bool parse_node(std::string_view name, std::string_view about, cluster_node& out) {
  out.name = name;
  if (!is_node_name(name) || !read_whole(take_until(about, ' '), out.since) ||
      !read_whole(take_until(about, ' '), out.incarnation) || !read_whole(take_until(about, ' '), out.port) ||
      about.empty())
    return false;
  out.host = about;
  return true;
}

std::string why_refused(const redis_reply& reply, const registry_call& call) {
  const auto& e = reply.elements;
  if (e[1].text == "name")
    return "another node at " + e[2].text + " is called " + call.self.name +
           " already; give this one another cluster.name";
  return "node " + e[2].text + " is set otherwise: here " + difference_of(call.fingerprint, e[3].text);
}

}  // namespace

link_command registry_command(std::string_view prefix, const registry_call& call) {
  link_command c;
  const std::string key = std::string(prefix) + ":{cluster}";
  const cluster_node& me = call.self;
  c.words = {"EVAL",
             std::string(registry_script),
             "1",
             key,
             me.name,
             std::to_string(me.incarnation),
             me.host,
             std::to_string(me.port),
             call.fingerprint,
             std::to_string(call.lease.count()),
             std::string(action_word(call.action)),
             std::to_string(call.known.epoch),
             to_text(call.known.pins),
             to_text(call.pins)};
  for (const cluster_node& n : call.known.nodes) {
    c.words.push_back(n.name);
    c.words.push_back(std::to_string(n.since) + ' ' + std::to_string(n.incarnation) + ' ' + std::to_string(n.port) +
                      ' ' + n.host);
  }
  c.route = key;
  return c;
}

std::optional<registry_answer> read_registry(const redis_reply& reply, const registry_call& call) {
  const auto& e = reply.elements;
  if (reply.what != redis_reply::kind::array || e.size() < answer_head || (e.size() - answer_head) % 2 != 0)
    return std::nullopt;
  registry_answer a;
  auto pins = parse_pins(e[5].text);
  if (!read_whole(std::string_view(e[4].text), a.view.epoch) || !pins) return std::nullopt;
  a.view.pins = std::move(*pins);
  for (std::size_t i = answer_head; i < e.size(); i += 2) {
    cluster_node n;
    if (!parse_node(e[i].text, e[i + 1].text, n)) return std::nullopt;
    a.view.nodes.push_back(std::move(n));
  }
  a.view.sort();
  a.unattended = e[1].text == "unattended";
  if (e[0].text == "refused") {
    a.refused = why_refused(reply, call);
  } else if (e[0].text != "ok") {
    return std::nullopt;
  }
  return a;
}

std::string difference_of(std::string_view ours, std::string_view theirs) {
  while (!ours.empty() || !theirs.empty()) {
    const std::string_view one = take_until(ours, ',');
    const std::string_view other = take_until(theirs, ',');
    if (one != other) return std::string(one) + ", there " + std::string(other);
  }
  return "nothing";
}

}  // namespace aicache
