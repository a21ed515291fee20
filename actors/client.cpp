#include "actors/client.hpp"

#include <chrono>
#include <utility>

#include "actors/client_actor.hpp"
#include "actors/transport/transport.hpp"
#include "messages/identity_rules.hpp"

namespace aicache {

namespace {

// Each thread has an identifier for the limits it used last: almost always those of its only node.
identifier& identifier_for(const client_limits& l) {
  thread_local std::optional<std::pair<client_limits, std::unique_ptr<identifier>>> mine;
  if (!mine || mine->first != l) mine.emplace(l, std::make_unique<identifier>(identity_rules(l)));
  return *mine->second;
}

// Tells once, whatever becomes of the client actor: when that is gone, the message with the listener dies, and so does
// the listener.
class callback_listener final : public call_listener {
 public:
  callback_listener(std::shared_ptr<call> what, std::function<void()> done)
      : what_(std::move(what)), done_(std::move(done)) {}
  ~callback_listener() override {
    if (!done_) return;
    what_->fail(errc::unavailable);
    done_();
  }
  void finished(const std::shared_ptr<call>&) noexcept override {
    if (auto done = std::exchange(done_, nullptr)) done();
  }

 private:
  std::shared_ptr<call> what_;
  std::function<void()> done_;
};

/// How long the making of a call's keys took, in the thread of the caller.
struct stopwatch {
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  std::uint64_t nanoseconds() const {
    return static_cast<std::uint64_t>((std::chrono::steady_clock::now() - began) / std::chrono::nanoseconds{1});
  }
};

// The lease is the answer's from here on.
answer to_answer(call& c, const call_builder::place& at) {
  get_result& r = c.got[at.item];
  const get_item& item = c.gets[at.item];
  answer a{r.status, r.from, r.error, r.retrievals, std::exchange(r.lease, 0), r.created, r.expires, r.value, r.stale};
  a.now = c.now;
  if (c.names && item.operation < c.names->operations.size()) a.operation = c.names->operations[item.operation];
  a.asked = {item.text, c.made.code_points[at.item]};
  return a;
}

// A call whose leases are given back if nobody takes them: the actor that asked may be gone when they come.
std::shared_ptr<call> with_leases_kept(std::shared_ptr<call> what, const client_actor& through) {
  call* const seen = what.get();
  return {seen, [what = std::move(what), through](call* c) mutable {
            auto back = std::make_shared<call>();
            back->kind = call_kind::release;
            for (std::size_t i = 0; i < c->got.size(); ++i)
              if (c->got[i].status == get_status::lease && c->got[i].lease != 0)
                back->keys.push_back({c->gets[i].id, static_cast<std::int64_t>(c->got[i].lease)});
            if (!back->keys.empty())
              caf::anon_send(through, submit_call{back, std::make_shared<callback_listener>(back, nullptr)});
          }};
}

}  // namespace

// -- connecting --------------------------------------------------------------

outcome<client> client::attach(caf::actor_system& system, const front_actor& front, duration patience) {
  if (!front) return fault{errc::unavailable, "there is no front"};
  std::optional<client_limits> limits;
  caf::error why;
  caf::scoped_actor self{system};
  self->request(front, patience, map_request{})
      .receive([&](const shard_map& m) { limits = m.limits; }, [&](caf::error& e) { why = std::move(e); });
  if (!limits) return fault{to_errc(why), "the node gave no shard map: " + system.render(why)};
  auto present = std::make_shared<present_front>(front);
  auto actor = system.spawn(connecting_client, client_setup{front, {}, present});
  return client(std::make_shared<const session>(system, std::move(present), std::move(actor), *limits));
}

outcome<client> client::connect_to(caf::actor_system& system, std::vector<node_address> nodes, duration patience) {
  if (nodes.empty()) return fault{errc::invalid_argument, "no address of a node is given"};
  if (const auto way = transport::of(system); !way) return way.why();
  auto present = std::make_shared<present_front>();
  reached first;
  first.why = errc::unavailable;
  for (const node_address& a : nodes) first.detail += (first.detail.empty() ? "" : "; ") + a.printable();
  first.detail = "no node answers: " + first.detail;
  auto actor = system.spawn(connecting_client, client_setup{{}, std::move(nodes), present});
  caf::scoped_actor self{system};
  self->request(actor, patience, reach_request{})
      .receive([&](const reached& r) { first = r; }, [](const caf::error&) {});
  if (first.why != errc::none) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    return fault{first.why, first.detail};
  }
  return client(std::make_shared<const session>(system, std::move(present), std::move(actor), first.limits));
}

