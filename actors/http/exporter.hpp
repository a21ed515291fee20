#pragma once

#include <memory>
#include <optional>

#include "actors/http/event_log.hpp"
#include "actors/http/label_limit.hpp"
#include "actors/http/snapshot.hpp"
#include "messages/interfaces.hpp"

namespace aicache::http {

/// Look at the node (the exporter to itself).
struct exporter_tick {};

using exporter_actor = caf::typed_actor<caf::reacts_to<exporter_tick>>;

/// What the exporter is told when it is spawned.
struct exporter_setup {
  front_actor front;
  std::shared_ptr<snapshot_board> board;
  duration refresh{1'000};
  std::size_t label_values = 200;
  bool shared = false;      ///< whether the node is told to use Redis
  bool in_cluster = false;  ///< whether the node is told to be part of a cluster
};

/// Asks the node how it is, once a turn, and publishes what it hears: one turn costs the same whether nobody reads
/// it or a thousand.
///
/// Owner      itself: one scheduled actor
/// Fails      an answer that does not come leaves the snapshot as it was, and its age tells; a dead front is said on the
///            board
/// Invariant  a new turn begins when the time is over, or when the one before was answered or given up, if that is later
class exporter_state {
 public:
  using pointer = exporter_actor::stateful_pointer<exporter_state>;

  explicit exporter_state(pointer self) : self_(self), operations_(0), tenants_(0) {}
  exporter_actor::behavior_type start(exporter_setup setup);

  static inline const char* name = "aicache.exporter";

 private:
  void look();
  void heard();
  void publish(const node_statistics& s);

  pointer self_;
  exporter_setup setup_;
  label_limit operations_;
  label_limit tenants_;
  event_log events_;
  snapshot next_;
  std::shared_ptr<const config::settings> settings_;  ///< that next_ tells of
  std::optional<node_statistics> statistics_;         ///< of this turn
  unsigned open_ = 0;                                 ///< answers that this turn waits for
};

inline exporter_actor::behavior_type exporter(exporter_state::pointer self, exporter_setup setup) {
  return self->state.start(std::move(setup));
}

}  // namespace aicache::http

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::http::exporter_tick)
