#include "actors/redis/link.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <utility>

#include "actors/errors.hpp"
#include "actors/redis/connection.hpp"
#include "actors/redis/io_thread.hpp"
#include "actors/redis/io_unit.hpp"
#include "actors/visit.hpp"

namespace aicache {

namespace {

const char* meaning(redis_trouble t) noexcept {
  switch (t) {
    case redis_trouble::none: return "answered again";
    case redis_trouble::busy: return "not answered: the server is busy, loading, or its cluster is down";
    case redis_trouble::full: return "refused for want of memory or disk";
    case redis_trouble::read_only: return "refused: the server is a replica";
    case redis_trouble::denied: return "refused: our credentials are missing, wrong or too weak";
    default: return "refused";
  }
}

}  // namespace

// -- messages ----------------------------------------------------------------

link_actor::behavior_type link_actor_state::start(const link_setup& setup) {
  take_no_offence(self_);
  setup_ = setup;
  link_core::options o;
  o.cluster = setup.cluster;
  o.connections = setup.connections;
  o.seed = setup.how.core.seed;
  if (setup.cluster) {
    if (setup.how.address.transport != redis_transport::unix_socket)
      o.seeds.push_back(setup.how.address.host + ":" + std::to_string(setup.how.address.port));
    o.seeds.insert(o.seeds.end(), setup.seeds.begin(), setup.seeds.end());
  }
  core_.emplace(std::move(o), format_command);
  self_->set_down_handler([this](const caf::down_msg& down) {
    std::erase_if(watchers_, [&](const link_watcher& w) { return w.address() == down.source; });
  });
  handle([this] { core_->start(now(), effects_); });
  return {
      [this](fetch_request& m) {
        handle([&] {
          const std::uint64_t token = remember(self_->current_sender(), m.ticket);
          core_->read(token, std::move(m.keys), now(), effects_);
          setup_.io->expect(vigil::event::reply);
        });
      },
      [this](store_request& m) {
        handle([&] {
          const std::uint64_t token = remember(std::move(m.from), m.ticket);
          core_->write(token, std::move(m.items), now(), effects_);
        });
      },
      [this](link_commands& m) {
        handle([&] {
          const std::uint64_t token = remember(self_->current_sender(), m.ticket);
          core_->run(token, std::move(m.commands), now(), effects_);
        });
      },
      [this](link_completions& m) {
        handle([&] { core_->completed(m.connection, std::move(m.what), now(), effects_); });
      },
      [this](const link_breaker& m) {
        handle([&] {
          log_breaker(m);
          core_->breaker_changed(m.connection, m.to, now(), effects_);
        });
      },
      [this](const link_tick&) {
        handle([&] {
          tick_at_ = never;
          core_->tick(now(), effects_);
        });
      },
      [this](const watch_link& m) {
        self_->monitor(m.watcher);
        watchers_.push_back(m.watcher);
        self_->send(m.watcher, standing());
      },
      [this](const open_gate& m) { core_->open_gate(m.outages); },
      [this](const close_gate&) { core_->close_gate(); },
      [this](const link_statistics_request&) {
        return link_figures{core_->counted(), core_->present()};
      },
  };
}

template <class Work>
void link_actor_state::handle(Work work) noexcept {
  try {
    work();
    perform();
  } catch (const std::exception& e) {
    spdlog::error("the link to redis ends: {}", e.what());
    self_->quit(to_error(errc::internal));
  }
}

link_actor_state::~link_actor_state() {
  if (!core_) return;
  ending_ = true;
  try {
    effects_.clear();
    core_->stop(effects_);
    perform();
  } catch (const std::exception& e) {
    spdlog::error("the link to redis could not tell everybody of its end: {}", e.what());
  }
  for (auto& [id, c] : connections_) c->stop();
}

instant link_actor_state::now() const {
  return {std::chrono::duration_cast<duration>(self_->clock().now().time_since_epoch()).count()};
}

std::uint64_t link_actor_state::remember(caf::strong_actor_ptr who, std::uint64_t ticket) {
  if (free_askers_.empty()) {
    free_askers_.push_back(askers_.size());
    askers_.emplace_back();
  }
  const std::uint64_t token = free_askers_.back();
  free_askers_.pop_back();
  askers_[token] = {std::move(who), ticket};
  return token;
}

template <class Reply>
void link_actor_state::tell(std::uint64_t token, Reply reply) {
  asker a = std::move(askers_[token]);
  free_askers_.push_back(token);
  if (!a.who) return;
  reply.ticket = a.ticket;
  caf::anon_send(caf::actor_cast<caf::actor>(std::move(a.who)), std::move(reply));
}

// -- effects -----------------------------------------------------------------

void link_actor_state::perform() {
  for (link_core::effect& e : effects_)
    std::visit(overloaded{
                   [this](link_core::open_connection& o) { open(o); },
                   [this](link_core::close_connection& c) {
                     addresses_.erase(c.id);
                     const auto at = connections_.find(c.id);
                     if (at == connections_.end()) return;
                     at->second->stop();
                     connections_.erase(at);
                   },
                   [this](link_core::submit& s) { connections_.at(s.id)->submit(std::move(s.commands)); },
                   [this](link_core::was_read& r) {
                     tell(r.token, fetched{0, std::move(r.values)});
                     if (ending_) return;
                     const bool more = free_askers_.size() < askers_.size();
                     setup_.io->expect(more ? vigil::event::reply : vigil::event::request);
                   },
                   [this](link_core::was_written& w) {
                     tell(w.token, stored{0, std::move(w.items)});
                   },
                   [this](link_core::was_run& r) {
                     tell(r.token, link_replies{0, std::move(r.replies)});
                   },
                   [this](const link_core::standing& s) {
                     if (std::exchange(reachable_, s.reachable) != s.reachable)
                       spdlog::info("redis is {}", s.reachable ? "reachable" : "not reachable");
                     if (ending_) return;
                     for (const link_watcher& w : watchers_) self_->send(w, standing());
                   },
                   [this](const link_core::trouble_changed& t) {
                     const auto level = t.to == redis_trouble::none ? spdlog::level::info : spdlog::level::warn;
                     spdlog::log(level, "redis {}: {} are {}", printable(t.address), t.kind, meaning(t.to));
                   },
               },
               e);
  effects_.clear();
  if (ending_ || core_->due() >= tick_at_) return;
  tick_at_ = core_->due();
  self_->delayed_send(self_, std::max(duration{1}, tick_at_ - now()), link_tick{});
}

void link_actor_state::open(const link_core::open_connection& o) {
  redis_options how = setup_.how;
  // Many connections that were lost together must not come back together.
  how.core.seed += o.id;
  if (!o.address.empty()) {
    const auto colon = o.address.rfind(':');
    how.address.host = o.address.substr(0, colon);
    if (how.address.transport == redis_transport::unix_socket) how.address.transport = redis_transport::tcp;
    std::from_chars(o.address.data() + colon + 1, o.address.data() + o.address.size(), how.address.port);
  }
  addresses_[o.id] = o.address;
  // The connections do not keep the link alive.
  const auto link = caf::actor_cast<caf::weak_actor_ptr>(self_);
  const auto tell_link = [link](auto message) {
    if (auto alive = caf::actor_cast<caf::strong_actor_ptr>(link))
      caf::anon_send(caf::actor_cast<caf::actor>(std::move(alive)), std::move(message));
  };
  auto made = redis_connection::make(
      setup_.io->context(), std::move(how),
      [tell_link, id = o.id](redis_connection::completions done) {
        tell_link(link_completions{id, std::move(done)});
      },
      [tell_link, id = o.id](breaker_state to) {
        tell_link(link_breaker{id, to});
      });
  made->start();
  connections_.emplace(o.id, std::move(made));
}

std::string link_actor_state::printable(const std::string& address) const {
  return address.empty() ? setup_.how.address.printable() : address;
}

void link_actor_state::log_breaker(const link_breaker& m) {
  const auto at = addresses_.find(m.connection);
  if (at == addresses_.end() || m.to == breaker_state::half_open) return;
  if (m.to == breaker_state::closed) {
    spdlog::info("redis {}: connection {} is of use", printable(at->second), m.connection);
  } else {
    spdlog::warn("redis {}: connection {} is of no use", printable(at->second), m.connection);
  }
}

// -- the actor ---------------------------------------------------------------

redis_link::redis_link(caf::actor_config& config, link_setup setup)
    : stateful_actor(config), setup_(std::move(setup)), unit_(std::make_shared<io_unit>(this->system(), setup_.io)) {}

redis_link::~redis_link() = default;

void redis_link::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  stateful_actor::enqueue(std::move(what), unit_.get());
}

void redis_link::launch(caf::execution_unit*, bool lazy, bool hide) { stateful_actor::launch(unit_.get(), lazy, hide); }

redis_link::behavior_type redis_link::make_behavior() { return state.start(setup_); }

// ----------------------------------------------------------------------------

link_state link_actor_state::standing() const {
  const link_core::standing s = core_->how();
  return {s.reachable, s.masters, s.gate};
}

}  // namespace aicache
