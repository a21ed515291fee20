#pragma once

#include <string>
#include <vector>

#include "engine/advice/advise.hpp"

namespace aicache {

/// One row of the table of rules. `speak` adds what it has to say; the rule's name is filled in by advise().
struct advice_rule {
  const char* name;
  void (*speak)(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out);
};

namespace advice {

/// How most rules begin what they say.
recommendation about(advice_type type, advice_priority priority, std::string title);

// rules_of_operations.cpp
void never_hit(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void rarely_hit(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void often_hit(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void fast_but_short(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void longer_life_pays(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);

// rules_of_texts.cpp
void many_xlarge_texts(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void few_small_texts(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void mostly_small_texts(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void hardly_small_texts(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);

// rules_of_memory.cpp
void memory_full(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void memory_idle(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void more_memory_pays(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void less_memory_would_do(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void eviction_pressure(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void poor_compression(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void compression_in_vain(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);

// rules_of_service.cpp
void redis_slow(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void redis_unavailable(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void waits_in_vain(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);
void no_room_to_wait(const advice_snapshot&, const advice_settings&, std::vector<recommendation>&);

/// A figure as people read it, with so many digits behind the point.
std::string shown(double value, int digits);
/// "+7.2 points (error 0.8), measured"
std::string measured(const predicted_effect& e);

}  // namespace advice
}  // namespace aicache
