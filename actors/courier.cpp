#include "actors/courier.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "actors/errors.hpp"

namespace aicache {

/// Look whether anything still happens (a courier and who pulls, each to itself).
struct idle_look {};

}  // namespace aicache

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::idle_look)

namespace aicache {

namespace {

constexpr std::chrono::seconds idle_every{1};
/// So many looks in vain: a value that nobody pulls is not wanted, one of which no piece comes does not come.
constexpr int looks_in_vain = 10;

// -- giving out --------------------------------------------------------------

using giving_actor = courier_actor::extend<caf::reacts_to<idle_look>>;

struct giving_state {
  static inline const char* name = "aicache.courier";
  int in_vain = 0;
};

giving_actor::behavior_type give(giving_actor::stateful_pointer<giving_state> self, const blob_ref& value,
                                 const caf::strong_actor_ptr& receiver) {
  take_no_offence(self);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  if (receiver) self->monitor(caf::actor_cast<caf::actor>(receiver));
  self->delayed_send(self, idle_every, idle_look{});
  return {
      [self, value](const pull_piece& p) -> caf::result<value_piece> {
        self->state.in_vain = 0;
        const bool there =
            p.size > 0 && p.size <= piece_bytes && p.from < value->size() && p.size <= value->size() - p.from;
        if (there) return value_piece{p.from, {reinterpret_cast<const char*>(value->data()) + p.from, p.size}};
        self->quit();
        return to_error(errc::invalid_argument);
      },
      [self](idle_look) {
        if (++self->state.in_vain >= looks_in_vain) return self->quit();
        self->delayed_send(self, idle_every, idle_look{});
      },
  };
}

// -- pulling -----------------------------------------------------------------

/// Pulls values for an actor, one after the other.
template <class Self>
class value_puller {
 public:
  using done = std::function<void(outcome<blob_ref>)>;

  explicit value_puller(Self self) : self_(self) {
    self_->set_down_handler([this](const caf::down_msg& m) {
      if (waiting_.empty() || waiting_.front().what.courier.address() != m.source) return;
      is_cut_off_ = m.reason == caf::exit_reason::remote_link_unreachable;
      end(fault{errc::unavailable, "who had the value is gone"});
    });
  }

  void pull(const large_value& what, done then) {
    waiting_.push_back({what, std::move(then)});
    if (waiting_.size() > 1) return;
    look_again();
    begin();
  }

  /// The last value did not come because its whole node is gone.
  bool is_cut_off() const noexcept { return is_cut_off_; }

  void look() {
    looks_ = false;
    if (waiting_.empty()) return;
    if (++in_vain_ >= looks_in_vain) end(fault{errc::unavailable, "no piece of a value came for a while"});
    if (!waiting_.empty()) look_again();
  }

 private:
  struct job {
    large_value what;
    done then;
  };

  void look_again() {
    if (!std::exchange(looks_, true)) self_->delayed_send(self_, idle_every, idle_look{});
  }
  void begin() {
    in_vain_ = 0;
    ++number_;
    const large_value& v = waiting_.front().what;
    try {
      value_.emplace(v.claim);
    } catch (const std::bad_alloc&) {
      return end(fault{errc::internal, "no memory for a value"});
    }
    self_->monitor(v.courier);
    ask();
  }
  void ask() {
    while (const auto w = value_->next())
      self_->request(waiting_.front().what.courier, caf::infinite, pull_piece{w->from, w->size})
          .then([this, n = number_](const value_piece& p) { came(n, p); },
                [this, n = number_](const caf::error& why) {
                  if (n == number_ && value_) end(fault{to_errc(why), "a piece was not given out"});
                });
  }
  void came(std::uint64_t number, const value_piece& p) {
    if (number != number_ || !value_) return;
    in_vain_ = 0;
    if (value_->take(p.from, p.bytes) != errc::none)
      return end(fault{errc::corrupt, "a piece came that was not asked for"});
    if (value_->is_whole()) return end(value_->finish());
    ask();
  }
  void end(outcome<blob_ref> how) {
    value_.reset();
    job ended = std::move(waiting_.front());
    waiting_.pop_front();
    self_->demonitor(ended.what.courier.address());
    caf::anon_send(ended.what.courier, pull_piece{});
    ended.then(std::move(how));
    if (!waiting_.empty()) begin();
  }

