#pragma once

#include <cstddef>
#include <memory>

#include "messages/caf_version.hpp"

namespace aicache {

class io_thread;

/// Runs actors on the I/O thread instead of CAF's workers. What such an actor hands to a connection, and a connection to
/// it, wakes no thread; others write to it, and it to others, as to any actor.
///
/// Owner      whoever has actors that run on it; each of its jobs keeps it, and by it the thread
/// Invariant  the actor system outlives it: an actor that runs here is awaited as any other
/// Cost       a wake-up of the I/O thread when it sleeps; an actor gives way to the sockets after 32 messages
class io_unit final : public caf::execution_unit, public std::enable_shared_from_this<io_unit> {
 public:
  io_unit(caf::actor_system& system, std::shared_ptr<io_thread> io);
  ~io_unit() override;

  void exec_later(caf::resumable* what) override;

 private:
  void post(caf::resumable* what);
  void run(caf::resumable* what);

  static constexpr std::size_t messages_at_once = 32;
  std::shared_ptr<io_thread> io_;
};

}  // namespace aicache
