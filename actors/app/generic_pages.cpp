#include "actors/app/generic_pages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/app/answer_line.hpp"
#include "actors/app/data_pages.hpp"
#include "actors/app/node_session.hpp"
#include "actors/generic_store.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache::app {

namespace {

constexpr std::uint32_t keys_at_once = 10'000;

template <class Act>
page with_store(const std::string& node, const std::string& tenant, const std::string& key, Act act) {
  if (key.empty()) return complaint_of(exits::asked_wrongly, "which --key?");
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  return act((*session)->cache().generic(tenant));
}

nlohmann::json json_of(const std::string& key) {
  if (is_utf8(key, lone_surrogates::refused)) return key;
  return {{"base64", in_base64(key)}};
}

}  // namespace

page get_entry_page(const std::string& node, const entry_name& entry, bool with_facts) {
  return with_store(node, entry.tenant, entry.key, [&](const generic_store& s) {
    return page_of(s.get(entry.key), with_facts, [&] { return s.time_left(entry.key); });
  });
}

page set_entry_page(const std::string& node, const entry_arguments& with) {
  if (with.has_value != with.value_file.empty())
    return complaint_of(exits::asked_wrongly, "which --value, or else which --value-file?");
  page refusal;
  put_options o;
  o.tags = with.tags;
  o.write_through = with.write_through;
  if (!with.ttl.empty()) o.ttl = time_in(with.ttl, refusal);
  if (refusal.exit_code != exits::done) return refusal;
  std::string value = with.value;
  if (!with.value_file.empty()) {
    auto read = whole_file(with.value_file);
    if (!read) return complaint_of(read.why());
    value = std::move(*read);
  }
  return with_store(node, with.name.tenant, with.name.key, [&](const generic_store& s) {
    return page_of(s.set(with.name.key, value, o), with.write_through);
  });
}

page touch_entry_page(const std::string& node, const entry_name& entry, const std::string& ttl) {
  page refusal;
  const auto life = time_in(ttl, refusal);
  if (refusal.exit_code != exits::done) return refusal;
  return with_store(node, entry.tenant, entry.key,
                    [&](const generic_store& s) { return page_of(call_kind::touch, s.touch(entry.key, *life)); });
}

page entry_page(call_kind kind, const std::string& node, const entry_name& entry) {
  return with_store(node, entry.tenant, entry.key, [&](const generic_store& s) {
    return page_of(kind, s.by_key(kind, {&entry.key, 1}).front());
  });
}

page keys_page(const std::string& node, const std::string& tenant, const std::string& pattern, const std::string& after,
               std::uint64_t limit) {
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const generic_store store = (*session)->cache().generic(tenant);
  page out;
  nlohmann::json all = nlohmann::json::array();
  listing_options next{pattern, after};
  bool more = true;
  bool everywhere = true;
  while (more && (limit == 0 || all.size() < limit)) {
    next.limit = limit == 0 ? keys_at_once
                            : static_cast<std::uint32_t>(std::min<std::uint64_t>(keys_at_once, limit - all.size()));
    auto found = store.keys(next);
    if (!found) return complaint_of(found.why());
    for (const std::string& key : found->keys) {
      out.text += key + '\n';
      all.push_back(json_of(key));
    }
    everywhere = everywhere && found->all_of_redis;
    more = found->more && !found->keys.empty();
    if (more) next.after = found->keys.back();
  }
  out.json = nlohmann::json{{"keys", all}, {"more", more}, {"all_of_redis", everywhere}}.dump() + '\n';
  if (!everywhere) {
    out.complaint = "Redis could not be searched to its end: these are the keys that are known without";
    out.exit_code = exits::not_found;
  }
  return out;
}

}  // namespace aicache::app