outcome<client> client::connect(caf::actor_system& system, std::span<const std::string> addresses, duration patience) {
  std::vector<node_address> nodes;
  for (const std::string& text : addresses) {
    auto one = parse_node_address(text);
    if (!one) return one.why();
    if (std::find(nodes.begin(), nodes.end(), *one) == nodes.end()) nodes.push_back(std::move(*one));
  }
  return connect_to(system, std::move(nodes), patience);
}

outcome<client> client::connect(caf::actor_system& system, const std::string& host, std::uint16_t port,
                                duration patience) {
  return connect_to(system, {{host, port}}, patience);
}

// -- preparing calls, in the caller's thread ---------------------------------

call_builder client::builder(call_kind kind, duration deadline) const {
  return {kind, identifier_for(limits()), {limits().small_text, limits().medium_text, limits().large_text}, deadline};
}

client::prepared client::prepare_get(std::span<const request> requests, const get_options& o) const {
  const stopwatch watch;
  call_builder b = builder(call_kind::get, o.deadline);
  for (const request& r : requests) b.get(r, o.lease);
  prepared p{b.take(watch.nanoseconds()), b.places(), shared_};
  if (o.lease) p.what = with_leases_kept(std::move(p.what), actor());
  return p;
}

client::prepared client::prepare_put(std::span<const request> requests, std::span<const response> what,
                                     const put_options& o) const {
  // What is too large is refused here, before its bytes travel.
  const auto fits = [this](const response& r) { return r.text.size() + r.model.size() <= limits().value_bytes; };
  std::vector<blob_ref> values;
  for (const response& r : what) values.push_back(fits(r) ? to_blob(r) : blob_ref{});
  // The copying of answers is no part of the making of keys.
  const stopwatch watch;
  call_builder b = builder(call_kind::put, o.deadline);
  const std::int64_t ttl = o.ttl ? o.ttl->count() : own_lifetime;
  for (std::size_t i = 0; i < requests.size() && i < what.size(); ++i) {
    if (!values[i]) {
      b.refuse(errc::too_large);
    } else {
      b.put(requests[i], std::move(values[i]), {ttl, o.lease, o.write_through, o.tags});
    }
  }
  for (std::size_t i = what.size(); i < requests.size(); ++i) b.refuse(errc::invalid_argument);
  return {b.take(watch.nanoseconds()), b.places(), shared_};
}

client::prepared client::prepare_keys(call_kind kind, std::span<const request> requests, std::int64_t argument) const {
  const stopwatch watch;
  call_builder b = builder(kind, get_options{}.deadline);
  for (const request& r : requests) b.key(r, argument);
  return {b.take(watch.nanoseconds()), b.places(), shared_};
}

// -- reading results ---------------------------------------------------------

answer client::failed(errc why) {
  answer a;
  a.status = get_status::error;
  a.error = why;
  return a;
}

answer client::computed(const response& r) {
  answer a;
  a.value = to_blob(r);
  // Neither a hit nor an error: the caller computed it.
  a.status = get_status::miss;
  return a;
}

// What the caller shall compute, for one who has no time for that.
answer client::outlived(answer a) {
  a.status = get_status::hit;
  a.lease = 0;
  return a;
}

