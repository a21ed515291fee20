#include "engine/shared/generation_commands.hpp"

#include <algorithm>
#include <charconv>

#include "engine/shared/generation_scripts.hpp"

namespace aicache {
namespace {

constexpr std::size_t restored_at_once = 1'024;
constexpr std::size_t page_head = 8;

bool parse_number(std::string_view text, std::uint64_t& out) noexcept {
  const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), out);
  return why == std::errc{} && end == text.data() + text.size();
}

bool number_of(const redis_reply& r, std::uint64_t& out) noexcept {
  if (r.what == redis_reply::kind::integer && r.integer >= 0) {
    out = static_cast<std::uint64_t>(r.integer);
    return true;
  }
  return r.what == redis_reply::kind::bulk && parse_number(r.text, out);
}

scope scope_in(std::string_view text) noexcept {
  scope s;
  if (!parse_scope(text, s)) s = {};
  return s;
}

}  // namespace

generation_commands::generation_commands(std::string_view prefix, generation_book::limits limits, std::uint64_t origin)
    : base_(std::string(prefix) + ":{generations}"), limits_(limits), origin_(std::to_string(origin)) {}

link_command generation_commands::command(std::string_view script) const {
  link_command c;
  c.words = {"EVAL", std::string(script), "5"};
  for (const char* name : {":newest", ":scopes", ":keys", ":floors", ":restored"}) c.words.push_back(base_ + name);
  c.route = c.words[3];
  return c;
}

link_command generation_commands::invalidate(std::span<const scope> scopes) const {
  link_command c = command(generation_scripts::invalidate);
  c.words.insert(c.words.end(), {base_, origin_, std::to_string(limits_.scopes), std::to_string(limits_.keys)});
  for (const scope& s : scopes) c.words.push_back(to_text(s));
  return c;
}

link_command generation_commands::learn(generation since, std::size_t page) const {
  link_command c = command(generation_scripts::learn);
  c.words.insert(c.words.end(), {std::to_string(since), std::to_string(page)});
  return c;
}

std::vector<link_command> generation_commands::restore(generation newest, generation floor, generation key_floor,
                                                       std::span<const numbered_scope> scopes) const {
  std::vector<link_command> commands;
  do {
    const auto these = scopes.first(std::min(scopes.size(), restored_at_once));
    scopes = scopes.subspan(these.size());
    link_command c = command(generation_scripts::restore);
    c.words.insert(c.words.end(), {base_, origin_, std::to_string(limits_.scopes), std::to_string(limits_.keys),
                                   std::to_string(newest), std::to_string(floor), std::to_string(key_floor),
                                   scopes.empty() ? "1" : "0"});
    for (const numbered_scope& s : these) {
      c.words.push_back(to_text(s.what));
      c.words.push_back(std::to_string(s.number));
    }
    commands.push_back(std::move(c));
  } while (!scopes.empty());
  return commands;
}

generation generation_commands::number_in(const redis_reply& reply) noexcept {
  generation g = 0;
  return number_of(reply, g) && g != unnumbered ? g : 0;
}

bool generation_commands::read_page(const redis_reply& reply, generations_page& out) {
  const auto& e = reply.elements;
  if (reply.what != redis_reply::kind::array || e.size() < page_head || (e.size() - page_head) % 2 != 0) return false;
  if (!number_of(e[0], out.newest) || !number_of(e[1], out.through) || !number_of(e[2], out.floor) ||
      !number_of(e[3], out.key_floor) || !number_of(e[4], out.scopes) || !number_of(e[5], out.keys) ||
      !number_of(e[7], out.restored) || out.through > out.newest || out.newest == unnumbered)
    return false;
  out.run = e[6].text;
  out.raised.clear();
  out.raised.reserve((e.size() - page_head) / 2);
  for (std::size_t i = page_head; i < e.size(); i += 2) {
    numbered_scope s{scope_in(e[i].text), 0};
    if (!number_of(e[i + 1], s.number) || s.number > out.newest) return false;
    out.raised.push_back(s);
  }
  return true;
}

bool generation_commands::read_announcement(std::string_view text, generation_announcement& out) {
  auto word = [&text] {
    const std::string_view w = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(w.size() + 1, text.size()));
    return w;
  };
  out.scopes.clear();
  if (!parse_number(word(), out.number) || !parse_number(word(), out.origin)) return false;
  while (!text.empty()) out.scopes.push_back(scope_in(word()));
  return out.number != unnumbered;
}

}  // namespace aicache
