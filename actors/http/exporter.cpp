#include "actors/http/exporter.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "actors/errors.hpp"
#include "actors/http/json_views.hpp"
#include "actors/http/message.hpp"

namespace aicache::http {

namespace {

// Longer than the front itself waits for those whom it asks.
constexpr duration turn_patience{3'000};
static_assert(static_cast<std::uint8_t>(view::curve) == static_cast<std::uint8_t>(figures_view::curve));

/// Two distributions as one: all of it is exact, but of the quantiles the sum knows nothing.
latency_summary both(const latency_summary& a, const latency_summary& b) {
  if (a.count == 0) return b;
  if (b.count == 0) return a;
  const std::uint64_t n = a.count + b.count;
  latency_summary sum{n, (a.sum + b.sum) / n, 0, 0, 0, 0, std::max(a.max, b.max), a.sum + b.sum, a.at_most};
  for (std::size_t i = 0; i < sum.at_most.size() && i < b.at_most.size(); ++i) sum.at_most[i] += b.at_most[i];
  return sum;
}

}  // namespace

exporter_actor::behavior_type exporter_state::start(exporter_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  operations_ = label_limit(setup_.label_values);
  tenants_ = label_limit(setup_.label_values);
  self_->set_down_handler([this](const caf::down_msg&) { setup_.board->end(); });
  self_->monitor(setup_.front);
  self_->send(self_, exporter_tick{});
  return {[this](exporter_tick) { look(); }};
}

void exporter_state::look() {
  if (setup_.board->has_ended()) return;
  self_->request(setup_.front, turn_patience, map_request{})
      .then(
          [this](const shard_map& m) {
            next_.epoch = m.epoch;
            next_.shards_up.clear();
            for (const shard_actor& s : m.shards) next_.shards_up.push_back(static_cast<bool>(s));
          },
          [](const caf::error&) {});
  self_->request(setup_.front, turn_patience, settings_request{})
      .then(
          [this](const running_settings& s) {
            if (!s.now || s.now == settings_) return;
            settings_ = s.now;
            next_.config = config_json(*settings_);
            next_.config_hash = config_hash(*settings_);
          },
          [](const caf::error&) {});
  if (setup_.shared)
    self_->request(setup_.front, turn_patience, shared_tier_request{})
        .then([this](bool available) { next_.shared = available; }, [](const caf::error&) {});
  if (setup_.in_cluster)
    self_->request(setup_.front, turn_patience, cluster_state_request{})
        .then([this](cluster_state& c) { next_.cluster = std::move(c); }, [](const caf::error&) {});
  open_ = view_count + 1;
  statistics_.reset();
  for (std::size_t i = 0; i < view_count; ++i)
    self_->request(setup_.front, turn_patience, figures_request{static_cast<figures_view>(i)})
        .then(
            [this, i](figures_reply& r) {
              next_.views[i] = std::move(r.json);
              heard();
            },
            [this](const caf::error&) { heard(); });
  self_->request(setup_.front, turn_patience, statistics_request{})
      .then(
          [this](node_statistics& s) {
            statistics_ = std::move(s);
            heard();
          },
          [this](const caf::error&) { heard(); });
}

// A turn ends with its last answer, whichever that is.
void exporter_state::heard() {
  if (--open_ > 0) return;
  if (statistics_) publish(*statistics_);
  self_->delayed_send(self_, setup_.refresh, exporter_tick{});
}

void exporter_state::publish(const node_statistics& s) {
  next_.taken = std::chrono::steady_clock::now();
  next_.at = {std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
  next_.statistics = s;
  std::map<std::string, operation_statistics> operations;
  for (const operation_statistics& o : s.operations) {
    const std::string& label = operations_.of(valid_utf8(o.name));
    auto& sum = operations.try_emplace(label, operation_statistics{label, {}, {}}).first->second;
    add(sum.counted, o.counted);
    sum.latency = both(sum.latency, o.latency);
  }
  std::map<std::string, tenant_statistics> tenants;
  for (const tenant_statistics& t : s.tenants) {
    const std::string& label = tenants_.of(valid_utf8(t.name));
    tenant_statistics& sum = tenants.try_emplace(label, tenant_statistics{label, {}, {}}).first->second;
    add(sum.counted, t.counted);
    add(sum.present, t.present);
  }
  next_.operations.clear();
  for (auto& [label, o] : operations) next_.operations.push_back(std::move(o));
  next_.tenants.clear();
  for (auto& [label, t] : tenants) next_.tenants.push_back(std::move(t));
  next_.told = figures_told(next_.views[static_cast<std::size_t>(view::ledger)],
                            next_.views[static_cast<std::size_t>(view::recommendations)]);
  events_.compare(setup_.board->newest().get(), next_);
  next_.events = events_.json();
  setup_.board->publish(std::make_shared<snapshot>(next_));
}

}  // namespace aicache::http