// What was wished for the answer is not meant for the failure.
response client::failed_response(errc why, put_options& p) {
  p.ttl.reset();
  return aicache::failed_response(why);
}

answer client::with_reason(answer mine, const put_result& stored) {
  if (stored.status == put_status::refused) mine.not_kept = stored.error;
  return mine;
}

answer_metadata answer::metadata(const price_table* prices) const {
  get_result r;
  r.from = from;
  r.stale = stale;
  r.retrievals = retrievals;
  r.created = created;
  r.expires = expires;
  r.value = value;
  return metadata_of(r, now, operation, asked, prices);
}

std::vector<answer> client::answers_of(const prepared& p) {
  std::vector<answer> all;
  all.reserve(p.places.size());
  for (const auto& at : p.places) all.push_back(at.error == errc::none ? to_answer(*p.what, at) : failed(at.error));
  return all;
}

std::vector<put_result> client::put_results_of(const prepared& p) {
  std::vector<put_result> all;
  all.reserve(p.places.size());
  for (const auto& at : p.places)
    all.push_back(at.error == errc::none ? p.what->stored[at.item] : put_result{put_status::refused, at.error});
  return all;
}

std::vector<key_result> client::key_results_of(const prepared& p) {
  std::vector<key_result> all;
  all.reserve(p.places.size());
  for (const auto& at : p.places)
    all.push_back(at.error == errc::none ? p.what->told[at.item] : key_result{false, at.error, 0});
  return all;
}

// -- calls of plain threads --------------------------------------------------

std::shared_ptr<client::held_lease> client::hold(const request& r, std::uint64_t lease) const {
  return std::make_shared<held_lease>(lease, [me = *this, r](std::uint64_t held) { me.give_back(r, held); });
}

void client::give_back(const request& r, std::uint64_t lease) const {
  submit(prepare_keys(call_kind::release, {&r, 1}, static_cast<std::int64_t>(lease)), [](const prepared&) {});
}

// A put that was refused may have left others waiting: the next of them shall compute.
void client::after_put(const request& r, std::uint64_t lease, const put_result& stored) const {
  if (stored.status == put_status::refused) give_back(r, lease);
}

void client::submit(prepared p, std::function<void(const prepared&)> done) const {
  auto what = p.what;
  auto listener = std::make_shared<callback_listener>(what, [p = std::move(p), done = std::move(done)] { done(p); });
  caf::anon_send(actor(), submit_call{std::move(what), std::move(listener)});
}

std::future<std::vector<answer>> client::get_async(std::span<const request> requests, get_options o) const {
  return submit_for(prepare_get(requests, o), answers_of);
}

std::future<answer> client::get_async(const request& r, get_options o) const {
  return submit_for(prepare_get({&r, 1}, o), [](const prepared& p) { return answers_of(p).front(); });
}

std::future<put_result> client::put_async(const request& r, const response& what, put_options o) const {
  return submit_for(prepare_put({&r, 1}, {&what, 1}, o), [](const prepared& p) { return put_results_of(p).front(); });
}

answer client::get(const request& r, get_options o) const { return get_async(r, o).get(); }

std::vector<answer> client::get(std::span<const request> requests, get_options o) const {
  return get_async(requests, o).get();
}

put_result client::put(const request& r, const response& what, put_options o) const {
  return put_async(r, what, o).get();
}

std::vector<put_result> client::put(std::span<const request> requests, std::span<const response> what,
                                    put_options o) const {
  return submit_for(prepare_put(requests, what, o), put_results_of).get();
}

std::vector<key_result> client::by_key(call_kind kind, std::span<const request> requests, std::int64_t argument) const {
  return submit_for(prepare_keys(kind, requests, argument), key_results_of).get();
}

