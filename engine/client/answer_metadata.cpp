#include "engine/client/answer_metadata.hpp"

#include <algorithm>

namespace aicache {

answer_metadata metadata_of(const get_result& r, instant now, std::string_view operation, const text_facts& text,
                            const price_table* prices) {
  answer_metadata m;
  m.operation = operation;
  m.text = text.tier;
  m.text_length = text.code_points;
  if (r.value) {
    const answer_facts facts = r.value->facts();
    m.model = attribute_of(*r.value, attribute::model);
    m.finish = finish_of(*r.value);
    m.input_tokens = facts.input_tokens;
    m.output_tokens = facts.output_tokens;
    m.model_ms = facts.model_ms;
    m.answer_bytes = facts.text_bytes;
    if (const price* p = prices == nullptr ? nullptr : prices->find(m.model); p != nullptr)
      m.worth = p->of(facts.input_tokens, facts.output_tokens);
  }
  m.from = r.from;
  m.retrievals = r.retrievals;
  m.stale = r.stale == staleness::stale;
  if (r.from == tier::none) return m;
  m.cached_at = r.created;
  // A clock that is read a moment apart in two actors makes nothing younger than it is.
  m.age = std::max(duration{0}, now - r.created);
  if (r.expires != never) m.left = r.expires - now;
  return m;
}

}  // namespace aicache
