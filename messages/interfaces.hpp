#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/client/client_core.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/shard/effects.hpp"
#include "engine/statistics/report.hpp"
#include "messages/caf_version.hpp"
#include "messages/statistics.hpp"
#include "messages/wire.hpp"

// The map of the city: every actor's protocol, a sentence per message.
namespace aicache {

// -- shards ------------------------------------------------------------------

/// Do your housekeeping and report (a shard to itself).
struct shard_tick {};
/// Evict by this mode, and show the learner keys up to this sample hash, so many at a time (monitor to shard).
struct steer {
  eviction_mode mode = first_eviction_mode;
  std::uint64_t sample_threshold = 0;
  std::uint32_t sample_batch = UINT32_MAX;

  friend bool operator==(const steer&, const steer&) = default;
};
/// A codec worker's results (worker to shard).
struct pack_done {
  key128 key;
  blob_ref raw;
  blob_ref packed;  ///< empty: it would not get smaller
};
struct unpack_done {
  key128 key;
  blob_ref packed;
  blob_ref raw;  ///< empty: it did not verify
};
struct train_done {
  std::uint16_t operation = 0;
  std::shared_ptr<const dictionary> made;  ///< null: the samples gave none
};

struct colleagues;

/// Send away whoever waits, and give no more leases; hits are still answered (front to shard).
struct drain_shard {};
/// Who had to be sent away.
struct drained {
  std::uint64_t abandoned = 0;  ///< callers who waited for somebody's computation
};
AICACHE_INSPECT(drained, a)

/// Owns one range of the key hash. Takes every operation; answers a batch when all its results are known, or at once
/// with `pending` ones following as late_reply to the sender when the batch says `partial`.
using shard_actor = caf::typed_actor<
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) caf::replies_to<batch>::with<reply>,
#include "messages/ops.def"
#undef AICACHE_OPERATION
    caf::reacts_to<shard_tick>, caf::reacts_to<steer>, caf::reacts_to<pack_done>, caf::reacts_to<unpack_done>,
    caf::reacts_to<train_done>, caf::reacts_to<colleagues>, caf::replies_to<drain_shard>::with<drained>>;

// -- codec workers -----------------------------------------------------------

/// Does the slow work of shards; the result goes back as a message to the sender.
using codec_worker_actor =
    caf::typed_actor<caf::reacts_to<pack_job>, caf::reacts_to<unpack_job>, caf::reacts_to<train_job>>;

// -- the monitor -------------------------------------------------------------

/// What a shard has counted since its last report, and the keys that it sampled for the learner (shard to monitor).
struct report_message {
  std::shared_ptr<const shard_report> report;  ///< null: only samples
  std::vector<sampled> samples;
};
/// These are the shards to steer (front to monitor); `lost` numbers one whose memory is gone.
struct shards_changed {
  std::uint64_t epoch = 0;
  std::vector<shard_actor> shards;
  std::int64_t lost = -1;
};
/// What do you know of your node?
struct statistics_request {};
AICACHE_INSPECT_EMPTY(statistics_request)

/// Aggregates reports and steers eviction for all shards of its node.
using monitor_actor = caf::typed_actor<caf::reacts_to<report_message>, caf::reacts_to<shards_changed>,
                                       caf::replies_to<statistics_request>::with<node_statistics>>;

/// From now on report to this monitor and give jobs to these workers (front to shard).
struct colleagues {
  monitor_actor monitor;
  std::vector<codec_worker_actor> workers;
};

// -- the shard map -----------------------------------------------------------

/// Who owns which range of the key hash: `shards.size()` equal ranges, in order. A new epoch replaces all older maps.
struct shard_map {
  std::uint64_t epoch = 0;
  std::vector<shard_actor> shards;
  client_limits limits;
};
AICACHE_INSPECT(shard_map, a, b, c)

/// Takes new maps.
using map_watcher = caf::typed_actor<caf::reacts_to<shard_map>>;

// -- the front ---------------------------------------------------------------

/// Send me the shard map now and whenever it changes, until I die.
struct watch_map {
  map_watcher watcher;
};
AICACHE_INSPECT(watch_map, a)

/// What is the shard map?
struct map_request {};
AICACHE_INSPECT_EMPTY(map_request)

/// The node is about to stop: have every shard drained.
struct drain_request {};
AICACHE_INSPECT_EMPTY(drain_request)

/// Try a restart that was put off (front to itself).
struct restart_shard {
  std::uint32_t shard = 0;
};

/// Supervises a node and is its public face. Gives clients the shard map; also takes every operation itself, for those
/// who want one address.
using front_actor = caf::typed_actor<
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) caf::replies_to<batch>::with<reply>,
#include "messages/ops.def"
#undef AICACHE_OPERATION
    caf::reacts_to<watch_map>, caf::replies_to<map_request>::with<shard_map>,
    caf::replies_to<statistics_request>::with<node_statistics>, caf::replies_to<drain_request>::with<drained>,
    caf::reacts_to<restart_shard>>;

// -- clients -----------------------------------------------------------------

/// Who is told that a call is finished; called once, by the client actor, on its thread.
class call_listener {
 public:
  virtual ~call_listener() = default;
  virtual void finished(const std::shared_ptr<call>& done) noexcept = 0;
};
/// Make this call and tell the listener (any thread to its client).
struct submit_call {
  std::shared_ptr<call> what;
  std::shared_ptr<call_listener> listener;
};
/// Make this call; the answer comes when it is finished (actor to its client).
struct make_call {
  std::shared_ptr<call> what;
};
struct call_finished {
  std::shared_ptr<call> what;
};
/// Look at deadlines (client to itself).
struct client_tick {};

/// Makes calls for its process: cuts them by shard, survives the death of shards, and answers each exactly once.
using client_actor = map_watcher::extend<
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) caf::reacts_to<reply>,
#include "messages/ops.def"
#undef AICACHE_OPERATION
    caf::reacts_to<late_reply>, caf::reacts_to<client_tick>, caf::reacts_to<submit_call>,
    caf::replies_to<make_call>::with<call_finished>>;

}  // namespace aicache

// What must never come from another process cannot be serialized at all.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::shard_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::steer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::pack_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::unpack_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::train_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::pack_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::unpack_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::train_job)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::report_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::shards_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::colleagues)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::drain_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::restart_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::submit_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::make_call)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::call_finished)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(aicache::client_tick)
