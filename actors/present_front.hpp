#pragma once

#include <mutex>
#include <utility>

#include "messages/interfaces.hpp"

namespace aicache {

/// The front of the node that a client works with at present: its actor writes it, whoever holds a handle reads it.
///
/// Owner      the client's session; any thread. Actors have no locks otherwise: this one guards a pointer that plain
///            threads read as well, and is never held while anything else is done
class present_front {
 public:
  explicit present_front(front_actor f = {}) : front_(std::move(f)) {}
  front_actor get() const {
    const std::lock_guard lock(guard_);
    return front_;
  }
  void set(front_actor f) {
    const std::lock_guard lock(guard_);
    std::swap(front_, f);
  }

 private:
  mutable std::mutex guard_;
  front_actor front_;
};

}  // namespace aicache
