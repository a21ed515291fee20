#include <algorithm>
#include <memory>
#include <utility>

#include "actors/errors.hpp"
#include "actors/shard.hpp"

// What a shard does for those who look after a node: entries that leave and come in, and settings that change.
namespace aicache {

walked shard_state::walk(const walk_request& m) {
  try {
    return {std::make_shared<walk_step>(core_->walk(m.from, m.bytes, now()))};
  } catch (const std::exception&) {
    return {};  // no memory for a page of references
  }
}

// What is absent here is looked up first: what the shared tier has may be newer than what comes in. While that cannot be
// known nothing is taken that would be written there.
caf::result<imported> shard_state::import(const import_entries& m) {
  if (draining_) return imported{errc::shutting_down, {}};
  if (owned_ && !owns(m.page->items)) return imported{errc::moved, {}};
  if (level_ == service_level::shedding && !m.rules.dry_run) return imported{errc::overloaded, {}};
  try {
    const auto names = m.page->names ? m.page->names : std::make_shared<const name_lists>();
    core_->resolve(*names, names);
    const auto work = [this, m, names] {
      imported done;
      done.results.resize(m.page->items.size());
      core_->import(m.page->items, m.rules, now(), done.results, effects_);
      return done;
    };
    const std::uint64_t batch = ++next_batch_;
    std::uint32_t open = 0;
    if (!m.rules.dry_run) {
      std::vector<key_item> keys;
      for (const transfer_item& i : m.page->items)
        if (i.whole) keys.push_back({i.id, own_lifetime, i.operation, i.tenant});
      if (!keys.empty() && setup_.options.shared.on && !shared_available_) return imported{errc::unavailable, {}};
      open = core_->look_up(keys, batch, now() + setup_.options.shared.patience, now(), effects_);
    }
    if (open == 0) {
      imported done = work();
      perform();
      return done;
    }
    auto promise = self_->make_response_promise<imported>();
    const auto unknown = std::make_shared<bool>(false);
    changes_[batch] = {
        open, [unknown](std::uint32_t, store_status how) { *unknown = *unknown || how == store_status::unavailable; },
        [this, promise, names, work, unknown](errc why) mutable {
          if (why == errc::none && *unknown) why = errc::unavailable;
          // Within perform(), which goes on with what this adds.
          if (why == errc::none) core_->resume(*names, names);
          promise.deliver(why == errc::none ? work() : imported{why, {}});
        }};
    perform();
    return promise;
  } catch (const std::exception&) {
    return imported{errc::internal, {}};
  }
}

void shard_state::retune(const retune_shard& m) {
  setup_.limits = m.limits;
  setup_.report_interval = m.report_interval;
  setup_.drain_timeout = m.drain_timeout;
  setup_.options.park = m.options->park;
  try {
    core_->retune(*m.options, effects_);
    perform();
  } catch (const std::exception&) {
    // No memory for a name that is new in the settings: its answers live as those of any other, and the rest holds.
  }
}

}  // namespace aicache
