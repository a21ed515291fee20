#include "actors/codec_worker.hpp"

#include <exception>
#include <utility>

#include "actors/errors.hpp"

namespace aicache {

template <class Done>
void codec_worker_state::answer(Done done) {
  // Jobs come from shards only: they cannot be serialized, so no other process can send one.
  if (const auto& asked = self_->current_sender()) caf::anon_send(caf::actor_cast<caf::actor>(asked), std::move(done));
}

codec_worker_actor::behavior_type codec_worker_state::start(int level) {
  take_no_offence(self_);
  codec_ = zstd_codec({level});
  return {
      [this](const pack_job& job) {
        pack_done done{job.key, job.raw, {}};
        try {
          if (codec_.compress(job.raw->bytes(), job.with.get(), scratch_))
            done.packed = blob::make_packed(scratch_, *job.raw, job.number);
        } catch (const std::exception&) {
          done.packed = {};
        }
        answer(std::move(done));
      },
      [this](const unpack_job& job) {
        unpack_done done{job.key, job.packed, {}};
        try {
          blob_ref raw = blob::make_uninitialised(job.packed->raw_size(), job.packed->facts());
          if (raw && codec_.decompress(job.packed->frame(), job.with.get(), {raw->writable(), raw->size()}))
            done.raw = std::move(raw);
        } catch (const std::exception&) {
          done.raw = {};
        }
        answer(std::move(done));
      },
      [this](const train_job& job) {
        train_done done{job.operation, nullptr};
        try {
          if (auto made = train(job.samples, job.dictionary_bytes, job.level)) done.made = std::move(*made);
        } catch (const std::exception&) {
          done.made = nullptr;
        }
        answer(std::move(done));
      },
  };
}

}  // namespace aicache
