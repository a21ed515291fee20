#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/identity/request.hpp"
#include "engine/outcome.hpp"

namespace aicache::perf {

/// One request that the load program may make, and what is known of it.
struct asked {
  request what;
  std::uint64_t fingerprint = 0;    ///< of all that decides the answer; equal for requests that mean the same
  std::uint32_t operation = 0;      ///< place in workload::operations
  std::uint32_t input_tokens = 0;   ///< given, or estimated from the length
  std::uint32_t output_tokens = 0;  ///< given, or 0: to be estimated from the answer
  std::int64_t t_ms = -1;           ///< when it was made, where that is known
};

/// The requests of a load, and what had to be left out.
struct workload {
  static constexpr std::size_t shown_complaints = 5;

  std::string name;
  std::vector<asked> lines;  ///< in order of arrival, if all arrivals are known
  std::vector<std::string> operations;
  std::uint64_t malformed = 0;
  std::vector<std::string> complaints;  ///< about the first malformed lines: number and reason
  bool timed = false;                   ///< every line has a time of arrival

  /// Takes one request in; fills `fingerprint`, `operation` and what tokens are missing.
  void add(asked line);
};

/// Reads a file of JSON lines, compressed or not. A line is an object with `operation` and `text` (or `key`, which then
/// stands for the text), and if need be `tenant`, `model`, `question`, `options` (an object), `t_ms`, `input_tokens`,
/// `output_tokens`; other members are passed over. Lines that are not like this are counted, and the rest is used.
///
/// Fails      what input_file fails with; invalid_argument when no line is usable
outcome<workload> read_workload(const std::string& path);

/// A workload in our own words, the same for the same seed: support questions, summaries and key points of product
/// notes, and sentiments of reviews, of three tenants; some of the texts are medium and large.
workload builtin_workload(std::uint64_t seed);

}  // namespace aicache::perf
