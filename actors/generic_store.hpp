#pragma once

#include <future>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/client.hpp"

namespace aicache {

/// Which keys a listing gives.
struct listing_options {
  std::string pattern = "*";
  std::string after{};          ///< only keys behind this one: the last of the page before
  std::uint32_t limit = 1'000;  ///< see keys_request
  duration patience{30'000};    ///< all of memory is walked through, and all that the tenant has in Redis
};

/// A tenant's generic entries: bytes that callers keep under string keys of their own. They live, expire, are shared and
/// are evicted like answers, in the same memory and the same Redis, but in a name space of their own: no key can ever reach
/// an answer, nor any other tenant's entry.
///
///   aicache::generic_store sessions = cache.generic("acme");
///   sessions.set("user:42", bytes, {.ttl = std::chrono::minutes{5}});
///   sessions.get("user:42").text();
///   sessions.invalidate("user:*");
///
/// Shape      a handle over a client, cheap to copy; calls block, give futures, or answer actors as those of client do
/// Owner      any thread, any actor
/// Fails      as client; invalid_argument for an empty key, too_large for one over 4 KiB
/// Invariant  of put_options, a lease means nothing here; without a time to live an entry lives for ttl.default
class generic_store {
 public:
  generic_store(client through, std::string tenant) : client_(std::move(through)), tenant_(std::move(tenant)) {}

  const std::string& tenant() const noexcept { return tenant_; }

  // -- for plain threads: these block ----------------------------------------

  answer get(std::string_view key, duration deadline = duration{5'000}) const;
  std::vector<answer> get(std::span<const std::string> keys, duration deadline = duration{5'000}) const;
  put_result set(std::string_view key, std::string_view bytes, put_options o = {}) const;
  /// `values` stand beside `keys`; both have one length.
  std::vector<put_result> set(std::span<const std::string> keys, std::span<const std::string> values,
                              put_options o = {}) const;
  key_result erase(const std::string& key) const { return by_key(call_kind::erase, {&key, 1}).front(); }
  key_result exists(const std::string& key) const { return by_key(call_kind::exists, {&key, 1}).front(); }
  key_result time_left(const std::string& key) const { return by_key(call_kind::time_left, {&key, 1}).front(); }
  key_result touch(const std::string& key, duration ttl) const {
    return by_key(call_kind::touch, {&key, 1}, ttl.count()).front();
  }
  /// erase, exists, time_left or touch (argument: the time to live in ms) for many.
  std::vector<key_result> by_key(call_kind kind, std::span<const std::string> keys,
                                 std::int64_t argument = own_lifetime) const;

  /// The keys that live in the node's memory or in Redis, in order. Fails: as client::invalidate.
  outcome<keys_found> keys(listing_options o = {}) const;
  /// Forgets every entry whose key fits; see invalidate_request. A dry run changes nothing.
  outcome<invalidated> invalidate(std::string_view pattern, bool dry_run = false,
                                  duration patience = duration{30'000}) const;
  /// Forgets all of this tenant's entries, by one generation; answers stay.
  outcome<invalidated> clear(duration patience = duration{5'000}) const { return invalidate("*", false, patience); }

  // -- for plain threads: these do not block ---------------------------------

  std::future<answer> get_async(std::string_view key, duration deadline = duration{5'000}) const;
  std::future<std::vector<answer>> get_async(std::span<const std::string> keys,
                                             duration deadline = duration{5'000}) const;
  std::future<put_result> set_async(std::string_view key, std::string_view bytes, put_options o = {}) const;
  std::future<std::vector<put_result>> set_async(std::span<const std::string> keys, std::span<const std::string> values,
                                                 put_options o = {}) const;
  std::future<std::vector<key_result>> by_key_async(call_kind kind, std::span<const std::string> keys,
                                                    std::int64_t argument = own_lifetime) const;

  // -- for actors: by request and response -----------------------------------

  /// `then(answer)` or `otherwise(caf::error)` runs in the actor `self`, later.
  template <class Self, class Then, class Otherwise>
  void get(Self* self, const std::string& key, Then then, Otherwise otherwise) const {
    get_list(
        self, {&key, 1}, [then = std::move(then)](std::vector<answer> all) mutable { then(std::move(all.front())); },
        std::move(otherwise));
  }

  /// The same for many: `then(std::vector<answer>)`, in the order of the keys.
  template <class Self, class Then, class Otherwise>
  void get_list(Self* self, std::span<const std::string> keys, Then then, Otherwise otherwise,
                duration deadline = duration{5'000}) const {
    call(self, prepare_get(keys, deadline), client::answers_of, std::move(then), std::move(otherwise));
  }

  template <class Self, class Then, class Otherwise>
  void set(Self* self, const std::string& key, const std::string& bytes, put_options o, Then then,
           Otherwise otherwise) const {
    set_list(
        self, {&key, 1}, {&bytes, 1}, std::move(o),
        [then = std::move(then)](std::vector<put_result> all) mutable { then(all.front()); }, std::move(otherwise));
  }

  template <class Self, class Then, class Otherwise>
  void set_list(Self* self, std::span<const std::string> keys, std::span<const std::string> values, put_options o,
                Then then, Otherwise otherwise) const {
    call(self, prepare_set(keys, values, o), client::put_results_of, std::move(then), std::move(otherwise));
  }

  /// erase, exists, time_left or touch: `then(std::vector<key_result>)`.
  template <class Self, class Then, class Otherwise>
  void by_key(Self* self, call_kind kind, std::span<const std::string> keys, std::int64_t argument, Then then,
              Otherwise otherwise) const {
    call(self, prepare_keys(kind, keys, argument), client::key_results_of, std::move(then), std::move(otherwise));
  }

  /// `then(keys_found)`, or `otherwise(caf::error)` also for what is refused.
  template <class Self, class Then, class Otherwise>
  void keys(Self* self, listing_options o, Then then, Otherwise otherwise) const {
    self->request(client_.front(), o.patience, keys_request{tenant_, o.pattern, o.after, o.limit})
        .then(
            [then = std::move(then), otherwise](keys_found& found) mutable {
              if (found.why == errc::none) return then(std::move(found));
              caf::error refused = to_error(found.why);
              otherwise(refused);
            },
            otherwise);
  }

  /// `then(invalidated)`, or `otherwise(caf::error)` also for what is refused.
  template <class Self, class Then, class Otherwise>
  void invalidate(Self* self, std::string_view pattern, bool dry_run, Then then, Otherwise otherwise,
                  duration patience = duration{30'000}) const {
    client_.invalidate(self, what(pattern, dry_run), std::move(then), std::move(otherwise), patience);
  }

 private:
  invalidate_request what(std::string_view pattern, bool dry_run) const {
    return {scope_kind::pattern, tenant_, std::string(pattern), dry_run, dry_run};
  }
  client::prepared prepare_get(std::span<const std::string> keys, duration deadline) const;
  client::prepared prepare_set(std::span<const std::string> keys, std::span<const std::string> values,
                               const put_options& o) const;
  client::prepared prepare_keys(call_kind kind, std::span<const std::string> keys, std::int64_t argument) const;

  template <class Self, class Results, class Then, class Otherwise>
  void call(Self* self, client::prepared p, Results results, Then then, Otherwise otherwise) const {
    self->request(client_.actor(), caf::infinite, make_call{p.what})
        .then([p, results, then = std::move(then)](call_finished&) mutable { then(results(p)); }, std::move(otherwise));
  }

  client client_;
  std::string tenant_;
};

inline generic_store client::generic(std::string tenant) const { return {*this, std::move(tenant)}; }

}  // namespace aicache
