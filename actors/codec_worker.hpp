#pragma once

#include <optional>

#include "engine/codec/zstd_codec.hpp"
#include "engine/shared/shared_codec.hpp"
#include "messages/interfaces.hpp"

namespace aicache {

/// Compresses, decompresses and trains for shards, away from their mailboxes.
///
/// Owner      itself: a detached actor, since one job may take tens of milliseconds
/// Fails      what cannot be done comes back empty, never not at all
class codec_worker_state {
 public:
  using pointer = codec_worker_actor::stateful_pointer<codec_worker_state>;

  explicit codec_worker_state(pointer self) : self_(self), codec_({}) {}
  codec_worker_actor::behavior_type start(const shared_codec::options& o);

  static inline const char* name = "aicache.codec";

 private:
  template <class Done>
  void answer(Done done);
  void seal(const write_job& job);
  void unpack(walk_step& step);
  std::uint64_t since(caf::actor_clock::time_point began) const;

  pointer self_;
  zstd_codec codec_;
  std::optional<shared_codec> shared_;
  shared_reader link_;
  std::vector<std::byte> scratch_;
};

inline codec_worker_actor::behavior_type codec_worker(codec_worker_state::pointer self,
                                                      const shared_codec::options& o) {
  return self->state.start(o);
}

}  // namespace aicache
