#include <algorithm>
#include <memory>
#include <utility>

#include "actors/errors.hpp"
#include "actors/shard.hpp"

// A shard of a node in a cluster: it serves the ranges that it is told, and refuses every other key.
namespace aicache {

namespace {

void refuse_moved(get_result& r) {
  r = {};
  r.status = get_status::error;
  r.error = errc::moved;
}
void refuse_moved(put_result& r) { r = {put_status::refused, errc::moved}; }
void refuse_moved(key_result& r) { r = {false, errc::moved}; }

// Whoever is asked by a batch of which a part moved is asked again for the rest: a lease would be nobody's.
void take_no_lease(get_item& i) { i.lease = false; }
void take_no_lease(const put_item&) {}
void take_no_lease(const key_item&) {}

}  // namespace

// Some keys are another node's: these are refused, and the others go through this shard once more.
template <class Reply, class Batch>
caf::result<Reply> shard_state::only_owned(const Batch& m) {
  using body_type = std::remove_reference_t<decltype(*m.body)>;
  if (m.body->items.size() > setup_.limits.batch_keys) return Reply{m.correlation, errc::too_large, nullptr};
  try {
    const bool any = now() < owned_until_;
    const auto own = std::make_shared<body_type>();
    own->names = m.body->names;
    std::vector<std::size_t> places;
    m.body->results.assign(m.body->items.size(), {});
    for (std::size_t i = 0; i < m.body->items.size(); ++i) {
      if (any && (*owned_)[range_of(m.body->items[i].id.key())]) {
        places.push_back(i);
        own->items.push_back(m.body->items[i]);
        take_no_lease(own->items.back());
      } else {
        refuse_moved(m.body->results[i]);
      }
    }
    core_->count_moved(m.body->items.size() - places.size());
    if constexpr (requires { m.body->now; }) m.body->now = now();
    if (places.empty()) return Reply{m.correlation, errc::none, m.body};
    auto promise = self_->template make_response_promise<Reply>();
    Batch part = m;
    part.partial = false;
    part.body = own;
    if constexpr (std::is_same_v<Batch, put_batch>) {
      // Values that follow are known by the places of their items.
      std::erase_if(part.large, [&](large_value& v) {
        const auto at = std::lower_bound(places.begin(), places.end(), v.position);
        if (at == places.end() || *at != v.position) return true;
        v.position = static_cast<std::uint32_t>(at - places.begin());
        return false;
      });
    }
    self_->request(shard_actor{self_}, caf::infinite, std::move(part))
        .then(
            [promise, body = m.body, correlation = m.correlation, places = std::move(places)](Reply& r) mutable {
              if (r.why != errc::none || !r.body) {
                promise.deliver(Reply{correlation, r.why, nullptr});
                return;
              }
              for (std::size_t i = 0; i < places.size() && i < r.body->results.size(); ++i)
                body->results[places[i]] = std::move(r.body->results[i]);
              if constexpr (requires { body->now; }) body->now = r.body->now;
              promise.deliver(Reply{correlation, errc::none, body});
            },
            [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
    return promise;
  } catch (const std::exception&) {
    return Reply{m.correlation, errc::internal, nullptr};
  }
}

#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) \
  template caf::result<reply> shard_state::only_owned<reply, batch>(const batch& m);
#include "messages/ops.def"
#undef AICACHE_OPERATION

// Refused from this moment on; the answer comes when Redis knows what was put here before.
caf::result<ranges_served> shard_state::serve(const serve_ranges& m) {
  owned_ = m.ranges;
  owned_until_ = m.until;
  try {
    core_->forget(m.forget, m.keep, now(), effects_);
    perform();
    tick_soon();
  } catch (const std::exception&) {
    // Nothing is served of what could not be forgotten.
    owned_ = std::make_shared<const range_set>();
    return to_error(errc::internal);
  }
  if (core_->has_let_go()) return ranges_served{};
  letting_go_.push_back(self_->make_response_promise<ranges_served>());
  return letting_go_.back();
}

void shard_state::answer_let_go() {
  if (!core_->has_let_go()) return;
  for (auto& who : std::exchange(letting_go_, {})) who.deliver(ranges_served{});
}

}  // namespace aicache
