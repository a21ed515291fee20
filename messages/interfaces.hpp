#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/client/client_core.hpp"
#include "engine/degradation/level.hpp"
#include "engine/eviction/mode_learner.hpp"
#include "engine/search/memory_search.hpp"
#include "engine/shard/effects.hpp"
#include "engine/shared/shared_codec.hpp"
#include "engine/statistics/invalidation_log.hpp"
#include "engine/statistics/node_facts.hpp"
#include "engine/statistics/report.hpp"
#include "engine/statistics/slow_operations.hpp"
#include "messages/caf_version.hpp"
#include "messages/cluster.hpp"
#include "messages/cluster_peers.hpp"
#include "messages/events.hpp"
#include "messages/invalidation.hpp"
#include "messages/local_types.hpp"
#include "messages/reload.hpp"
#include "messages/shared_tier.hpp"
#include "messages/statistics.hpp"
#include "messages/transfer.hpp"
#include "messages/wire.hpp"

// The map of the city: every actor's protocol, a sentence per message.
namespace aicache {

// -- shards ------------------------------------------------------------------

/// Do your housekeeping and report (a shard to itself).
struct shard_tick {
  bool extra = false;  ///< there was more to do than one step
};
/// Evict by this mode, and show the learner keys up to this sample hash, so many at a time (monitor to shard).
struct steer {
  eviction_mode mode = first_eviction_mode;
  std::uint64_t sample_threshold = 0;
  std::uint32_t sample_batch = UINT32_MAX;
  std::uint64_t slow_nanoseconds = UINT64_MAX;  ///< tell the monitor of gets that take longer

