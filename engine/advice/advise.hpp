#pragma once

#include <cstdint>
#include <vector>

#include "engine/advice/recommendation.hpp"
#include "engine/advice/snapshot.hpp"

namespace aicache {

/// From when on rules speak. Bounds are strict: a figure that equals one says nothing.
struct advice_settings {
  std::uint64_t enough_gets = 10;    ///< of one operation
  std::uint64_t enough_texts = 100;  ///< gets of the node, before their lengths mean anything
  std::uint64_t enough_timed = 5;    ///< timed gets of one operation
  std::uint64_t enough_packed = 10;  ///< more than these answers compressed
  std::uint64_t enough_puts = 100;
  std::uint64_t enough_waits = 20;
  std::uint64_t enough_reads = 100;      ///< of Redis
  std::uint64_t enough_samples = 2'000;  ///< of the curve of memory
  std::uint64_t enough_expired = 20;     ///< sampled answers of one operation
  double low_hits_percent = 30;
  double high_hits_percent = 90;
  double many_xlarge_percent = 20;
  double few_small_percent = 10;
  double compress_small_percent = 20;  ///< below so many small texts, compression pays most
  double many_small_percent = 70;
  double memory_full_percent = 90;
  double memory_idle_percent = 30;
  double fast_nanoseconds = 100'000'000;
  duration short_life{7'200'000};
  double poor_ratio = 0.8;  ///< packed to raw
  double unpackable_percent = 50;
  double slow_redis_nanoseconds = 50'000'000;
  double unavailable_percent = 1;
  double pressure_percent = 50;  ///< evictions of puts
  double waited_percent = 10;    ///< of waiting callers, in vain
  double unparked_percent = 1;
  double worthwhile_points = 1;    ///< of hit ratio, that a measured change must promise
  double negligible_points = 0.1;  ///< of hit ratio, that memory may be given back for
};

/// All that the rules have to say of a snapshot: high before medium before low, else in the order of the table of rules.
/// Pure: the same for the same snapshot and settings.
std::vector<recommendation> advise(const advice_snapshot& now, const advice_settings& settings = {});

/// The names of all rules, in the order of their table.
std::vector<std::string> advice_rules();

}  // namespace aicache
