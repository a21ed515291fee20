#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/answers/finish_reason.hpp"
#include "engine/client/response.hpp"
#include "engine/shard/batch.hpp"
#include "engine/statistics/prices.hpp"
#include "engine/types.hpp"

namespace aicache {

/// Everything that is known of an answer beside its text.
///
/// Shape      of the request: operation, class and length of its text; of the answer: model, tokens, time, end, size,
///            worth; of its life in the cache: since when, how old, until when, from where, how often asked for
/// Units      lengths of texts in code points, of answers in bytes; times on the node's time line, which is that of Unix
/// Owner      whoever holds it; a plain value, without a reference to the answer
struct answer_metadata {
  std::string operation;
  text_tier text = text_tier::small;
  std::uint32_t text_length = 0;
  std::string model;  ///< that really answered
  std::uint32_t input_tokens = 0;
  std::uint32_t output_tokens = 0;
  std::uint32_t model_ms = 0;
  finish_reason finish = finish_reason::unstated;
  std::uint32_t answer_bytes = 0;
  std::optional<money> worth;  ///< what the model took for it; none where its price is not known
  instant cached_at;
  duration age{0};               ///< when the cache answered
  std::optional<duration> left;  ///< of its life, below zero when it is over; none without an end
  tier from = tier::none;
  std::uint16_t retrievals = 0;  ///< hits so far, this one included
  bool stale = false;            ///< past its time
  unsigned format = answer_format;
};

/// What a request's text is, as its identity was computed.
struct text_facts {
  text_tier tier = text_tier::small;
  std::uint32_t code_points = 0;

  friend bool operator==(const text_facts&, const text_facts&) = default;
};

/// Reads a result, given at `now` of the node's time; of one without a value it tells what there is. `prices` may be
/// null. A result that came from no cache has no age.
answer_metadata metadata_of(const get_result& r, instant now, std::string_view operation, const text_facts& text,
                            const price_table* prices);

}  // namespace aicache
