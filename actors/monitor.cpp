#include "actors/monitor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "actors/errors.hpp"
#include "engine/advice/advise.hpp"
#include "engine/statistics/export.hpp"

namespace aicache {

namespace {
constexpr duration look_every{10'000};
constexpr std::uint32_t curve_batch = 64;  // samples of a shard, where only the curve wants them
}  // namespace

monitor_actor::behavior_type monitor_state::start(const monitor_setup& setup) {
  take_no_offence(self_);
  setup_ = setup;
  book_ = record_book{setup.figures};
  if (setup.learn)
    learner_ = std::make_unique<mode_learner>(
        mode_learner::options{setup.hot_bytes, setup.expected_entry, first_eviction_mode});
  if (setup.measure_curve && setup.budget != 0) {
    ghost_curve::options o;
    o.budget = setup.budget;
    o.first_entry_weight = std::max<std::uint64_t>(setup.expected_entry, 1);
    o.learning = setup.learn;
    curve_ = std::make_unique<ghost_curve>(o);
  }
  steering_ = steering();
  return {
      [this](const report_message& m) {
        if (m.report) add(*m.report);
        learn(m.samples);
      },
      [this](const shards_changed& m) {
        shards_ = m.shards;
        steering_ = steering();
        epoch_ = m.epoch;
        if (m.lost >= 0) {
          ++restarts_;
          book_.shard_lost(static_cast<std::uint32_t>(m.lost));
        }
        steer_all();
      },
      [this](const slow_seen& m) { book_.add(m.what); },
      [this](const keys_made& m) {
        if (!book_.add(m.what)) spdlog::error("a client's report on keys does not parse and is dropped");
      },
      [this](const invalidation_seen& m) { book_.add(m.what); },
      [this](statistics_request) {
        node_statistics s = summarise(book_.totals());
        s.epoch = epoch_;
        s.shard_restarts = restarts_;
        return s;
      },
      [this](const figures_query& q) { return figures(q); },
      [this](reset_request) {
        book_.reset();
        return reset_done{};
      },
      [this](const retune_monitor& m) {
        book_.retune(*m.figures);
        setup_.ground = m.ground;
        setup_.redis_deadline = m.redis_deadline;
        setup_.redis_connections = m.redis_connections;
      },
  };
}

void monitor_state::add(const shard_report& report) {
  const instant at = now();
  if (!book_.add(report, at)) return spdlog::error("a shard's report does not parse and is dropped");
  // A shard that has not reported yet would look like memory that is not there.
  if (at < next_look_ || book_.totals().present_by_shard().size() < shards_.size()) return;
  next_look_ = at + look_every;
  book_.tick(at);
  steer_if_changed();
}

void monitor_state::learn(const std::vector<sampled>& samples) {
  if (samples.empty()) return;
  if (learner_) learner_->feed(samples);
  if (curve_) curve_->seen(samples);
  steer_if_changed();
}

void monitor_state::steer_if_changed() {
  const steer wanted = steering();
  if (wanted == steering_) return;
  if (wanted.mode != steering_.mode) spdlog::info("eviction mode is now {}", to_string(wanted.mode));
  steering_ = wanted;
  steer_all();
}

// A batch must be short against a shadow: the more shards send batches, the shorter each. Who wants fewer samples than
// the other skips those that are not for him.
steer monitor_state::steering() const {
  const auto shards = static_cast<std::uint32_t>(std::max<std::size_t>(1, shards_.size()));
  steer s;
  if (learner_) {
    s.mode = learner_->mode();
    s.sample_threshold = learner_->sample_threshold();
    s.sample_batch = learner_->batch_size(shards);
  }
  if (curve_) {
    s.sample_threshold = std::max(s.sample_threshold, curve_->threshold());
    s.sample_batch = std::min(s.sample_batch, curve_batch);
  }
  s.slow_nanoseconds = book_.slow().threshold(work_kind::get);
  return s;
}

void monitor_state::steer_all() {
  for (const shard_actor& s : shards_)
    if (s) self_->send(s, steering_);
}

// -- what the figures mean ---------------------------------------------------

figures_reply monitor_state::figures(const figures_query& q) {
  node_facts node = q.about;
  node.epoch = epoch_;
  node.shard_restarts = restarts_;
  switch (q.view) {
    case figures_view::ledger: return {to_json(book_.ledger())};
    case figures_view::recommendations: return {recommendations(node)};
    case figures_view::curve: return {to_json(curve_ ? curve_->curve() : hit_curve{})};
    case figures_view::everything: return {export_json(book_, node, now())};
    case figures_view::summary: break;
  }
  return {to_json(book_.summarise(now()), node)};
}

std::string monitor_state::recommendations(const node_facts& node) const {
  advice_snapshot s = snapshot_of(book_, setup_.ground);
  if (curve_) s.curve = curve_->curve();
  if (node.link) {
    redis_facts r;
    r.reads = node.link->counted.reads_present + node.link->counted.reads_absent;
    r.unavailable = node.link->counted.reads_unavailable;
    r.timed = book_.totals().shared_reads().count();
    r.p99_nanoseconds = book_.totals().shared_reads().quantile(0.99);
    r.get_deadline = setup_.redis_deadline;
    r.connections = setup_.redis_connections;
    s.redis = r;
  }
  return to_json(advise(s));
}

}  // namespace aicache