outcome<invalidated> client::invalidate(const invalidate_request& what, duration patience) const {
  outcome<invalidated> said = fault{errc::internal, "no answer"};
  caf::scoped_actor self{shared_->system};
  self->request(front(), patience, what)
      .receive(
          [&](const invalidated& done) {
            if (done.why == errc::none) {
              said = done;
            } else {
              said = fault{done.why, describe(done.why)};
            }
          },
          [&](const caf::error& why) {
            said = fault{to_errc(why), shared_->system.render(why)};
          });
  return said;
}

outcome<std::string> client::figures(figures_view view, duration patience) const {
  outcome<std::string> said = fault{errc::internal, "no answer"};
  caf::scoped_actor self{shared_->system};
  self->request(front(), patience, figures_request{view})
      .receive([&](figures_reply& told) { said = std::move(told.json); },
               [&](const caf::error& why) {
                 said = fault{to_errc(why), shared_->system.render(why)};
               });
  return said;
}

outcome<void> client::reset_figures(duration patience) const {
  outcome<void> said;
  caf::scoped_actor self{shared_->system};
  self->request(front(), patience, reset_request{})
      .receive([](reset_done) {},
               [&](const caf::error& why) {
                 said = fault{to_errc(why), shared_->system.render(why)};
               });
  return said;
}

answer client::get_or_compute(const request& r, const compute_function& compute, get_options o, put_options p) const {
  o.lease = true;
  answer a = get(r, o);
  if (!a.must_compute()) return a;
  const auto held = hold(r, a.lease);
  const outcome<response> made = compute();
  p.lease = held->keep();
  const put_result stored = put(r, made ? *made : failed_response(made.why().code, p), p);
  after_put(r, p.lease, stored);
  if (made) return with_reason(computed(*made), stored);
  if (a.is_stale()) return outlived(std::move(a));
  if (a.stale == staleness::fallback)
    if (answer b = get(r); b.is_stale()) return b;
  return failed(made.why().code);
}

std::future<answer> client::get_or_compute_async(const request& r, compute_function compute, get_options o,
                                                 put_options p) const {
  o.lease = true;
  auto promise = std::make_shared<std::promise<answer>>();
  auto future = promise->get_future();
  submit(prepare_get({&r, 1}, o), [me = *this, r, compute = std::move(compute), p, promise](const prepared& done) {
    answer a = answers_of(done).front();
    if (!a.must_compute()) return promise->set_value(std::move(a));
    auto held = me.hold(r, a.lease);
    const bool told = a.is_stale();
    const bool falls_back = a.stale == staleness::fallback;
    if (told) promise->set_value(outlived(std::move(a)));
    // A model call may take seconds: it gets a thread of its own, not the client actor's.
    const auto work = [me, r, p, promise, held, told, falls_back](caf::event_based_actor*,
                                                                  const compute_function& run) mutable {
      outcome<response> made = fault{errc::compute_failed, "the computation ended by an exception"};
      try {
        made = run();
      } catch (...) {
        // Told to the caller as compute_failed; what it was is the caller's own business.
      }
      p.lease = held->keep();
      const errc why = made ? errc::none : made.why().code;
      if (!made) made = failed_response(why, p);
      me.submit(me.prepare_put({&r, 1}, {&*made, 1}, p),
                [me, r, lease = p.lease, promise, told, falls_back, why, mine = computed(*made)](const prepared& put) {
                  const put_result stored = put_results_of(put).front();
                  me.after_put(r, lease, stored);
                  if (told) return;
                  if (why == errc::none) return promise->set_value(with_reason(mine, stored));
                  if (!falls_back) return promise->set_value(failed(why));
                  me.submit(me.prepare_get({&r, 1}, {}), [promise, why](const prepared& again) {
                    answer b = answers_of(again).front();
                    promise->set_value(b.is_stale() ? std::move(b) : failed(why));
                  });
                });
    };
    me.shared_->system.spawn<caf::detached>(work, compute);
  });
  return future;
}

}  // namespace aicache
