#include <algorithm>
#include <utility>

#include "engine/shared/invalidation_core.hpp"

// What an invalidation_core asks of Redis, and makes of the replies.
namespace aicache {

void invalidation_core::link_changed(bool reachable, std::uint32_t masters, std::uint64_t outages, instant now,
                                     effects& out) {
  if (options_.alone) return;
  // An outage that nobody told us of has closed the gate as well.
  if (!reachable || outages != outages_) became_unavailable(out);
  reachable_ = reachable;
  masters_ = std::max(masters, 1U);
  outages_ = outages;
  next_read_ = next_number_ = now;
  sweeps_.link(reachable, masters);
  advance(now, out);
  finish_calls(now, out);
}

void invalidation_core::became_unavailable(effects& out) {
  outage_read_ = UINT64_MAX;
  if (std::exchange(available_, false)) tell_newest(out);
  keep(out);
  for (auto& [ticket, c] : calls_) {
    if (c.number == number_state::open) c.number = number_state::failed;
    if (c.sweep_number == 0) continue;
    c.in_redis = sweeps_.removed_by(c.sweep_number);
    c.wait = false;
  }
}

void invalidation_core::ask(purpose why, std::vector<link_command> commands, instant now, effects& out) {
  asked_.emplace(++last_ticket_, question{why, now});
  out.push_back(run_commands{last_ticket_, std::move(commands)});
}

bool invalidation_core::is_under_way(purpose why) const {
  return std::any_of(asked_.begin(), asked_.end(), [why](const auto& q) { return q.second.why == why; });
}

void invalidation_core::advance(instant now, effects& out) {
  if (!reachable_) return;
  if (!reader_.is_doubted() && journal_.is_waiting() && !journal_.in_flight() && now >= next_number_) {
    sent_at_ = reader_.highest();
    ask(purpose::number, {commands_.invalidate(journal_.take(options_.batch))}, now, out);
  }
  if (is_reading_due(now)) {
    read_wanted_ = false;
    reading_since_ = now;
    outage_reading_ = outages_;
    reader_.begin();
    ++counted_.reread;
    ask(purpose::read, {reader_.next_page()}, now, out);
  }
  open_if_current(now, out);
  if (sweep_all_ && available_ && journal_.nothing_kept()) {
    sweep_all_ = false;
    sweeps_.add({});
  }
  if (auto step = sweeps_.next(now); !step.empty()) ask(purpose::sweep, std::move(step), now, out);
}

bool invalidation_core::is_reading_due(instant now) const {
  if (now < next_read_ || is_under_way(purpose::read) || is_under_way(purpose::restore)) return false;
  if (reader_.is_doubted()) return true;
  // After an outage the replay comes first.
  if (outage_read_ != outages_) return journal_.nothing_kept();
  // Ticks come every eighth of a lease: so a reading is never later than half of it.
  return read_wanted_ || now - reading_since_ >= options_.lease * 3 / 8;
}

void invalidation_core::open_if_current(instant now, effects& out) {
  if (available_ || reader_.is_doubted() || outage_read_ != outages_ || !journal_.nothing_kept()) return;
  if (now - read_at_ > options_.lease) return;
  available_ = true;
  tell_newest(out);
  out.push_back(open_gate{outages_});
}

// -- replies -----------------------------------------------------------------

void invalidation_core::replied(std::uint64_t ticket, std::span<const link_reply> replies, instant now, effects& out) {
  const auto at = asked_.find(ticket);
  if (at == asked_.end()) return;
  const purpose why = at->second.why;
  asked_.erase(at);
  switch (why) {
    case purpose::number: on_number(replies, now, out); break;
    case purpose::read: on_page(replies, now, out); break;
    case purpose::restore: on_restored(replies, now); break;
    case purpose::sweep: on_swept(replies, now); break;
  }
  advance(now, out);
  finish_calls(now, out);
}

void invalidation_core::on_number(std::span<const link_reply> replies, instant now, effects& out) {
  const bool answered = !replies.empty() && replies.front().answered;
  const generation g = answered ? generation_commands::number_in(replies.front().reply) : 0;
  if (g == 0) {
    if (answered && !std::exchange(refusing_, true)) out.push_back(remark::refused);
    next_number_ = now + options_.lease / 8;
    return numbers_failed(out);
  }
  refusing_ = false;
  if (g <= sent_at_) {
    // This number was given before: Redis has forgotten that.
    reader_.doubt();
    return numbers_failed(out);
  }
  numbers_came(g, out);
}

void invalidation_core::numbers_failed(effects& out) {
  journal_.failed();
  keep(out);
  for (auto& [ticket, c] : calls_)
    if (c.number == number_state::open) c.number = number_state::failed;
}

void invalidation_core::numbers_came(generation g, effects& out) {
  counted_.replayed += journal_.kept_in_flight();
  std::vector<numbered_scope> settled;
  for (const scope& s : journal_.batch()) book_.raise(s, g);
  for (const scope& s : journal_.numbered()) {
    settled.push_back({s, g});
    if (const auto at = unswept_.find(s); at != unswept_.end()) {
      sweeps_.add(std::move(at->second));
      unswept_.erase(at);
    }
  }
  tell_raised(settled, true, -1, out);
  const generation before = reader_.learned();
  if (!reader_.learn_next(g)) read_wanted_ = true;
  if (reader_.learned() != before) tell_newest(out);
  for (auto& [ticket, c] : calls_) {
    if (c.number != number_state::open || c.place > journal_.numbered_through()) continue;
    c.number = number_state::done;
    c.sweep_number = sweeps_.add(c.sweep);
  }
  if (journal_.nothing_kept() && std::exchange(written_, false)) out.push_back(journal_clear{});
}

void invalidation_core::on_page(std::span<const link_reply> replies, instant now, effects& out) {
  generation_reader::news news;
  const generation before = reader_.learned();
  const auto step = replies.empty() || !replies.front().answered
                        ? generation_reader::step::unreadable
                        : reader_.read(replies.front().reply, outage_reading_, book_, news);
  if (step == generation_reader::step::unreadable) {
    next_read_ = now + options_.lease / 8;
    read_wanted_ = true;
    return;
  }
  tell_news(news, out);
  switch (step) {
    case generation_reader::step::unreadable: break;
    case generation_reader::step::more: ask(purpose::read, {reader_.next_page()}, now, out); break;
    case generation_reader::step::lost:
      ++counted_.restored;
      out.push_back(remark::generations_lost);
      ask(purpose::restore, reader_.restore(book_), now, out);
      break;
    case generation_reader::step::done:
      read_at_ = reading_since_;
      outage_read_ = outage_reading_;
      if (available_ && reader_.learned() != before) tell_newest(out);
      break;
  }
}

void invalidation_core::tell_news(const generation_reader::news& n, effects& out) {
  if (n.floor != 0 || n.lost_track) out.push_back(tell_shards{-1, 0, unnumbered, false, n.lost_track, n.floor, {}});
  std::vector<numbered_scope> heard;
  // What is open here is dead in the shards until it gets a number that is higher still.
  std::copy_if(n.raised.begin(), n.raised.end(), std::back_inserter(heard),
               [this](const numbered_scope& s) { return !journal_.is_open(s.what); });
  counted_.heard += heard.size();
  tell_raised(heard, false, -1, out);
  for (const scope& s : n.twice) {
    tell(s, unnumbered, false, out);
    open_scope(s, out);
  }
  if (!n.twice.empty()) keep(out);
}

void invalidation_core::on_restored(std::span<const link_reply> replies, instant now) {
  const bool told = !replies.empty() && std::all_of(replies.begin(), replies.end(), [](const link_reply& r) {
    return r.answered && generation_commands::number_in(r.reply) != 0;
  });
  // A Redis that loses what it was told a moment ago is not told again without a pause.
  next_read_ = told && now - last_restore_ > options_.lease ? now : now + options_.lease / 8;
  last_restore_ = now;
}

void invalidation_core::on_swept(std::span<const link_reply> replies, instant now) {
  const auto ended = sweeps_.replied(replies, book_, now);
  if (!ended) return;
  for (auto& [ticket, c] : calls_) {
    if (c.sweep_number != ended->sweep) continue;
    c.in_redis = ended->removed;
    c.swept = ended->complete;
    c.wait = false;
  }
}

// -- what is heard, and time -------------------------------------------------

void invalidation_core::announced(std::string_view text, instant now, effects& out) {
  if (options_.alone) return;
  generation_announcement a;
  const bool sound = generation_commands::read_announcement(text, a);
  if (sound && a.number != 0 && a.number <= reader_.learned()) return;
  if (sound && a.number != 0 && reader_.learn_next(a.number)) {
    generation_reader::news news;
    for (const scope& s : a.scopes) {
      book_.raise(s, a.number);
      news.raised.push_back({s, a.number});
    }
    // The shards of this node have been told of what it did itself, and get the number with the reply.
    if (a.origin != options_.origin) tell_news(news, out);
    tell_newest(out);
  } else {
    read_wanted_ = true;
  }
  advance(now, out);
}

void invalidation_core::subscribed(instant now, effects& out) {
  read_wanted_ = true;
  advance(now, out);
}

void invalidation_core::pause_sweeps(bool paused, instant now, effects& out) {
  sweeps_.pause(paused);
  advance(now, out);
}

void invalidation_core::tick(instant now, effects& out) {
  std::vector<std::uint64_t> overdue;
  for (const auto& [ticket, q] : asked_)
    if (now - q.asked >= options_.reply_deadline) overdue.push_back(ticket);
  for (const std::uint64_t ticket : overdue) replied(ticket, {}, now, out);
  if (available_ && now - read_at_ > options_.lease) {
    available_ = false;
    out.push_back(close_gate{});
    tell_newest(out);
    out.push_back(remark::lease_lost);
  }
  advance(now, out);
  finish_calls(now, out);
}

}  // namespace aicache
