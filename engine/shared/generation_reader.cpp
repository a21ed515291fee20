#include "engine/shared/generation_reader.hpp"

#include <algorithm>

namespace aicache {

void generation_reader::begin() {
  first_page_ = true;
  whole_ = doubted_;
  renumbered_ = false;
  since_ = doubted_ ? 0 : learned_;
  known_ = learned_;
  had_ = highest_;
  seen_.clear();
  ambiguous_.clear();
}

bool generation_reader::learn_next(generation g) noexcept {
  highest_ = std::max(highest_, g);
  if (doubted_ || g > learned_ + 1) return false;
  learned_ = std::max(learned_, g);
  return true;
}

bool generation_reader::is_doubtful(const generations_page& p, std::uint64_t outage) const {
  if (p.newest < had_) return true;
  if (!ever_read_) return false;
  return p.run != last_.run || (p.run.empty() && outage != last_.outage) || p.restored != last_.restored ||
         p.scopes < last_.scopes || p.keys < last_.keys || p.floor < last_.floor || p.key_floor < last_.key_floor;
}

generation_reader::step generation_reader::read(const redis_reply& reply, std::uint64_t outage, generation_book& book,
                                                news& out) {
  out = {};
  generations_page p;
  if (!generation_commands::read_page(reply, p)) return step::unreadable;
  if (first_page_) {
    if (!whole_ && is_doubtful(p, outage)) {
      doubted_ = true;
      begin();
      return step::more;
    }
    first_page_ = false;
    begun_ = {p.run, p.restored, 0, 0, 0, 0, outage};
  }
  // In doubt the floor may have been reached by other keys under numbers that we thought we knew.
  out.lost_track = p.key_floor > std::max(known_, since_) || (whole_ && ever_read_ && p.key_floor > last_.key_floor);
  apply(p, book, out);
  since_ = p.through;
  if (p.through < p.newest) return step::more;
  if (whole_ && (p.newest < had_ || renumbered_ || is_missing(p, book))) {
    out.twice.insert(out.twice.end(), ambiguous_.begin(), ambiguous_.end());
    return step::lost;
  }
  doubted_ = false;
  ever_read_ = true;
  learned_ = std::max(learned_, p.through);
  highest_ = std::max(highest_, learned_);
  last_ = {begun_.run, begun_.restored, p.scopes, p.keys, p.floor, p.key_floor, begun_.outage};
  seen_.clear();
  return step::done;
}

void generation_reader::apply(const generations_page& p, generation_book& book, news& out) {
  for (const numbered_scope& s : p.raised) {
    highest_ = std::max(highest_, s.number);
    if (whole_) seen_[s.what] = s.number;
    const generation own = book.own(s.what);
    if (whole_ && s.number <= known_ && own != s.number) {
      const bool forgotten = s.number <= (s.what.kind == scope_kind::key ? book.keys_forgotten() : book.floor());
      (own > s.number || forgotten ? ambiguous_ : out.twice).push_back(s.what);
    }
    // The floor says nothing here: it may have risen by what this book alone has forgotten.
    if (own < s.number) out.raised.push_back(s);
  }
  std::sort(out.raised.begin(), out.raised.end(),
            [](const numbered_scope& a, const numbered_scope& b) { return a.number < b.number; });
  // In order, so that what a book over its limit forgets is what is oldest.
  for (const numbered_scope& s : out.raised) book.raise(s.what, s.number);
  renumbered_ = renumbered_ || !out.twice.empty();
  if (p.floor > floor_) book.raise_floor(out.floor = floor_ = p.floor);
}

bool generation_reader::is_missing(const generations_page& p, const generation_book& book) const {
  bool missing = false;
  book.for_each_after(0, [&](const scope& s, generation g) {
    // What came while it was read may be in none of its pages.
    if (g > had_ || g <= (s.kind == scope_kind::key ? p.key_floor : p.floor)) return;
    const auto at = seen_.find(s);
    missing = missing || at == seen_.end() || at->second < g;
  });
  return missing;
}

std::vector<link_command> generation_reader::restore(const generation_book& book) const {
  std::vector<numbered_scope> all;
  book.for_each_after(0, [&](const scope& s, generation g) { all.push_back({s, g}); });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  // Erased keys may be back with what an old snapshot held, and of those that the book has forgotten nobody knows the
  // names: what was born before them is given up.
  const generation floor = std::max(book.floor(), book.keys_forgotten());
  return commands_.restore(highest_, floor, std::max(last_.key_floor, book.keys_forgotten()), all);
}

}  // namespace aicache
