#include "actors/app/data_pages.hpp"

#include <functional>

#include "actors/app/answer_line.hpp"
#include "actors/app/node_session.hpp"
#include "config/value_text.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache::app {

namespace {

// The request first: what is asked wrongly is told without a node.
page with_node(const std::string& node, const request_arguments& asked,
               const std::function<page(node_session&, const request&)>& act) {
  const auto r = request_of(asked);
  if (!r) return complaint_of(r.why());
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  return act(**session, *r);
}

page not_there() { return complaint_of(exits::not_found, "there is no answer"); }

void add_fact(page& to, const char* name, std::int64_t value) { to.facts.emplace_back(name, std::to_string(value)); }

// From the node's own word for what is left, so that its clock and this machine's need not agree.
void add_times(page& to, const answer& a, const key_result& left) {
  if (!left.found) return;
  const bool ends = a.expires != never && left.left_ms != INT64_MAX;
  if (ends) add_fact(to, "age_ms", std::max<std::int64_t>(0, (a.expires - a.created).count() - left.left_ms));
  to.facts.emplace_back("left_ms", ends ? std::to_string(left.left_ms) : "never ends");
}

}  // namespace

std::optional<duration> time_in(const std::string& text, page& refusal) {
  const auto read = config::read_time(text);
  if (!read.value || read.value->count() <= 0)
    refusal =
        complaint_of(exits::asked_wrongly, "a time to live is a number above 0 and its unit, such as 90s, 5m or 2h");
  return read.value;
}

page page_of(const answer& a, bool with_facts, const std::function<key_result()>& left) {
  if (a.error != errc::none) return complaint_of(a.error);
  if (!a.hit()) return not_there();
  page out;
  if (with_facts) {
    out.facts.emplace_back("tier", to_string(a.from));
    add_times(out, a, left());
    add_fact(out, "retrievals", a.retrievals);
    if (!a.model().empty()) out.facts.emplace_back("model", a.model());
    if (attribute_of(*a.value, attribute::key).empty()) {
      add_fact(out, "input_tokens", a.facts().input_tokens);
      add_fact(out, "output_tokens", a.facts().output_tokens);
      add_fact(out, "model_ms", a.facts().model_ms);
    }
    // What JSON cannot hold is not altered for it.
    if (!is_utf8(a.text(), lone_surrogates::refused)) out.facts.emplace_back("base64", in_base64(a.text()));
  }
  if (!with_facts || is_utf8(a.text(), lone_surrogates::refused)) out.text = a.text();
  return out;
}

page page_of(const put_result& done, bool write_through) {
  if (done.error != errc::none) return complaint_of(done.error);
  page out;
  out.facts.emplace_back("stored", done.status == put_status::stored ? "yes" : "no");
  if (write_through)
    out.facts.emplace_back("in_redis", done.shared == shared_copy::written  ? "yes"
                                       : done.shared == shared_copy::failed ? "failed"
                                                                            : "later");
  const bool fell_short = done.status != put_status::stored || done.shared == shared_copy::failed;
  out.exit_code = fell_short ? exits::not_found : exits::done;
  return out;
}

page page_of(call_kind kind, const key_result& done) {
  if (done.error != errc::none) return complaint_of(done.error);
  page out;
  if (kind == call_kind::touch) {
    if (!done.found) return not_there();
    out.facts.emplace_back("touched", "yes");
    return out;
  }
  out.facts.emplace_back("found", done.found ? "yes" : "no");
  if (kind == call_kind::time_left && done.found)
    out.facts.emplace_back("left_ms", done.left_ms == INT64_MAX ? "never ends" : std::to_string(done.left_ms));
  out.exit_code = done.found ? exits::done : exits::not_found;
  return out;
}

page get_page(const std::string& node, const request_arguments& asked, bool with_facts) {
  return with_node(node, asked, [with_facts](node_session& s, const request& r) {
    return page_of(s.cache().get(r), with_facts, [&] { return s.cache().time_left(r); });
  });
}

page put_page(const std::string& node, const request_arguments& asked, const answer_arguments& with) {
  if (with.has_value != with.value_file.empty())
    return complaint_of(exits::asked_wrongly, "which --value, or else which --value-file?");
  if (with.value_file == "-" && asked.text_file == "-")
    return complaint_of(exits::asked_wrongly, "only one of text and value can come from standard input");
  wanted_put wanted;
  wanted.what = with.given;
  wanted.tags = with.tags;
  wanted.write_through = with.write_through;
  page refusal;
  if (!with.ttl.empty()) wanted.ttl = time_in(with.ttl, refusal);
  if (refusal.exit_code != exits::done) return refusal;
  if (!with.value_file.empty()) {
    auto value = whole_file(with.value_file);
    if (!value) return complaint_of(value.why());
    wanted.what.text = std::move(*value);
  }
  return with_node(node, asked, [&](node_session& s, const request& r) {
    wanted.asked = r;
    return page_of(s.put({&wanted, 1}).front(), wanted.write_through);
  });
}

page touch_page(const std::string& node, const request_arguments& asked, const std::string& ttl) {
  page refusal;
  const auto life = time_in(ttl, refusal);
  if (refusal.exit_code != exits::done) return refusal;
  return with_node(node, asked, [&](node_session& s, const request& r) {
    return page_of(call_kind::touch, s.cache().touch(r, *life));
  });
}

page key_page(call_kind kind, const std::string& node, const request_arguments& asked) {
  return with_node(node, asked, [kind](node_session& s, const request& r) {
    return page_of(kind, s.cache().by_key(kind, {&r, 1}).front());
  });
}

}  // namespace aicache::app
