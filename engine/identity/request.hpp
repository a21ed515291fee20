#pragma once

#include <cstdint>
#include <string>

namespace aicache {

/// One question to a model, as far as it decides the answer. All texts are UTF-8 by convention, but any
/// bytes are accepted and distinguished (only normalisation, when switched on, needs valid UTF-8).
struct request {
  std::string tenant;     ///< whose answer it is; no other tenant's request can ever match
  std::string model;      ///< the model that shall answer, with its version if that matters
  std::string operation;  ///< what is asked of the model: "summarize", "qa", ...
  std::string text;       ///< the text it is asked about
  std::string options;    ///< a JSON object, or empty for none; member order and number spelling do not matter
  std::string question;   ///< the question, for operations that have one

  friend bool operator==(const request&, const request&) = default;
};

}  // namespace aicache
