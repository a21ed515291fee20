#include "actors/app/event_pages.hpp"

#include <signal.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "actors/app/node_session.hpp"

namespace aicache::app {

namespace {

constexpr duration look_for_signals{100};

using object = nlohmann::ordered_json;

std::string dumped(const object& o) { return o.dump(-1, ' ', false, object::error_handler_t::replace); }

// Those that end this command are blocked before any thread starts, so that only it gets them.
sigset_t block_ending_signals() {
  sigset_t all;
  sigemptyset(&all);
  sigaddset(&all, SIGINT);
  sigaddset(&all, SIGTERM);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  return all;
}

bool was_interrupted(const sigset_t& all) {
  const timespec at_once{0, 0};
  return sigtimedwait(&all, nullptr, &at_once) > 0;
}

}  // namespace

std::string line_of(const cache_event& e, bool as_json) {
  const bool one = e.kind != event_kind::invalidate;
  if (!as_json) {
    std::string line = std::to_string(e.at.ms) + "  " + to_string(e.kind);
    if (e.kind == event_kind::hit) line += std::string(" ") + to_string(e.from);
    if (one) line += "  " + e.id.hex();
    // Names may hold anything: quoted as in JSON.
    line += "  tenant=" + dumped(e.tenant);
    if (one && e.operation.empty()) return line + "  generic";
    if (!e.operation.empty()) line += "  operation=" + dumped(e.operation);
    return one ? line : line + "  entries=" + std::to_string(e.entries);
  }
  object o{{"at_ms", e.at.ms}, {"event", to_string(e.kind)}};
  if (e.kind == event_kind::hit) o["tier"] = to_string(e.from);
  if (one) o["id"] = e.id.hex();
  o["tenant"] = e.tenant;
  if (!e.operation.empty()) o["operation"] = e.operation;
  if (one && e.operation.empty()) o["generic"] = true;
  if (!one) o["entries"] = e.entries;
  return dumped(o);
}

page events_page(const std::string& node, const event_filter& what, std::uint64_t count, bool as_json) {
  const sigset_t signals = block_ending_signals();
  const auto session = node_session::open(node);
  if (!session) return complaint_of(session.why());
  const client& cache = (*session)->cache();
  page out;
  out.is_written = true;
  bool over = false;
  std::uint64_t written = 0;
  caf::scoped_actor self{(*session)->system()};
  self->monitor(cache.front());
  const caf::strong_actor_ptr me{self->ctrl()};
  std::uint64_t subscription = 0;
  self->request(cache.front(), duration{5'000}, subscribe_request{caf::actor_cast<event_watcher>(me), what})
      .receive(
          [&](const subscribed& made) {
            subscription = made.subscription;
            if (made.why != errc::none) out = complaint_of(made.why);
          },
          [&](const caf::error& why) { out = complaint_of(exits::unreachable, describe(to_errc(why))); });
  if (out.exit_code != exits::done) return out;
  // What happens from here on is told; whoever reads this line may begin.
  std::cerr << "subscribed\n" << std::flush;
  while (!over) {
    self->receive(
        [&](const event_batch& batch) {
          if (batch.dropped > 0) {
            std::cout << (as_json ? dumped(object{{"dropped", batch.dropped}})
                                  : "dropped " + std::to_string(batch.dropped))
                      << '\n';
          }
          for (const cache_event& e : batch.events) {
            if (over) break;
            std::cout << line_of(e, as_json) << '\n';
            over = ++written == count;
          }
          std::cout << std::flush;
          over = over || !std::cout;
          cache.took(batch);
        },
        [&](const caf::down_msg&) {
          over = true;
          out.exit_code = exits::unreachable;
          out.complaint = "the node has ended";
        },
        caf::after(look_for_signals) >> [] {});
    over = over || was_interrupted(signals);
  }
  cache.unsubscribe(subscription);
  return out;
}

}  // namespace aicache::app
