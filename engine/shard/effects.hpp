#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "engine/codec/dictionary_trainer.hpp"
#include "engine/codec/zstd_codec.hpp"
#include "engine/key.hpp"
#include "engine/memory/blob.hpp"
#include "engine/shard/batch.hpp"
#include "engine/shared/traffic.hpp"

// What a shard's core wants done; the actor performs it. Hits and plain misses are no effects: they are written
// straight into the batch's results.
namespace aicache {

/// A result that was pending: to position `position` of batch `batch`.
struct late_answer {
  std::uint64_t batch = 0;
  std::uint32_t position = 0;
  get_result result;
};

/// Compress `raw` on a worker and come back with shard_core::packed.
struct pack_job {
  key128 key;
  blob_ref raw;
  std::shared_ptr<const dictionary> with;
  std::uint16_t number = 0;  ///< of the dictionary, 0 for none
};

/// Decompress `frame` on a worker and come back with shard_core::unpacked.
struct unpack_job {
  key128 key;
  blob_ref packed;
  std::shared_ptr<const dictionary> with;
};

/// Train a dictionary on a worker and come back with shard_core::trained.
struct train_job {
  std::uint16_t operation = 0;
  training_samples samples;
  std::size_t dictionary_bytes = 0;
  int level = 0;
};

/// A write to the shared tier that a put or an erase waited for is over, or the look-up that an operation by key waited
/// for: of position `position` of batch `batch`.
struct late_news {
  std::uint64_t batch = 0;
  std::uint32_t position = 0;
  store_status how = store_status::done;
};

/// So many entries left memory by the invalidation with this ticket.
struct invalidation_done {
  std::uint64_t ticket = 0;
  std::uint64_t entries = 0;
};

using effect = std::variant<late_answer, late_news, pack_job, unpack_job, train_job, fetch_request, open_job, write_job,
                            erased_keys, invalidation_done>;
using effects = std::vector<effect>;

}  // namespace aicache