  Self self_;
  std::deque<job> waiting_;
  std::optional<value_assembly> value_;  ///< of the first in line
  std::uint64_t number_ = 0;             ///< of the first in line: what comes for others comes too late
  int in_vain_ = 0;
  bool looks_ = false;  ///< a look is under way
  bool is_cut_off_ = false;
};

using collecting_actor = collector_actor::extend<caf::reacts_to<idle_look>>;

struct collecting_state {
  static inline const char* name = "aicache.collector";
  std::optional<value_puller<collecting_actor::stateful_pointer<collecting_state>>> pulls;
};

collecting_actor::behavior_type collect(collecting_actor::stateful_pointer<collecting_state> self,
                                        const client_actor& client) {
  take_no_offence(self);
  self->state.pulls.emplace(self);
  return {
      [self, client = caf::actor_cast<caf::weak_actor_ptr>(client)](const collect_results& m) {
        for (std::size_t i = 0; i < m.values.size(); ++i)
          self->state.pulls->pull(m.values[i], [=, v = m.values[i], r = m.results[i], correlation = m.correlation,
                                                now = m.now](outcome<blob_ref> got) mutable {
            r.status = got ? v.status : get_status::error;
            // What a lost node owed the client asks of another, when it hears of the loss itself.
            if (!got && self->state.pulls->is_cut_off()) return;
            if (got) {
              r.value = std::move(*got);
            } else {
              r.error = got.why().code;
            }
            if (const auto to = caf::actor_cast<client_actor>(client))
              caf::anon_send(to, late_reply{correlation, {{v.position, std::move(r)}}, now});
          });
      },
      [self](idle_look) { self->state.pulls->look(); },
  };
}

using put_taking_actor = put_taker_actor::extend<caf::reacts_to<idle_look>>;

struct put_taking_state {
  static inline const char* name = "aicache.taker";
  std::optional<value_puller<put_taking_actor::stateful_pointer<put_taking_state>>> pulls;
  put_batch what;
  caf::typed_response_promise<put_reply> promise;
  errc why = errc::none;
  std::size_t open = 0;
};

put_taking_actor::behavior_type take_put(put_taking_actor::stateful_pointer<put_taking_state> self,
                                         const shard_actor& shard) {
  take_no_offence(self);
  self->state.pulls.emplace(self);
  return {
      [self, shard](const put_batch& m) -> caf::result<put_reply> {
        put_taking_state& s = self->state;
        s.promise = self->make_response_promise<put_reply>();
        s.what = m;
        s.open = m.large.size();
        for (const large_value& v : std::exchange(s.what.large, {}))
          s.pulls->pull(v, [self, shard, at = v.position](outcome<blob_ref> got) {
            put_taking_state& now = self->state;
            if (got) {
              now.what.body->items[at].value = std::move(*got);
            } else {
              now.why = got.why().code;
            }
            if (--now.open > 0) return;
            if (now.why == errc::none) {
              now.promise.delegate(shard, std::move(now.what));
            } else {
              now.promise.deliver(put_reply{now.what.correlation, now.why, nullptr});
            }
            self->quit();
          });
        return s.promise;
      },
      [self](idle_look) { self->state.pulls->look(); },
  };
}

}  // namespace

large_value send_by_courier(caf::actor_system& system, const blob_ref& value, std::uint32_t position,
                            const caf::strong_actor_ptr& receiver) {
  return {position, get_status::hit, claim_of(*value), system.spawn(give, value, receiver)};
}

collector_actor spawn_collector(caf::actor_system& system, const client_actor& client) {
  return system.spawn(collect, client);
}

put_taker_actor spawn_put_taker(caf::actor_system& system, const shard_actor& shard) {
  return system.spawn(take_put, shard);
}

}  // namespace aicache
