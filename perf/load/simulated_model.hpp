#pragma once

#include "engine/client/response.hpp"
#include "perf/load/workload.hpp"

namespace aicache::perf {

/// Answers requests like a model whose answer depends on nothing but the request: what a cache hands out can be
/// checked byte for byte, by whoever asks, in any process.
///
/// Shape      JSON or prose of our own, beginning with the request's fingerprint; sizes are log-normal, most between
///            200 bytes and 3 KB
/// Cost       a copy of as many bytes as the answer has
class simulated_model {
 public:
  /// The answer to one request; valid until the next call.
  const response& answer(const asked& a);

 private:
  response made_;
};

}  // namespace aicache::perf
