#include <algorithm>
#include <memory>
#include <utility>

#include "actors/errors.hpp"
#include "actors/front.hpp"

// A whole cache on its way through the front: out, page by page; and in, each entry to the shard that owns its key.
namespace aicache {

namespace {
constexpr std::uint64_t page_bytes = std::uint64_t{1} << 20;
constexpr duration shard_patience{10'000};
constexpr duration worker_patience{60'000};
}  // namespace

// The shard hands out what lies there; a worker unpacks it. No shard waits for an export.
caf::result<export_reply> front_state::export_page(const export_request& m) {
  const auto all = static_cast<std::uint32_t>(shards_.size());
  if (m.shard >= all) return export_reply{errc::invalid_argument, all, {}};
  if (!shards_[m.shard].handle) return export_reply{errc::unavailable, all, {}};
  auto promise = self_->make_response_promise<export_reply>();
  const auto failed = [promise, all](const caf::error&) mutable {
    promise.deliver(export_reply{errc::unavailable, all, {}});
  };
  const std::uint64_t bytes = m.bytes == 0 ? page_bytes : std::min(m.bytes, page_bytes);
  const codec_worker_actor worker = workers_[next_worker_++ % workers_.size()];
  self_->request(shards_[m.shard].handle, shard_patience, walk_request{m.from, bytes})
      .then(
          [this, promise, all, failed, worker](walked& w) mutable {
            const auto is_packed = [](const transfer_item& i) { return i.value->codec() != blob_codec::raw; };
            if (!w.step || std::none_of(w.step->page.items.begin(), w.step->page.items.end(), is_packed)) {
              promise.deliver(w.step ? export_reply{errc::none, all, std::move(*w.step)}
                                     : export_reply{errc::overloaded, all, {}});
              return;
            }
            self_->request(worker, worker_patience, std::move(w))
                .then(
                    [promise, all](walked& unpacked) mutable {
                      promise.deliver(export_reply{errc::none, all, std::move(*unpacked.step)});
                    },
                    failed);
          },
          failed);
  return promise;
}

caf::result<import_reply> front_state::import_page(const import_request& m) {
  if (m.page.items.size() > options_.limits.batch_keys) return import_reply{errc::too_large, {}};
  if (draining_) return import_reply{errc::shutting_down, {}};
  struct gathering {
    import_reply all;
    std::size_t open = 0;
  };
  struct share {
    std::shared_ptr<transfer_page> page = std::make_shared<transfer_page>();
    std::vector<std::size_t> places;
  };
  std::vector<share> shares(shards_.size());
  for (std::size_t i = 0; i < m.page.items.size(); ++i) {
    share& s = shares[shard_of(m.page.items[i].id.key(), static_cast<std::uint32_t>(shards_.size()))];
    s.page->items.push_back(m.page.items[i]);
    s.places.push_back(i);
  }
  auto g = std::make_shared<gathering>();
  g->all.results.resize(m.page.items.size());
  g->open = static_cast<std::size_t>(
      std::count_if(shares.begin(), shares.end(), [](const share& s) { return !s.places.empty(); }));
  if (g->open == 0) return std::move(g->all);
  auto promise = self_->make_response_promise<import_reply>();
  // What some shards took in stays taken: who asks again is told that it is present.
  const auto one = [g, promise](errc why) mutable {
    if (why != errc::none) g->all.why = why;
    if (--g->open > 0) return;
    if (g->all.why != errc::none) g->all.results.clear();
    promise.deliver(std::move(g->all));
  };
  for (std::size_t n = 0; n < shares.size(); ++n) {
    if (shares[n].places.empty()) continue;
    auto finished = one;
    if (!shards_[n].handle) {
      finished(errc::unavailable);
      continue;
    }
    shares[n].page->names = m.page.names;
    self_->request(shards_[n].handle, shard_patience, import_entries{m.rules, shares[n].page})
        .then(
            [g, finished, places = std::move(shares[n].places)](const imported& done) mutable {
              for (std::size_t i = 0; i < places.size() && i < done.results.size(); ++i)
                g->all.results[places[i]] = done.results[i];
              finished(done.why);
            },
            [finished](const caf::error&) mutable { finished(errc::unavailable); });
  }
  return promise;
}

}  // namespace aicache
