#include "actors/hand_over.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "actors/errors.hpp"

namespace aicache {

namespace {
constexpr duration page_patience{1'000};
constexpr std::uint64_t handed_bytes = std::uint64_t{1} << 20;
}  // namespace

hand_over_actor::behavior_type hand_over_state::start(hand_over_setup setup) {
  take_no_offence(self_);
  setup_ = std::move(setup);
  owners_ = owners_of(setup_.view);
  until_ = self_->clock().now() + setup_.patience;
  return {[this](begin_hand_over) -> caf::result<handed_over> {
    asked_ = self_->make_response_promise<handed_over>();
    next_step();
    return asked_;
  }};
}

void hand_over_state::next_step() {
  while (shard_ < setup_.shards.size() && !setup_.shards[shard_]) ++shard_;
  if (shard_ >= setup_.shards.size() || owners_.empty() || self_->clock().now() >= until_) return end();
  self_->request(setup_.shards[shard_], page_patience, walk_request{from_, handed_bytes})
      .then(
          [this](walked& w) {
            if (!w.step || w.step->over) return end();
            from_ = w.step->next;
            if (w.step->done) {
              ++shard_;
              from_ = {};
            }
            give(std::move(w.step->page));
          },
          [this](const caf::error&) { end(); });
}

// Only what lies there raw: that is what was hot, and costs nobody any work.
void hand_over_state::give(transfer_page page) {
  std::vector<transfer_page> parts(setup_.view.nodes.size());
  open_ = 1;
  const auto one = [this] {
    if (--open_ == 0) next_step();
  };
  const auto send = [&](std::size_t to) {
    transfer_page part = std::exchange(parts[to], {});
    part.names = page.names;
    const auto taker = setup_.takers.find(setup_.view.nodes[to].name);
    if (taker == setup_.takers.end()) return;
    ++open_;
    self_->request(taker->second, page_patience, import_request{{}, std::move(part)})
        .then(
            [this, one](const import_reply& r) {
              taken_ += static_cast<std::uint64_t>(
                  std::count_if(r.results.begin(), r.results.end(), [](const import_result& i) {
                    return i.status == import_status::stored || i.status == import_status::replaced;
                  }));
              one();
            },
            [this, one, member = taker->first](const caf::error&) {
              setup_.takers.erase(member);
              one();
            });
  };
  for (transfer_item& item : page.items) {
    if (item.value->codec() != blob_codec::raw) continue;
    const std::size_t to = owners_[range_of(item.id.key())];
    parts[to].items.push_back(std::move(item));
    if (parts[to].items.size() >= setup_.page_entries) send(to);
  }
  for (std::size_t to = 0; to < parts.size(); ++to)
    if (!parts[to].items.empty()) send(to);
  one();
}

void hand_over_state::end() {
  asked_.deliver(handed_over{taken_});
  self_->quit();
}

}  // namespace aicache
