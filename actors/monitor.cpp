#include "actors/monitor.hpp"

#include <spdlog/spdlog.h>

#include "actors/errors.hpp"

#include <algorithm>

namespace aicache {

monitor_actor::behavior_type monitor_state::start(const monitor_setup& setup) {
  take_no_offence(self_);
  if (setup.learn) {
    learner_ = std::make_unique<mode_learner>(
        mode_learner::options{setup.hot_bytes, setup.expected_entry, first_eviction_mode});
    steering_ = steering();
  }
  return {
      [this](const report_message& m) {
        if (m.report && !totals_.add(*m.report)) spdlog::error("a shard's report does not parse and is dropped");
        learn(m.samples);
      },
      [this](const shards_changed& m) {
        shards_ = m.shards;
        if (learner_) steering_ = steering();
        epoch_ = m.epoch;
        if (m.lost >= 0) {
          ++restarts_;
          totals_.shard_lost(static_cast<std::uint32_t>(m.lost));
        }
        steer_all();
      },
      [this](statistics_request) {
        node_statistics s = summarise(totals_);
        s.epoch = epoch_;
        s.shard_restarts = restarts_;
        return s;
      },
  };
}

void monitor_state::learn(const std::vector<sampled>& samples) {
  if (!learner_ || samples.empty()) return;
  learner_->feed(samples);
  const steer now = steering();
  if (now == steering_) return;
  if (now.mode != steering_.mode) spdlog::info("eviction mode is now {}", to_string(now.mode));
  steering_ = now;
  steer_all();
}

// A batch must be short against a shadow: the more shards send batches, the shorter each.
steer monitor_state::steering() const {
  const auto shards = static_cast<std::uint32_t>(std::max<std::size_t>(1, shards_.size()));
  return {learner_->mode(), learner_->sample_threshold(), learner_->batch_size(shards)};
}

void monitor_state::steer_all() {
  if (!learner_) return;
  for (const shard_actor& s : shards_)
    if (s) self_->send(s, steering_);
}

}  // namespace aicache
