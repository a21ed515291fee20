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

std::uint64_t codec_worker_state::since(caf::actor_clock::time_point began) const {
  return static_cast<std::uint64_t>((self_->clock().now() - began) / std::chrono::nanoseconds{1});
}

codec_worker_actor::behavior_type codec_worker_state::start(const shared_codec::options& o) {
  take_no_offence(self_);
  codec_ = zstd_codec({o.level});
  shared_.emplace(o);
  return {
      [this](const pack_job& job) {
        pack_done done{job.key, job.raw, {}, 0};
        const auto began = self_->clock().now();
        try {
          if (codec_.compress(job.raw->bytes(), job.with.get(), scratch_))
            done.packed = blob::make_packed(scratch_, *job.raw, job.number);
        } catch (const std::exception&) {
          done.packed = {};
        }
        done.nanoseconds = since(began);
        answer(std::move(done));
      },
      [this](const unpack_job& job) {
        unpack_done done{job.key, job.packed, {}, 0};
        const auto began = self_->clock().now();
        try {
          blob_ref raw = blob::make_uninitialised(job.packed->raw_size(), job.packed->facts());
          if (raw && codec_.decompress(job.packed->frame(), job.with.get(), {raw->writable(), raw->size()}))
            done.raw = std::move(raw);
        } catch (const std::exception&) {
          done.raw = {};
        }
        done.nanoseconds = since(began);
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
      [this](const write_job& job) { seal(job); },
      [this](const open_job& job) {
        answer(open_done{job.ticket, shared_->open(job.bytes, job.id, keep_packed::no)});
      },
      [this](const use_keys& m) { shared_->use(m.keys); },
      [this](const serve_link& m) { link_ = m.link; },
      [this](const walked& m) {
        unpack(*m.step);
        return m;
      },
  };
}

// What leaves the node leaves it raw. What cannot be unpacked is left out, and counted.
void codec_worker_state::unpack(walk_step& step) {
  std::erase_if(step.page.items, [&](transfer_item& i) {
    if (i.value->codec() == blob_codec::raw) return false;
    try {
      blob_ref raw = blob::make_uninitialised(i.value->raw_size(), i.value->facts());
      if (codec_.decompress(i.value->frame(), i.with.get(), {raw->writable(), raw->size()})) {
        i.value = std::move(raw);
        i.with = nullptr;
        return false;
      }
    } catch (const std::exception&) {
      // As if it were damaged.
    }
    ++step.unreadable;
    return true;
  });
}

// What cannot be sealed (it is too large, or there is no memory) is removed from Redis: better nothing than something
// older.
void codec_worker_state::seal(const write_job& job) {
  const caf::strong_actor_ptr from = self_->current_sender();
  store_request r{job.ticket, from, {}};
  r.items.reserve(job.items.size());
  for (const write_item& i : job.items) {
    store_item s;
    s.key = i.key;
    const std::int64_t left = (i.expires - job.now).count();
    if (i.value && left > 0) {
      if (!shared_->seal({i.id, i.value, i.created, i.expires, i.born, i.tags}, s.bytes)) s.bytes.clear();
      s.life_ms = i.expires == never ? 0 : left;
    }
    r.items.push_back(std::move(s));
  }
  if (link_) {
    self_->send(link_, std::move(r));
  } else if (from) {
    caf::anon_send(caf::actor_cast<caf::actor>(from),
                   stored{job.ticket, std::vector<store_status>(job.items.size(), store_status::unavailable)});
  }
}

}  // namespace aicache
