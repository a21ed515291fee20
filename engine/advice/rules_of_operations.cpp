#include <algorithm>

#include "config/value_text.hpp"
#include "engine/advice/rules.hpp"
#include "engine/statistics/distribution.hpp"

namespace aicache::advice {

namespace {

constexpr std::int64_t longest_life_ms = 3650LL * 86'400'000;  // that the settings allow

recommendation about(const operation_facts& o, advice_type type, advice_priority priority, std::string title) {
  recommendation r = advice::about(type, priority, std::move(title));
  r.subject = o.name;
  return r;
}

std::vector<evidence> hits_of(const operation_facts& o) {
  return {{"hit_rate", *percent(o.hits, o.gets()), "%"},
          {"gets", static_cast<double>(o.gets()), "gets"},
          {"life", static_cast<double>(o.life.count()), "ms"}};
}

advised_action life_of(const operation_facts& o, std::uint32_t percent_of_life, std::string sentence) {
  const std::int64_t life = std::min(o.life.count(), longest_life_ms) * percent_of_life / 100;
  return {"ttl.operations", o.name + "=" + config::spell_time(duration{std::min(life, longest_life_ms)}),
          std::move(sentence)};
}

bool judged(const operation_facts& o, const advice_settings& settings) noexcept {
  return o.gets() != 0 && o.gets() >= settings.enough_gets;
}

constexpr const char* keep_the_rest = "replace this entry, and keep the other entries of the table";

}  // namespace

void never_hit(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  for (const operation_facts& o : now.operations) {
    if (!judged(o, settings) || o.hits != 0) continue;
    recommendation r = about(o, advice_type::hit_rate, advice_priority::high, "No hit at all for " + o.name);
    r.figures = hits_of(o);
    r.action.sentence =
        "look at what callers send: an option or text that differs with every request, such as a time or an id, makes "
        "every key new; else do not cache this operation";
    r.effect = "memory and look-ups are spent for nothing until then";
    out.push_back(std::move(r));
  }
}

void rarely_hit(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  for (const operation_facts& o : now.operations) {
    if (!judged(o, settings) || o.hits == 0) continue;
    const double rate = *percent(o.hits, o.gets());
    if (!(rate < settings.low_hits_percent)) continue;
    recommendation r = about(o, advice_type::hit_rate, advice_priority::high, "Low hit rate for " + o.name);
    r.figures = hits_of(o);
    r.figures.push_back({"expired", *percent(o.expired, o.misses), "% of misses"});
    r.action = life_of(o, 200, "raise its life if misses are of expired answers; else look at how requests differ");
    r.effect = "at most " + shown(*percent(o.expired, o.gets()), 1) +
               " points of hit ratio, if all that expired had lived; estimated";
    out.push_back(std::move(r));
  }
}

void often_hit(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  for (const operation_facts& o : now.operations) {
    if (!judged(o, settings)) continue;
    const double rate = *percent(o.hits, o.gets());
    if (!(rate > settings.high_hits_percent)) continue;
    recommendation r = about(o, advice_type::hit_rate, advice_priority::low, "Excellent hit rate for " + o.name);
    r.figures = hits_of(o);
    r.action = life_of(o, 150, "consider an even longer life, and these settings for like operations");
    r.effect = "at most " + shown(*percent(o.expired, o.gets()), 1) + " points of hit ratio; estimated";
    out.push_back(std::move(r));
  }
}

void fast_but_short(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  for (const operation_facts& o : now.operations) {
    // A longer life helps only what was asked for after its end; where that was measured, longer_life_pays speaks.
    if (o.lifetimes.expired >= settings.enough_expired) continue;
    if (o.timed == 0 || o.timed < settings.enough_timed || o.expired == 0) continue;
    if (!(o.mean_nanoseconds < settings.fast_nanoseconds) || o.life >= settings.short_life) continue;
    recommendation r =
        about(o, advice_type::ttl, advice_priority::medium, "Consider a longer life for the fast operation " + o.name);
    r.figures = {{"mean_time", o.mean_nanoseconds / 1e6, "ms"},
                 {"life", static_cast<double>(o.life.count()), "ms"},
                 {"timed", static_cast<double>(o.timed), "gets"},
                 {"expired", static_cast<double>(o.expired), "misses"}};
    r.action = life_of(o, 200, keep_the_rest);
    r.effect = "fewer misses of expired answers; estimated";
    out.push_back(std::move(r));
  }
}

void longer_life_pays(const advice_snapshot& now, const advice_settings& settings, std::vector<recommendation>& out) {
  for (const operation_facts& o : now.operations) {
    if (!judged(o, settings) || o.lifetimes.expired < settings.enough_expired) continue;
    // The shortest life from which the next longer one would gain little more.
    std::optional<predicted_effect> best;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < lifetime_evidence::percents.size(); ++i) {
      const auto effect = o.lifetimes.effect_of(i, o.gets());
      if (!effect || effect->points - effect->error <= 0) continue;
      if (best && !(effect->points > best->points + settings.worthwhile_points)) continue;
      best = effect;
      chosen = i;
    }
    if (!best || !(best->points > settings.worthwhile_points)) continue;
    recommendation r = about(o, advice_type::ttl, advice_priority::medium,
                             "Answers of " + o.name + " are asked for again after their end");
    r.figures = {{"expected_gain", best->points, "points"},
                 {"error", best->error, "points"},
                 {"life", static_cast<double>(o.life.count()), "ms"},
                 {"expired_sampled", static_cast<double>(o.lifetimes.expired), "answers"}};
    r.action = life_of(o, lifetime_evidence::percents[chosen], keep_the_rest);
    r.effect = measured(*best);
    out.push_back(std::move(r));
  }
}

}  // namespace aicache::advice
