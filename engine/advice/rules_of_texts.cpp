#include <algorithm>
#include <numeric>
#include <optional>

#include "config/value_text.hpp"
#include "engine/advice/rules.hpp"
#include "engine/statistics/distribution.hpp"

namespace aicache::advice {

namespace {

constexpr double wide_warm_share = 0.75;

/// The share of one class among all gets, if there were enough.
std::optional<double> share_of(text_tier tier, const text_class_facts& texts, const advice_settings& settings) {
  const std::uint64_t all = std::accumulate(texts.gets.begin(), texts.gets.end(), std::uint64_t{0});
  if (all < settings.enough_texts) return std::nullopt;
  return percent(texts.gets[static_cast<std::size_t>(tier)], all);
}

recommendation about(text_tier tier, double share, const text_class_facts& texts, advice_priority priority,
                     const char* title) {
  recommendation r;
  r.type = advice_type::text_tier;
  r.priority = priority;
  r.title = title;
  r.figures = {{std::string(to_string(tier)) + "_share", share, "%"},
               {std::string(to_string(tier)) + "_gets", static_cast<double>(texts.gets[static_cast<std::size_t>(tier)]),
                "gets"}};
  return r;
}

}  // namespace

void many_xlarge_texts(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  const auto share = share_of(text_tier::xlarge, now.texts, settings);
  if (!share || !(*share > settings.many_xlarge_percent)) return;
  recommendation r =
      about(text_tier::xlarge, *share, now.texts, advice_priority::medium, "High proportion of extra-large texts");
  r.figures.push_back({"present_bound", static_cast<double>(now.texts.large), "code points"});
  r.action = {"text_tiers.large", std::to_string(now.texts.large * 2),
              "split documents before asking about them, or move the bound if such lengths are normal here"};
  r.effect =
      "parts of documents are asked about more often than whole ones, so more hits from the same memory; estimated";
  out.push_back(std::move(r));
}

void few_small_texts(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  const auto share = share_of(text_tier::small, now.texts, settings);
  // Without a single one, small is a class that is not used, and no bound is wrong.
  if (!share || now.texts.gets[0] == 0 || !(*share < settings.few_small_percent)) return;
  recommendation r = about(text_tier::small, *share, now.texts, advice_priority::low, "Low proportion of small texts");
  r.figures.push_back({"present_bound", static_cast<double>(now.texts.small), "code points"});
  r.action = {"text_tiers.small", std::to_string(now.texts.small * 2),
              "only small texts enter the hot tier at once: move the bound to where your short texts end"};
  r.effect = "more answers from the hot tier, without decompression; estimated";
  out.push_back(std::move(r));
}

void mostly_small_texts(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  const auto share = share_of(text_tier::small, now.texts, settings);
  if (!share || !(*share > settings.many_small_percent)) return;
  // Where memory lies idle, more of it helps nobody.
  if (const auto used = now.memory ? percent(now.memory->used, now.memory->budget) : std::nullopt;
      used && *used < settings.memory_idle_percent)
    return;
  recommendation r = about(text_tier::small, *share, now.texts, advice_priority::medium,
                           "Mostly small texts: memory serves them best");
  const std::uint64_t budget = now.memory ? now.memory->budget : 0;
  if (budget != 0) {
    r.figures.push_back({"budget", static_cast<double>(budget), "bytes"});
    r.action = {"memory.budget", config::spell_size(budget * 2), ""};
  }
  r.action.sentence = "raise the memory: answers to small texts are small, so many fit, and all may be hot";
  const auto effect = now.curve && now.curve->samples >= settings.enough_samples
                          ? now.curve->effect_of(now.curve->budget * 2)
                          : std::nullopt;
  r.effect = effect ? measured(*effect) : "more hits from the hot tier; estimated";
  if (effect && effect->points < settings.negligible_points) return;
  out.push_back(std::move(r));
}

void hardly_small_texts(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  const auto share = share_of(text_tier::small, now.texts, settings);
  if (!share || !(*share < settings.compress_small_percent)) return;
  recommendation r =
      about(text_tier::small, *share, now.texts, advice_priority::medium, "Hardly any small texts: compression first");
  if (!now.memory || now.memory->warm_share < wide_warm_share) {
    r.action = {"memory.warm_share", shown(wide_warm_share, 2),
                "long texts bring long answers, which compress well: give compressed ones more room"};
  } else {
    r.action.sentence =
        "compressed answers have most of the room already: a higher compression.level packs them tighter";
  }
  if (now.compression) {
    r.figures.push_back({"compressed_to", now.compression->ratio * 100, "%"});
    r.effect = "the same memory holds " + shown(1 / std::max(now.compression->ratio, 0.01), 1) +
               " times as much in the warm tier; measured";
  } else {
    r.effect = "more answers in the same memory, for some time to decompress each; estimated";
  }
  out.push_back(std::move(r));
}

}  // namespace aicache::advice
