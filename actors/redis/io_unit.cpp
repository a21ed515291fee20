#include "actors/redis/io_unit.hpp"

#include <asio/post.hpp>
#include <utility>

#include "actors/redis/io_thread.hpp"

namespace aicache {

io_unit::io_unit(caf::actor_system& system, std::shared_ptr<io_thread> io)
    : caf::execution_unit(&system), io_(std::move(io)) {}

io_unit::~io_unit() = default;

void io_unit::exec_later(caf::resumable* what) {
  // Actors that the one at work here wrote to are the workers' business.
  if (what->subtype() != caf::resumable::io_actor) return system().scheduler().enqueue(what);
  post(what);
}

// `what` comes with a reference of ours, as CAF's own units get it.
void io_unit::post(caf::resumable* what) {
  asio::post(io_->context(), [self = shared_from_this(), what] { self->run(what); });
}

// The system waits for its own workers before it goes, but it does not know this thread. It is counted as one more
// actor until it has let go of the one that may just have ended.
void io_unit::run(caf::resumable* what) {
  caf::actor_registry& registry = system().registry();
  registry.inc_running();
  switch (what->resume(this, messages_at_once)) {
    case caf::resumable::resume_later: post(what); break;
    case caf::resumable::awaiting_message:
    case caf::resumable::done: intrusive_ptr_release(what); break;
    case caf::resumable::shutdown_execution_unit: break;
  }
  registry.dec_running();
}

}  // namespace aicache