  friend bool operator==(const steer&, const steer&) = default;
};
/// A codec worker's results (worker to shard).
struct pack_done {
  key128 key;
  blob_ref raw;
  blob_ref packed;  ///< empty: it would not get smaller
  std::uint64_t nanoseconds = 0;
};
struct unpack_done {
  key128 key;
  blob_ref packed;
  blob_ref raw;  ///< empty: it did not verify
  std::uint64_t nanoseconds = 0;
};
struct train_done {
  std::uint16_t operation = 0;
  std::shared_ptr<const dictionary> made;  ///< null: the samples gave none
};

/// What came of opening a large answer from Redis (worker to shard).
struct open_done {
  std::uint64_t ticket = 0;
  outcome<opened_answer> what;
};
/// Encrypt and decrypt with these keys from now on; null: not at all (front to shards and workers).
struct use_keys {
  std::shared_ptr<const key_ring> keys;
};

struct colleagues;

/// Serve on this level from now on (front to shards).
struct serve_level {
  service_level level = service_level::normal;
};
/// How much waits in a shard (shard to front, on its tick).
struct shard_pressure {
  std::uint32_t shard = 0;
  std::int64_t lag_ms = 0;  ///< that its tick waited in the mailbox
  double waiting = 0;       ///< share of the memory for who waits, 0 to 1
};
/// Takes what shards tell of themselves.
using pressure_listener = caf::typed_actor<caf::reacts_to<shard_pressure>, caf::reacts_to<events_noted>>;

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
    caf::reacts_to<train_done>, caf::reacts_to<fetched>, caf::reacts_to<open_done>, caf::reacts_to<stored>,
    caf::reacts_to<use_keys>, caf::reacts_to<serve_level>, caf::reacts_to<shared_tier_state>,
    caf::reacts_to<invalidate_scopes>, caf::replies_to<memory_search>::with<memory_found>, caf::reacts_to<watch_events>,
    caf::reacts_to<colleagues>, caf::replies_to<drain_shard>::with<drained>,
    caf::replies_to<walk_request>::with<walked>, caf::replies_to<import_entries>::with<imported>,
    caf::reacts_to<retune_shard>, caf::replies_to<serve_ranges>::with<ranges_served>, caf::reacts_to<extend_ranges>>;

// -- the way to the shared tier ----------------------------------------------

/// Takes what shards want to know and what workers have made ready; the whole protocol is in shared_interfaces.hpp.
using shared_reader = caf::typed_actor<caf::reacts_to<fetch_request>, caf::reacts_to<store_request>>;
/// Takes what shards tell of erased keys and finished sweeps.
using shared_listener = caf::typed_actor<caf::reacts_to<erased_keys>, caf::reacts_to<scopes_invalidated>>;
/// Hand what is ready for Redis to this one (front to workers).
struct serve_link {
  shared_reader link;
};

// -- codec workers -----------------------------------------------------------

/// Does the slow work of shards; the result goes back as a message to the sender.
using codec_worker_actor =
    caf::typed_actor<caf::reacts_to<pack_job>, caf::reacts_to<unpack_job>, caf::reacts_to<train_job>,
                     caf::reacts_to<write_job>, caf::reacts_to<open_job>, caf::reacts_to<use_keys>,
                     caf::reacts_to<serve_link>, caf::replies_to<walked>::with<walked>>;

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

/// A request took unusually long, as the monitor told what is usual (shard to monitor).
struct slow_seen {
  slow_event what;
};
/// Identities were made by a client since it last told of some (client to front, front to monitor).
struct keys_made {
  key_generation_report what;
};
AICACHE_INSPECT(keys_made, a)
/// A caller's invalidation is done (front to monitor).
struct invalidation_seen {
  invalidation_event what;
};

/// Which figures of a node are meant.
enum class figures_view : std::uint8_t {
  summary = 0,          ///< what happened, and what it means
  ledger = 1,           ///< what was saved
  recommendations = 2,  ///< what would make the cache better
  curve = 3,            ///< the hit ratio that less or more memory would give
  everything = 4,       ///< all counters and histograms, raw
};
/// Tell these figures as JSON (anyone to front).
struct figures_request {
  figures_view view = figures_view::summary;
};
AICACHE_INSPECT(figures_request, a)
/// A JSON object, for `recommendations` an array; the shapes are told in engine/statistics/export.hpp, in
/// engine/advice/recommendation.hpp and in hit_curve.hpp. Names of members stay; new ones may come.
struct figures_reply {
  std::string json;
};
AICACHE_INSPECT(figures_reply, a)
/// The same, with what only the front knows (front to monitor).
struct figures_query {
  figures_view view = figures_view::summary;
  node_facts about;
};

/// Forget what was counted; settings, prices, answers and the shards' present state stay (anyone to front).
struct reset_request {};
AICACHE_INSPECT_EMPTY(reset_request)
/// It is forgotten.
struct reset_done {};
AICACHE_INSPECT_EMPTY(reset_done)

/// Aggregates reports, steers eviction for all shards of its node, and says what the figures mean.
using monitor_actor =
    caf::typed_actor<caf::reacts_to<report_message>, caf::reacts_to<shards_changed>, caf::reacts_to<slow_seen>,
                     caf::reacts_to<keys_made>, caf::reacts_to<invalidation_seen>,
                     caf::replies_to<statistics_request>::with<node_statistics>,
                     caf::replies_to<figures_query>::with<figures_reply>,
                     caf::replies_to<reset_request>::with<reset_done>, caf::reacts_to<retune_monitor>>;

/// From now on report to this monitor and give jobs to these workers (front to shard).
struct colleagues {
  monitor_actor monitor;
  std::vector<codec_worker_actor> workers;
  shared_reader link;            ///< null where there is no shared tier
  shared_listener invalidation;  ///< null where nobody can invalidate
  pressure_listener front;
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

/// Which keys of a tenant's generic entries fit a pattern? (anyone to front) In order, one page at a time: the next goes on
/// behind the last key of this one.
struct keys_request {
  std::string tenant{};
  std::string pattern = "*";
  std::string after{};          ///< only keys behind this one
  std::uint32_t limit = 1'000;  ///< at most; a page has no more than 10,000, and no more than 1 MiB of keys
};
AICACHE_INSPECT(keys_request, a, b, c, d)

/// The keys that live in this node's memory or in Redis.
struct keys_found {
  errc why = errc::none;
  std::vector<std::string> keys{};
  bool more = false;          ///< there are keys behind the last of these
  bool all_of_redis = false;  ///< Redis was searched to its end, or there is none
};
AICACHE_INSPECT(keys_found, a, b, c, d)

/// Is the shared tier of use at the moment? (anyone to front)
struct shared_tier_request {};
AICACHE_INSPECT_EMPTY(shared_tier_request)

/// Who works with the shards? (inside the process)
struct colleagues_request {};
/// Invalidate this on this node alone; the other members of its cluster are told meanwhile (front to itself).
struct own_invalidation {
  invalidate_request what;
};
/// Look at the level of service (front to itself).
struct front_tick {};
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
    caf::reacts_to<watch_cluster>, caf::replies_to<cluster_request>::with<cluster_map>, caf::reacts_to<cluster_map>,
    caf::replies_to<cluster_hello>::with<cluster_welcome>, caf::replies_to<cluster_state_request>::with<cluster_state>,
    caf::replies_to<pin_request>::with<cluster_map>, caf::replies_to<leave_request>::with<left_cluster>,
    caf::replies_to<peer_invalidation>::with<invalidated>, caf::reacts_to<published_at>,
    caf::replies_to<own_invalidation>::with<invalidated>, caf::reacts_to<watch_map>,
    caf::replies_to<map_request>::with<shard_map>, caf::reacts_to<keys_made>,
    caf::replies_to<statistics_request>::with<node_statistics>, caf::replies_to<figures_request>::with<figures_reply>,
    caf::replies_to<reset_request>::with<reset_done>, caf::replies_to<drain_request>::with<drained>,
    caf::replies_to<invalidate_request>::with<invalidated>, caf::replies_to<keys_request>::with<keys_found>,
    caf::replies_to<subscribe_request>::with<subscribed>, caf::replies_to<unsubscribe_request>::with<unsubscribed>,
    caf::reacts_to<events_taken>, caf::reacts_to<events_noted>, caf::reacts_to<use_keys>,
    caf::replies_to<shared_tier_request>::with<bool>, caf::replies_to<colleagues_request>::with<colleagues>,
    caf::replies_to<export_request>::with<export_reply>, caf::replies_to<import_request>::with<import_reply>,
    caf::replies_to<reload_request>::with<reload_reply>, caf::replies_to<use_settings>::with<reload_reply>,
    caf::replies_to<settings_request>::with<running_settings>, caf::reacts_to<shared_tier_state>,
    caf::reacts_to<shard_pressure>, caf::reacts_to<front_tick>, caf::reacts_to<restart_shard>>;

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
struct client_tick {
  std::uint64_t number = 0;  ///< only the last one counts
};
/// Say when a node can be used, or when none can (who makes a client, to it).
struct reach_request {};
struct reached {
  errc why = errc::none;
  std::string detail;
  front_actor front;
  client_limits limits;
};

/// Makes calls for its process: cuts them by node and shard, survives the death of both, and answers each exactly once.
using client_actor = map_watcher::extend<
#define AICACHE_OPERATION(name, batch, reply, idempotent, doc) caf::reacts_to<reply>,
#include "messages/ops.def"
#undef AICACHE_OPERATION
    caf::reacts_to<cluster_map>, caf::reacts_to<late_reply>, caf::reacts_to<client_tick>, caf::reacts_to<submit_call>,
    caf::replies_to<reach_request>::with<reached>, caf::replies_to<make_call>::with<call_finished>>;

}  // namespace aicache
