#include "engine/shared/sweep_core.hpp"

#include <algorithm>
#include <utility>

#include "engine/codec/envelope_head.hpp"
#include "engine/shared/redis_key.hpp"

namespace aicache {

std::uint64_t sweep_core::add(sweep_request r) {
  const auto from = queue_.begin() + (begun_ ? 1 : 0);
  const auto same = std::find_if(from, queue_.end(), [&](const job& j) { return j.request.what == r.what; });
  if (same != queue_.end()) return same->number;
  const auto waiting = static_cast<std::size_t>(queue_.end() - from);
  if (waiting >= options_.waiting) {
    // The last of the line goes over everything, for itself and all who come after it.
    queue_.back().request = {};
    return queue_.back().number;
  }
  queue_.push_back({++last_number_, std::move(r), 0});
  return last_number_;
}

void sweep_core::link(bool reachable, std::uint32_t masters) noexcept {
  if (!reachable || masters < masters_) {
    if (out_) {
      stale_ = true;
    } else {
      restart_master();
    }
  }
  masters_ = std::max(masters, 1U);
  master_ = std::min(master_, masters_ - 1);
  reachable_ = reachable;
  failures_ = 0;
}

void sweep_core::restart_master() noexcept {
  step_ = step::scan;
  cursor_.assign(1, '0');
  keys_.clear();
}

instant sweep_core::due() const noexcept {
  return queue_.empty() || out_ || paused_ || !reachable_ ? never : rest_until_;
}

std::vector<link_command> sweep_core::next(instant now) {
  std::vector<link_command> commands;
  if (now < due()) return commands;
  if (!begun_) {
    begun_ = true;
    master_ = 0;
    restart_master();
  }
  const auto& r = queue_.front().request;
  switch (step_) {
    case step::scan:
      commands.push_back({{"SCAN", cursor_, "MATCH", redis_pattern(options_.prefix, r.tenant, r.operation), "COUNT",
                           std::to_string(options_.batch)},
                          "",
                          static_cast<std::int32_t>(master_)});
      break;
    case step::examine:
      for (const std::string& key : keys_)
        commands.push_back({{"GETRANGE", key, "0", std::to_string(envelope_head_bytes - 1)}, key, -1});
      break;
    case step::remove:
      for (const std::string& key : keys_) commands.push_back({{"UNLINK", key}, key, -1});
      break;
  }
  out_ = true;
  return commands;
}

std::optional<sweep_core::finished> sweep_core::replied(std::span<const link_reply> replies,
                                                        const generation_book& book, instant now) {
  if (!std::exchange(out_, false) || queue_.empty()) return {};
  // What UNLINK removed is counted whatever became of the step as a whole.
  if (step_ == step::remove) {
    for (const link_reply& r : replies) {
      if (!r.answered || r.reply.what != redis_reply::kind::integer || r.reply.integer <= 0) continue;
      counted_.removed += static_cast<std::uint64_t>(r.reply.integer);
      queue_.front().removed += static_cast<std::uint64_t>(r.reply.integer);
    }
  }
  if (std::exchange(stale_, false)) {
    restart_master();
    return {};
  }
  const bool whole = std::all_of(replies.begin(), replies.end(), [](const link_reply& r) { return r.answered; });
  if (!whole || replies.empty()) return failed(now);
  switch (step_) {
    case step::scan: return scanned(replies.front(), now);
    case step::examine:
      if (replies.size() != keys_.size()) return failed(now);
      failures_ = 0;
      examined(replies, book);
      if (keys_.empty()) return rested(now);
      step_ = step::remove;
      return {};
    case step::remove:
      if (std::any_of(replies.begin(), replies.end(), [](const auto& r) { return r.reply.is_error(); })) {
        return failed(now);
      }
      return rested(now);
  }
  return {};
}

std::optional<sweep_core::finished> sweep_core::failed(instant now) {
  restart_master();
  rest_until_ = now + options_.retry;
  return ++failures_ < options_.patience ? std::nullopt : end(false);
}

std::optional<sweep_core::finished> sweep_core::scanned(const link_reply& r, instant now) {
  const auto& parts = r.reply.elements;
  if (parts.size() != 2 || parts[0].text.empty() || parts[1].what != redis_reply::kind::array) return failed(now);
  cursor_ = parts[0].text;
  keys_.clear();
  for (const redis_reply& key : parts[1].elements) keys_.push_back(key.text);
  counted_.scanned += keys_.size();
  if (keys_.empty()) {
    failures_ = 0;
    return rested(now);
  }
  step_ = step::examine;
  return {};
}

void sweep_core::examined(std::span<const link_reply> replies, const generation_book& book) {
  std::vector<std::string> dead;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const redis_reply& head = replies[i].reply;
    // Gone meanwhile.
    if (head.what == redis_reply::kind::bulk && head.text.empty()) continue;
    if (is_dead(keys_[i], head.what == redis_reply::kind::bulk ? head.text : std::string_view{}, book)) {
      dead.push_back(std::move(keys_[i]));
    }
  }
  keys_ = std::move(dead);
}

bool sweep_core::is_dead(const std::string& key, std::string_view head, const generation_book& book) {
  envelope_head envelope;
  redis_key_parts name;
  if (!read_envelope_head(head, envelope) || !parse_redis_key(options_.prefix, key, name)) {
    ++counted_.foreign;
    return false;
  }
  const generation_list& list = envelope.generations;
  std::vector<scope> scopes{scope{}, scope_of_tenant(name.tenant), scope_of_operation(name.operation),
                            scope_of_key(name.id.key())};
  for (std::size_t i = 1; i < list.size(); ++i) scopes.push_back(scope_of_tag(list[i]));
  return !book.is_alive(list.size() == 0 ? 0 : list[0], scopes);
}

std::optional<sweep_core::finished> sweep_core::rested(instant now) {
  rest_until_ = now + options_.pause;
  step_ = step::scan;
  keys_.clear();
  if (cursor_ != "0") return {};
  ++counted_.masters;
  if (++master_ < masters_) return {};
  ++counted_.sweeps;
  return end(true);
}

std::optional<sweep_core::finished> sweep_core::end(bool complete) {
  const finished f{queue_.front().number, queue_.front().removed, complete};
  queue_.pop_front();
  begun_ = false;
  failures_ = 0;
  return f;
}

}  // namespace aicache
