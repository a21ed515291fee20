#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/errors.hpp"
#include "actors/present_front.hpp"
#include "engine/client/answer_metadata.hpp"
#include "engine/client/call_builder.hpp"
#include "engine/client/node_address.hpp"
#include "engine/client/response.hpp"
#include "engine/identity/request.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

class generic_store;

/// What the cache says to one request. Holds the stored bytes by reference: keep it as long as you read them.
struct answer {
  get_status status = get_status::miss;
  tier from = tier::none;
  errc error = errc::none;
  std::uint16_t retrievals = 0;  ///< hits of this entry so far, this one included
  std::uint64_t lease = 0;       ///< with status lease: compute the answer, and put or release it under this
  instant created;               ///< on the node's time line
  instant expires = never;
  blob_ref value;
  staleness stale = staleness::fresh;
  errc not_kept = errc::none;  ///< of what get_or_compute has just computed: why it was not stored, if it was not
  instant now = {};            ///< the node's time when it answered
  std::string operation = {};  ///< of the request
  text_facts asked = {};       ///< of the request's text

  bool hit() const noexcept { return status == get_status::hit; }
  /// An answer past its time: a new one is being computed, or could not be had.
  bool is_stale() const noexcept { return value && stale == staleness::stale; }
  /// The model's provider gave an error a moment ago, which `error` names; it is of no use to ask before time_left().
  bool is_negative() const noexcept { return status == get_status::negative; }
  /// There is an answer: a hit, or what get_or_compute has just computed.
  explicit operator bool() const noexcept { return static_cast<bool>(value); }
  /// The caller shall compute the answer: others wait for it.
  bool must_compute() const noexcept { return status == get_status::lease; }
  std::string_view text() const noexcept { return value ? value->text() : std::string_view{}; }
  std::string_view model() const noexcept {
    return value ? attribute_of(*value, attribute::model) : std::string_view{};
  }
  answer_facts facts() const noexcept { return value ? value->facts() : answer_facts{}; }
  finish_reason finish() const noexcept { return value ? finish_of(*value) : finish_reason::unstated; }
  duration age() const noexcept { return from == tier::none ? duration{0} : std::max(duration{0}, now - created); }
  /// Until it expires, or a negative one is forgotten; nothing without an end.
  std::optional<duration> time_left() const noexcept {
    return expires == never ? std::nullopt : std::optional{std::max(duration{0}, expires - now)};
  }
  /// All that is known of it, for who keeps records. `prices` give its worth.
  answer_metadata metadata(const price_table* prices = nullptr) const;
};

