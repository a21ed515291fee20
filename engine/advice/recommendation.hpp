#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aicache {

/// In the order in which recommendations are listed.
enum class advice_priority : std::uint8_t { high = 0, medium = 1, low = 2 };

constexpr const char* to_string(advice_priority p) noexcept {
  switch (p) {
    case advice_priority::medium: return "medium";
    case advice_priority::low: return "low";
    case advice_priority::high: break;
  }
  return "high";
}

/// What a recommendation is about.
enum class advice_type : std::uint8_t { hit_rate, text_tier, memory, ttl, compression, redis, eviction, lease };

constexpr const char* to_string(advice_type t) noexcept {
  switch (t) {
    case advice_type::text_tier: return "text_tier";
    case advice_type::memory: return "memory";
    case advice_type::ttl: return "ttl";
    case advice_type::compression: return "compression";
    case advice_type::redis: return "redis";
    case advice_type::eviction: return "eviction";
    case advice_type::lease: return "lease";
    case advice_type::hit_rate: break;
  }
  return "hit_rate";
}

/// One figure that a recommendation rests on.
struct evidence {
  std::string name;
  double value = 0;
  std::string unit;

  friend bool operator==(const evidence&, const evidence&) = default;
};

/// What to do: a setting and its new value, as the configuration takes it; a sentence where no setting alone does it.
struct advised_action {
  std::string setting;  ///< empty when there is none
  std::string value;
  std::string sentence;

  friend bool operator==(const advised_action&, const advised_action&) = default;
};

/// One thing that would make the cache better, and why.
struct recommendation {
  std::string rule;  ///< which row of the table of rules spoke; does not change
  advice_type type = advice_type::hit_rate;
  advice_priority priority = advice_priority::low;
  std::string subject;  ///< the operation that is meant; empty for the node
  std::string title;
  std::vector<evidence> figures;
  advised_action action;
  std::string effect;  ///< what to expect of it, and whether that was measured

  friend bool operator==(const recommendation&, const recommendation&) = default;
};

/// As a JSON array of objects.
std::string to_json(const std::vector<recommendation>& all);

}  // namespace aicache
