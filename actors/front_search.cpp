#include <utility>

#include "actors/errors.hpp"
#include "actors/front.hpp"
#include "actors/search.hpp"
#include "engine/shared/invalidation_core.hpp"
#include "messages/identity_rules.hpp"

// What a front has searched for those who cannot name it.
namespace aicache {

namespace {

constexpr std::size_t most_searches = 16;  // at once
constexpr std::size_t most_pattern = 1'024;
constexpr std::uint32_t most_keys = 10'000;  // of one page

errc fault_in(const std::string& tenant, const std::string& pattern, const identity_options& rules) {
  if (pattern.empty()) return errc::invalid_argument;
  return pattern.size() > most_pattern || tenant.size() > rules.name_bytes ? errc::too_large : errc::none;
}

}  // namespace

// Spawns a search and makes `then(its result)` the reply; `redis`: of Redis as well, if there is one.
template <class Reply, class Then>
caf::result<Reply> front_state::run_search(search_request what, bool redis, Then then) {
  if (searches_ >= most_searches) return Reply{errc::overloaded};
  search_setup setup;
  setup.options.prefix = options_.sharing.invalidation.prefix;
  setup.options.shards = static_cast<std::uint32_t>(shards_.size());
  setup.options.shared = redis && link_;
  setup.options.names = identity_rules(options_.limits);
  setup.options.codec = codec_options();
  setup.options.keys = options_.sharing.keys;
  setup.wanted = std::move(what);
  for (const slot& s : shards_) setup.shards.push_back(s.handle);
  setup.link = link_;
  setup.invalidation = invalidation_;
  setup.batch_keys = options_.limits.batch_keys;
  setup.clock = clock_;
  const search_actor searcher = setup.options.shared ? self_->spawn<caf::detached>(search, std::move(setup))
                                                     : self_->spawn(search, std::move(setup));
  ++searches_;
  auto promise = self_->make_response_promise<Reply>();
  // Each of its steps has an end; a search of a large Redis has many.
  self_->request(searcher, caf::infinite, begin_search{})
      .then(
          [this, promise, then](search_result& found) mutable {
            --searches_;
            promise.deliver(then(found));
          },
          [this, promise](caf::error& why) mutable {
            --searches_;
            promise.deliver(std::move(why));
          });
  return promise;
}

caf::result<keys_found> front_state::keys(const keys_request& m) {
  if (const errc why = fault_in(m.tenant, m.pattern, identity_rules(options_.limits)); why != errc::none)
    return keys_found{why};
  search_request what;
  what.tenant = m.tenant;
  what.pattern = m.pattern;
  what.after = m.after;
  what.limit = std::min(m.limit, most_keys);
  return run_search<keys_found>(std::move(what), true, [](search_result& r) {
    return keys_found{r.why, std::move(r.keys), r.more, r.all_of_redis};
  });
}

caf::result<invalidated> front_state::search_and_invalidate(const invalidate_request& m) {
  search_request what;
  what.purpose = m.dry_run ? search_purpose::count : search_purpose::erase;
  what.tenant = m.tenant;
  what.pattern = m.name;
  errc wrong = errc::none;
  if (m.kind == scope_kind::pattern) {
    wrong = fault_in(m.tenant, m.name, identity_rules(options_.limits));
  } else {
    scope meant;
    wrong = invalidation_core::understand({m.kind, m.tenant, m.name, m.wait}, options_.sharing.invalidation.name_bytes,
                                          meant, what.what.emplace());
  }
  if (wrong != errc::none) return invalidated{wrong};
  const bool redis = m.wait || !m.dry_run;
  const auto begun = self_->clock().now();
  return run_search<invalidated>(std::move(what), redis, [this, m, redis, begun](const search_result& r) {
    invalidated done{r.why, !m.dry_run && (!link_ || shared_.available), r.in_memory, r.in_redis,
                     link_ && redis && r.all_of_redis};
    if (!m.dry_run) {
      // What a pattern says of keys is nobody's business but the tenant's.
      const auto took = static_cast<std::uint64_t>(nanoseconds(self_->clock().now()) - nanoseconds(begun));
      tell_invalidated(m, done.in_memory);
      self_->send(monitor_, invalidation_seen{{now(), m.kind, m.tenant, done.in_memory, took}});
    }
    return done;
  });
}

}  // namespace aicache