struct get_options {
  /// For one request at a time: two callers that each hold a lease of the other's list wait until a deadline. Ask for a
  /// list without leases, then for each missing one alone.
  /// On a miss: take the lease to compute, or wait for whoever has it. Who takes a lease puts or releases it; it passes
  /// on when its time is over, or when the client's process is gone.
  bool lease = false;
  duration deadline{5'000};  ///< after it the call ends with what it has; the rest is `deadline` errors
};

struct put_options {
  std::optional<duration> ttl;    ///< none: as long as answers of the operation live
  std::uint64_t lease = 0;        ///< the lease under which the answer was computed
  bool write_through = false;     ///< wait until Redis has it; what came of that is put_result::shared
  std::vector<std::string> tags;  ///< by which it can be invalidated, at most 63; not shared between tenants
  duration deadline{5'000};
};

/// How a caller computes a missing answer: the response, or why there is none. A fault with one of the codes provider_…
/// is remembered for a while and told to whoever asks the same; any other lets the next in line compute.
using compute_function = std::function<outcome<response>()>;

/// The handle by which an application uses a cache, in its own process or on another machine. Cheap to copy; copies
/// share one client actor, which ends with the last copy and the last call. The actor system must outlive them all.
///
/// Shape      identities are computed in the calling thread; the client actor cuts batches by shard and talks to shards
///            directly; values travel by reference in process
/// Owner      any thread, any actor: handles may be used concurrently
/// Fails      per request, in answer::error: invalid_argument, too_large, overloaded, deadline, unavailable,
///            shutting_down. Nothing throws but std::bad_alloc
/// Cost       a batch of 64 costs little more than a single get: use the lists
class client {
 public:
  /// A client of a node in this process, or of a remote one whose front is at hand. Waits for the first shard map.
  static outcome<client> attach(caf::actor_system& system, const front_actor& front,
                                duration patience = duration{5'000});

  /// A client of the nodes at these addresses, "host:port" or "[IPv6]:port"; the actor system must have CAF's I/O module
  /// loaded (see actors/node.hpp). Members of one cluster: any of them leads to all, and each is asked for its own keys.
  /// Nodes that share a Redis: one of them serves, and when it is lost the next does. Waits for the first that answers.
  ///
  /// From then on the client connects again by itself. Calls meanwhile wait, at most until their deadlines; when all
  /// addresses were tried in vain for two seconds they end at once. Fails: invalid_argument; unavailable when all refuse,
  /// or none has answered after `patience`, with the reasons.
  static outcome<client> connect(caf::actor_system& system, std::span<const std::string> addresses,
                                 duration patience = duration{5'000});
  static outcome<client> connect(caf::actor_system& system, std::initializer_list<std::string> addresses,
                                 duration patience = duration{5'000}) {
    return connect(system, std::span(addresses.begin(), addresses.size()), patience);
  }
  /// The same with addresses that have been read already.
  static outcome<client> connect_to(caf::actor_system& system, std::vector<node_address> nodes,
                                    duration patience = duration{5'000});

  /// A client of the node at host:port.
  static outcome<client> connect(caf::actor_system& system, const std::string& host, std::uint16_t port,
                                 duration patience = duration{5'000});

  // -- for plain threads: these block ----------------------------------------

  answer get(const request& r, get_options o = {}) const;
  std::vector<answer> get(std::span<const request> requests, get_options o = {}) const;
  put_result put(const request& r, const response& what, put_options o = {}) const;
  /// `what` stands beside `requests`; both have one length.
  std::vector<put_result> put(std::span<const request> requests, std::span<const response> what,
                              put_options o = {}) const;
  key_result erase(const request& r) const { return by_key(call_kind::erase, {&r, 1}).front(); }
  key_result exists(const request& r) const { return by_key(call_kind::exists, {&r, 1}).front(); }
  key_result time_left(const request& r) const { return by_key(call_kind::time_left, {&r, 1}).front(); }
  key_result touch(const request& r, duration ttl) const {
    return by_key(call_kind::touch, {&r, 1}, ttl.count()).front();
  }
  /// Says that the computation of a missing answer failed: what `why` leads to stands at compute_function. `o.ttl` is
  /// how long the provider said to wait. Its status is negative if the error is remembered, else refused.
  put_result fail(const request& r, errc why, put_options o = {}) const {
    return put(r, aicache::failed_response(why), std::move(o));
  }
  /// Gives a lease back: the next in line shall compute.
  key_result release(const request& r, std::uint64_t lease) const {
    return by_key(call_kind::release, {&r, 1}, static_cast<std::int64_t>(lease)).front();
  }
  /// erase, exists, time_left, touch (argument: the time to live in ms) or release (the lease) for many requests.
  std::vector<key_result> by_key(call_kind kind, std::span<const request> requests,
                                 std::int64_t argument = own_lifetime) const;

  /// Forgets many answers at once, wherever they lie: `invalidate({scope_kind::tag, "acme", "doc-17"})`. When it returns,
  /// none of them is got from this node any more; invalidate_request says what can be named, `invalidated` what came of
  /// it. Fails: invalid_argument for what cannot be named; deadline after `patience`, by which it may have been done or
  /// not, so ask again; give more for `wait`, which returns only when all of Redis has been swept.
  outcome<invalidated> invalidate(const invalidate_request& what, duration patience = duration{5'000}) const;

  /// What this tenant keeps under keys of its own, next to its answers; see actors/generic_store.hpp.
  generic_store generic(std::string tenant = {}) const;

  /// What the node says of itself, as JSON: see figures_reply. Fails: deadline after `patience`, unavailable.
  outcome<std::string> figures(figures_view view, duration patience = duration{5'000}) const;
  /// Has the node count from zero; answers, settings and prices stay. Fails: as figures().
  outcome<void> reset_figures(duration patience = duration{5'000}) const;

  /// The stored answer, or the one that exactly one of all concurrent callers computes. `compute` runs in this thread,
  /// if this caller is the one; when it fails, the answer is what there is past its time, if operators allow that, else
  /// the error. What was computed and is not to be kept is the answer all the same, with `not_kept`.
  answer get_or_compute(const request& r, const compute_function& compute, get_options o = {},
                        put_options p = {}) const;

  // -- for plain threads: these do not block ---------------------------------

  std::future<answer> get_async(const request& r, get_options o = {}) const;
  std::future<std::vector<answer>> get_async(std::span<const request> requests, get_options o = {}) const;
  std::future<put_result> put_async(const request& r, const response& what, put_options o = {}) const;
  /// As get_or_compute; `compute` runs on a thread of the actor system, if it must. An answer past its time is given at
  /// once then, and computed anew behind it.
  std::future<answer> get_or_compute_async(const request& r, compute_function compute, get_options o = {},
                                           put_options p = {}) const;

  // -- for actors: by request and response -----------------------------------
  // These set no time-out of CAF's: the client actor ends every call by its own deadline, also when it dies. CAF's
  // would be a wake-up of its clock for each call, kept until it is due, and halve the rate of batches.

  /// `then(answer)` or `otherwise(caf::error)` runs in the actor `self`, later.
  template <class Self, class Then, class Otherwise>
  void get(Self* self, const request& r, get_options o, Then then, Otherwise otherwise) const {
    get_list(
        self, {&r, 1}, o, [then = std::move(then)](std::vector<answer> all) mutable { then(std::move(all.front())); },
        std::move(otherwise));
  }

  /// The same for many: `then(std::vector<answer>)`, in the order of the requests.
  template <class Self, class Then, class Otherwise>
  void get_list(Self* self, std::span<const request> requests, get_options o, Then then, Otherwise otherwise) const {
    prepared p = prepare_get(requests, o);
    self->request(actor(), caf::infinite, make_call{p.what})
        .then([p, then = std::move(then)](call_finished&) mutable { then(answers_of(p)); }, std::move(otherwise));
  }

  template <class Self, class Then, class Otherwise>
  void put(Self* self, const request& r, const response& what, put_options o, Then then, Otherwise otherwise) const {
    prepared p = prepare_put({&r, 1}, {&what, 1}, o);
    self->request(actor(), caf::infinite, make_call{p.what})
        .then([p, then = std::move(then)](call_finished&) mutable { then(put_results_of(p).front()); },
              std::move(otherwise));
  }

  /// The same for many: `then(std::vector<put_result>)`; `what` stands beside `requests`, both have one length.
  template <class Self, class Then, class Otherwise>
  void put_list(Self* self, std::span<const request> requests, std::span<const response> what, put_options o, Then then,
                Otherwise otherwise) const {
    prepared p = prepare_put(requests, what, o);
    self->request(actor(), caf::infinite, make_call{p.what})
        .then([p, then = std::move(then)](call_finished&) mutable { then(put_results_of(p)); }, std::move(otherwise));
  }

  /// `then(invalidated)`, or `otherwise(caf::error)` also for what is refused, in the actor `self`. Invalidations are
  /// rare, so this one does set CAF's time-out: no client actor stands between.
  template <class Self, class Then, class Otherwise>
  void invalidate(Self* self, const invalidate_request& what, Then then, Otherwise otherwise,
                  duration patience = duration{5'000}) const {
    self->request(front(), patience, what)
        .then(
            [then = std::move(then), otherwise](const invalidated& done) mutable {
              if (done.why == errc::none) return then(done);
              caf::error refused = to_error(done.why);
              otherwise(refused);
            },
            otherwise);
  }

  /// `compute(finish)` runs in the actor `self` if this caller is the one to compute; it calls
  /// `finish(outcome<response>)` once, at once or later from the same actor. Then, or when another caller's answer is
  /// there, `then(answer)` runs: once, and before `compute` if there is an answer past its time that may be served. When
  /// `self` dies, or lets go of `finish` without a call, the next in line computes.
  template <class Self, class Compute, class Then, class Otherwise>
  void get_or_compute(Self* self, const request& r, Compute compute, Then then, Otherwise otherwise, get_options o = {},
                      put_options p = {}) const {
    o.lease = true;
    const client me = *this;
    get(
        self, r, o,
        [me, self, r, p, compute = std::move(compute), then, otherwise](answer a) mutable {
          if (!a.must_compute()) return then(std::move(a));
          auto held = me.hold(r, a.lease);
          const bool told = a.is_stale();
          if (told) then(outlived(a));
          // Who computes lives until it has finished, also when nobody else knows it.
          caf::strong_actor_ptr alive{self->ctrl()};
          const bool falls_back = a.stale == staleness::fallback;
          compute([me, self, alive, r, p, held, told, falls_back, then, otherwise](outcome<response> made) mutable {
            if (!held->is_held()) return;  // told twice
            p.lease = held->keep();
            const errc why = made ? errc::none : made.why().code;
            if (!made) made = failed_response(why, p);
            me.put(
                self, r, *made, p,
                [me, self, r, lease = p.lease, told, falls_back, why, then, otherwise,
                 mine = computed(*made)](put_result stored) mutable {
                  me.after_put(r, lease, stored);
                  if (told) return;
                  if (why == errc::none) return then(with_reason(std::move(mine), stored));
                  if (!falls_back) return then(failed(why));
                  me.get(
                      self, r, {}, [why, then](answer b) mutable { then(b.is_stale() ? std::move(b) : failed(why)); },
                      otherwise);
                },
                otherwise);
          });
        },
        otherwise);
  }

  /// Has events told to `self`, which handles `const event_batch&` and then says took(batch): who says nothing is sent two
  /// batches and no more. `then(subscription)`, or `otherwise(caf::error)`. What is told and how much of it: see
  /// messages/events.hpp. A node that ends tells nothing any more; who must know monitors front().
  template <class Self, class Then, class Otherwise>
  void subscribe(Self* self, event_filter what, Then then, Otherwise otherwise,
                 duration patience = duration{5'000}) const {
    const caf::strong_actor_ptr me{self->ctrl()};
    self->request(front(), patience, subscribe_request{caf::actor_cast<event_watcher>(me), std::move(what)})
        .then(
            [then = std::move(then), otherwise](const subscribed& made) mutable {
              if (made.why == errc::none) return then(made.subscription);
              caf::error refused = to_error(made.why);
              otherwise(refused);
            },
            otherwise);
  }
  void took(const event_batch& batch) const { caf::anon_send(front(), events_taken{batch.subscription}); }
  void unsubscribe(std::uint64_t subscription) const { caf::anon_send(front(), unsubscribe_request{subscription}); }

  /// The front of the node that the client works with, for those who speak the protocol themselves; of a cluster any
  /// that is connected. When that node is lost it is another's: ask anew rather than keep it.
  front_actor front() const { return shared_->front->get(); }
  /// The client actor, for those who make their own calls.
  const client_actor& actor() const noexcept { return shared_->actor; }
  const client_limits& limits() const noexcept { return shared_->limits; }

 private:
  /// What all copies of a handle and all their calls share: the client actor ends with the last of them.
  struct session {
    caf::actor_system& system;
    std::shared_ptr<present_front> front;
    client_actor actor;
    client_limits limits;

    session(caf::actor_system& in, std::shared_ptr<present_front> f, client_actor a, const client_limits& l)
        : system(in), front(std::move(f)), actor(std::move(a)), limits(l) {}
    ~session() { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
  };
  /// A call, and where in it each request's answer stands.
  struct prepared {
    std::shared_ptr<call> what;
    std::vector<call_builder::place> places;
    std::shared_ptr<const session> with;
  };
  /// A lease in the hands of a computation: given back when that ends, in whatever way, without an answer.
  class held_lease {
   public:
    held_lease(std::uint64_t lease, std::function<void(std::uint64_t)> back) : lease_(lease), back_(std::move(back)) {}
    ~held_lease() { give_back(); }
    held_lease(const held_lease&) = delete;
    held_lease& operator=(const held_lease&) = delete;

    bool is_held() const noexcept { return lease_ != 0; }
    std::uint64_t keep() noexcept { return std::exchange(lease_, 0); }
    void give_back() {
      if (is_held()) back_(keep());
    }

   private:
    std::uint64_t lease_;
    std::function<void(std::uint64_t)> back_;
  };

  friend class generic_store;
  explicit client(std::shared_ptr<const session> s) : shared_(std::move(s)) {}

  call_builder builder(call_kind kind, duration deadline) const;
  prepared prepare_get(std::span<const request> requests, const get_options& o) const;
  prepared prepare_put(std::span<const request> requests, std::span<const response> what, const put_options& o) const;
  prepared prepare_keys(call_kind kind, std::span<const request> requests, std::int64_t argument) const;
  static std::vector<answer> answers_of(const prepared& p);
  static std::vector<put_result> put_results_of(const prepared& p);
  static std::vector<key_result> key_results_of(const prepared& p);
  static answer computed(const response& r);
  static answer failed(errc why);
  static answer outlived(answer a);
  static response failed_response(errc why, put_options& p);
  static answer with_reason(answer mine, const put_result& stored);
  std::shared_ptr<held_lease> hold(const request& r, std::uint64_t lease) const;
  void give_back(const request& r, std::uint64_t lease) const;
  void after_put(const request& r, std::uint64_t lease, const put_result& stored) const;
  void submit(prepared p, std::function<void(const prepared&)> done) const;
  template <class Extract>
  auto submit_for(prepared p, Extract extract) const {
    using result = decltype(extract(std::declval<const prepared&>()));
    auto promise = std::make_shared<std::promise<result>>();
    auto future = promise->get_future();
    submit(std::move(p), [promise, extract](const prepared& done) { promise->set_value(extract(done)); });
    return future;
  }

  std::shared_ptr<const session> shared_;
};

}  // namespace aicache
