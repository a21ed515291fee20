#include "actors/generic_store.hpp"

namespace aicache {

namespace {
std::vector<std::string> one(std::string_view text) { return {std::string(text)}; }
}  // namespace

// -- preparing calls, in the caller's thread ---------------------------------

client::prepared generic_store::prepare_get(std::span<const std::string> keys, duration deadline) const {
  call_builder b = client_.builder(call_kind::get, deadline);
  for (const std::string& key : keys) b.get(tenant_, key);
  return {b.take(), b.places(), client_.shared_};
}

client::prepared generic_store::prepare_set(std::span<const std::string> keys, std::span<const std::string> values,
                                            const put_options& o) const {
  call_builder b = client_.builder(call_kind::put, o.deadline);
  const call_builder::put_wishes wishes{o.ttl ? o.ttl->count() : own_lifetime, 0, o.write_through, o.tags};
  for (std::size_t i = 0; i < keys.size() && i < values.size(); ++i) {
    if (values[i].size() + keys[i].size() > client_.limits().value_bytes) {
      b.refuse(errc::too_large);
    } else {
      b.put(tenant_, keys[i], to_blob(keys[i], values[i]), wishes);
    }
  }
  for (std::size_t i = values.size(); i < keys.size(); ++i) b.refuse(errc::invalid_argument);
  return {b.take(), b.places(), client_.shared_};
}

client::prepared generic_store::prepare_keys(call_kind kind, std::span<const std::string> keys,
                                             std::int64_t argument) const {
  call_builder b = client_.builder(kind, get_options{}.deadline);
  for (const std::string& key : keys) b.key(tenant_, key, argument);
  return {b.take(), b.places(), client_.shared_};
}

// -- calls -------------------------------------------------------------------

std::future<std::vector<answer>> generic_store::get_async(std::span<const std::string> keys, duration deadline) const {
  return client_.submit_for(prepare_get(keys, deadline), client::answers_of);
}

std::future<answer> generic_store::get_async(std::string_view key, duration deadline) const {
  return client_.submit_for(prepare_get(one(key), deadline),
                            [](const client::prepared& p) { return client::answers_of(p).front(); });
}

std::future<std::vector<put_result>> generic_store::set_async(std::span<const std::string> keys,
                                                              std::span<const std::string> values,
                                                              put_options o) const {
  return client_.submit_for(prepare_set(keys, values, o), client::put_results_of);
}

std::future<put_result> generic_store::set_async(std::string_view key, std::string_view bytes, put_options o) const {
  return client_.submit_for(prepare_set(one(key), one(bytes), o),
                            [](const client::prepared& p) { return client::put_results_of(p).front(); });
}

std::future<std::vector<key_result>> generic_store::by_key_async(call_kind kind, std::span<const std::string> keys,
                                                                 std::int64_t argument) const {
  return client_.submit_for(prepare_keys(kind, keys, argument), client::key_results_of);
}

answer generic_store::get(std::string_view key, duration deadline) const { return get_async(key, deadline).get(); }

std::vector<answer> generic_store::get(std::span<const std::string> keys, duration deadline) const {
  return get_async(keys, deadline).get();
}

put_result generic_store::set(std::string_view key, std::string_view bytes, put_options o) const {
  return set_async(key, bytes, std::move(o)).get();
}

std::vector<put_result> generic_store::set(std::span<const std::string> keys, std::span<const std::string> values,
                                           put_options o) const {
  return set_async(keys, values, std::move(o)).get();
}

std::vector<key_result> generic_store::by_key(call_kind kind, std::span<const std::string> keys,
                                              std::int64_t argument) const {
  return by_key_async(kind, keys, argument).get();
}

outcome<keys_found> generic_store::keys(listing_options o) const {
  outcome<keys_found> said = fault{errc::internal, "no answer"};
  caf::scoped_actor self{client_.shared_->system};
  self->request(client_.front(), o.patience, keys_request{tenant_, o.pattern, o.after, o.limit})
      .receive(
          [&](keys_found& found) {
            if (found.why == errc::none) {
              said = std::move(found);
            } else {
              said = fault{found.why, describe(found.why)};
            }
          },
          [&](const caf::error& why) {
            said = fault{to_errc(why), client_.shared_->system.render(why)};
          });
  return said;
}

outcome<invalidated> generic_store::invalidate(std::string_view pattern, bool dry_run, duration patience) const {
  return client_.invalidate(what(pattern, dry_run), patience);
}

}  // namespace aicache
