#include <algorithm>
#include <optional>

#include "config/value_text.hpp"
#include "engine/advice/rules.hpp"
#include "engine/statistics/distribution.hpp"

namespace aicache::advice {

namespace {

constexpr std::uint64_t smallest_budget = 1ULL << 20;  // that the settings allow
constexpr std::uint64_t whole = 1ULL << 20;            // budgets are advised in whole MiB

std::vector<evidence> use_of(const memory_facts& m) {
  return {{"used", *percent(m.used, m.budget), "%"},
          {"budget", static_cast<double>(m.budget), "bytes"},
          {"used_bytes", static_cast<double>(m.used), "bytes"}};
}

/// What `times` the budget would do, where that was measured well enough.
std::optional<predicted_effect> effect_of(const advice_snapshot& now, const advice_settings& settings, double times) {
  if (!now.curve || now.curve->samples < settings.enough_samples) return std::nullopt;
  return now.curve->effect_of(static_cast<std::uint64_t>(static_cast<double>(now.curve->budget) * times));
}

void show(std::vector<evidence>& figures, const predicted_effect& e) {
  figures.push_back({"expected_change", e.points, "points"});
  figures.push_back({"error", e.error, "points"});
}

}  // namespace

// A cache that is full does its work. What matters is whether more would help, and that is measured where it can be.
void memory_full(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.memory || now.memory->budget == 0) return;
  if (!(*percent(now.memory->used, now.memory->budget) > settings.memory_full_percent)) return;
  const auto effect = effect_of(now, settings, 2);
  // What pays is said by more_memory_pays, with its figures.
  if (effect) return;
  recommendation r = about(advice_type::memory, advice_priority::high, "Memory near its budget");
  r.figures = use_of(*now.memory);
  r.action = {"memory.budget", config::spell_size(now.memory->budget * 2), "double it, if the machine has the memory"};
  r.effect = "fewer evictions; by how much is not known before enough requests were sampled";
  out.push_back(std::move(r));
}

void memory_idle(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.memory || now.memory->budget <= smallest_budget) return;
  if (!(*percent(now.memory->used, now.memory->budget) < settings.memory_idle_percent)) return;
  // An idle node's memory is empty because nobody asked.
  std::uint64_t gets = 0;
  for (const operation_facts& o : now.operations) gets += o.gets();
  if (gets < settings.enough_texts) return;
  recommendation r = about(advice_type::memory, advice_priority::low, "Memory underused");
  r.figures = use_of(*now.memory);
  const std::uint64_t less = now.memory->budget / 10 * 7 / whole * whole;
  r.action = {"memory.budget", config::spell_size(std::max(less, smallest_budget)),
              "shrink it, once traffic is as usual"};
  r.effect = "memory for others, and no fewer hits while use stays below";
  out.push_back(std::move(r));
}

void more_memory_pays(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  const auto effect = effect_of(now, settings, 2);
  if (!effect || effect->points <= effect->error || !(effect->points > settings.worthwhile_points)) return;
  const std::uint64_t budget = now.curve->budget;
  const bool full = now.memory && now.memory->budget != 0 &&
                    *percent(now.memory->used, now.memory->budget) > settings.memory_full_percent;
  recommendation r = about(advice_type::memory, full ? advice_priority::high : advice_priority::medium,
                           "More memory would raise the hit ratio");
  if (now.memory && now.memory->budget != 0) r.figures = use_of(*now.memory);
  show(r.figures, *effect);
  r.action = {"memory.budget", config::spell_size(budget * 2), ""};
  r.action.sentence = "memory " + config::spell_size(budget) + " to " + r.action.value;
  r.effect = measured(*effect);
  out.push_back(std::move(r));
}

void less_memory_would_do(const advice_snapshot& now, const advice_settings& settings,
                          std::vector<recommendation>& out) {
  const auto effect = effect_of(now, settings, 0.5);
  if (!effect || now.curve->budget / 2 < smallest_budget) return;
  if (!(effect->points - effect->error > -settings.negligible_points)) return;
  recommendation r = about(advice_type::memory, advice_priority::low, "Half of the memory would do");
  show(r.figures, *effect);
  r.action = {"memory.budget", config::spell_size(now.curve->budget / 2), "give the rest to others"};
  r.effect = measured(*effect);
  out.push_back(std::move(r));
}

void eviction_pressure(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.evictions || now.evictions->puts < settings.enough_puts) return;
  const auto share = percent(now.evictions->evictions, now.evictions->puts);
  if (!share || !(*share > settings.pressure_percent)) return;
  // Where the curve is known, it says whether the pressure costs hits.
  const auto effect = effect_of(now, settings, 2);
  if (effect && !(effect->points > settings.worthwhile_points)) return;
  recommendation r = about(advice_type::eviction, advice_priority::medium, "Most new answers drive out others");
  r.figures = {{"evictions", *share, "% of puts"}, {"puts", static_cast<double>(now.evictions->puts), "answers"}};
  if (now.memory && now.memory->budget != 0)
    r.action = {"memory.budget", config::spell_size(now.memory->budget * 2), ""};
  r.action.sentence = "raise the memory or memory.warm_share, or leave out operations that are rarely hit";
  r.effect = effect ? measured(*effect) : "answers stay longer; estimated";
  out.push_back(std::move(r));
}

void poor_compression(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  if (!now.compression || now.compression->packed <= settings.enough_packed) return;
  const compression_facts& c = *now.compression;
  if (!(c.ratio > settings.poor_ratio)) return;
  recommendation r = about(advice_type::compression, advice_priority::medium, "Poor compression");
  r.figures = {{"compressed_to", c.ratio * 100, "%"},
               {"packed", static_cast<double>(c.packed), "answers"},
               {"min_bytes", static_cast<double>(c.min_bytes), "bytes"}};
  r.action = {
      "compression.min_bytes", config::spell_size(std::max<std::uint64_t>(c.min_bytes, 128) * 4),
      "leave short answers raw, or set memory.warm_share lower if the answers are compressed or random already"};
  r.effect = "processor time for compression is saved; at most " + shown((1 - std::min(c.ratio, 1.0)) * 100, 1) +
             " % of the warm tier's room is lost, measured";
  out.push_back(std::move(r));
}

void compression_in_vain(const advice_snapshot& now, const advice_settings& settings,
                         std::vector<recommendation>& out) {
  if (!now.compression) return;
  const compression_facts& c = *now.compression;
  const std::uint64_t tried = c.packed + c.unpackable;
  const auto share = percent(c.unpackable, tried);
  if (tried <= settings.enough_packed || !(*share > settings.unpackable_percent)) return;
  recommendation r = about(advice_type::compression, advice_priority::medium, "Most answers do not compress");
  r.figures = {{"unpackable", *share, "% of those tried"}, {"tried", static_cast<double>(tried), "answers"}};
  r.action = {"memory.warm_share", "0", "answers that do not compress are as well kept hot"};
  r.effect = "no time is spent on trying, and hits are served without a second tier; estimated";
  out.push_back(std::move(r));
}

}  // namespace aicache::advice
