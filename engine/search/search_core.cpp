#include "engine/search/search_core.hpp"

#include <algorithm>
#include <utility>

#include "engine/client/response.hpp"
#include "engine/codec/envelope_head.hpp"
#include "engine/search/glob.hpp"
#include "engine/shared/redis_key.hpp"

namespace aicache {

namespace {

constexpr unsigned most_restarts = 3;  // of one shard's walk

// A command that Redis refuses for what lies under its key (it is none of ours) is answered as well.
bool is_whole(std::span<const link_reply> replies, std::size_t wanted) {
  return replies.size() == wanted && std::all_of(replies.begin(), replies.end(), [](const link_reply& r) {
           const redis_trouble t = trouble_of(r.reply);
           return r.answered && (t == redis_trouble::none || t == redis_trouble::refused);
         });
}

}  // namespace

search_core::search_core(options o, search_request r)
    : options_(std::move(o)),
      wanted_(std::move(r)),
      page_(wanted_.after, wanted_.limit, options_.page_bytes),
      identifier_(options_.names),
      codec_(options_.codec, options_.keys) {}

search_core::step search_core::begin() {
  if (!options_.shared) return end_redis(true);
  state_ = state::sharing;
  return ask_alive{};
}

std::optional<identity> search_core::identity_of(std::string_view name) {
  const auto who = identifier_.identify_generic(wanted_.tenant, name);
  return who ? std::optional{who->id} : std::nullopt;
}

// -- Redis -------------------------------------------------------------------

search_core::step search_core::end_redis(bool complete) {
  result_.all_of_redis = complete;
  keys_.clear();
  seen_.clear();
  return search_memory();
}

search_core::step search_core::scan() {
  state_ = state::scanning;
  const std::string pattern = wanted_.what
                                  ? redis_pattern(options_.prefix, wanted_.what->tenant, wanted_.what->operation)
                                  : redis_pattern(options_.prefix, wanted_.tenant, generic_operation);
  return ask_redis{{{{"SCAN", cursor_, "MATCH", pattern, "COUNT", std::to_string(options_.batch)},
                     "",
                     static_cast<std::int32_t>(master_)}}};
}

search_core::step search_core::go_on_in_redis() {
  if (read_through_ < keys_.size()) return read_group();
  if (cursor_ != "0") return scan();
  if (++master_ < masters_) return scan();
  return end_redis(true);
}

search_core::step search_core::scanned(const link_reply& r) {
  const auto& parts = r.reply.elements;
  if (parts.size() != 2 || parts[0].text.empty()) return end_redis(false);
  cursor_ = parts[0].text;
  keys_.clear();
  for (const redis_reply& key : parts[1].elements) keys_.push_back(key.text);
  read_through_ = keys_.size();
  if (keys_.empty()) return go_on_in_redis();
  ask_redis next;
  for (const std::string& key : keys_)
    next.commands.push_back(wanted_.what
                                ? link_command{{"GETRANGE", key, "0", std::to_string(envelope_head_bytes - 1)}, key}
                                : link_command{{"STRLEN", key}, key});
  state_ = wanted_.what ? state::reading_heads : state::measuring;
  return next;
}

search_core::step search_core::read_group() {
  ask_redis next;
  std::uint64_t bytes = 0;
  for (group_ = 0; read_through_ + group_ < keys_.size(); ++group_) {
    bytes += sizes_[read_through_ + group_];
    if (group_ > 0 && bytes > options_.group_bytes) break;
    const std::string& key = keys_[read_through_ + group_];
    next.commands.push_back({{"GET", key}, key});
  }
  state_ = state::reading;
  return next;
}

search_core::step search_core::redis(std::span<const link_reply> replies, instant now) {
  candidates_.clear();
  switch (state_) {
    case state::scanning:
      if (!is_whole(replies, 1)) return end_redis(false);
      return scanned(replies.front());
    case state::measuring:
      if (!is_whole(replies, keys_.size())) return end_redis(false);
      sizes_.clear();
      for (const link_reply& r : replies)
        sizes_.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(r.reply.integer, 0)));
      read_through_ = 0;
      return read_group();
    case state::reading_heads:
      if (!is_whole(replies, keys_.size())) return end_redis(false);
      for (std::size_t i = 0; i < replies.size(); ++i) take_head(keys_[i], replies[i].reply.text, now);
      return judge();
    case state::reading:
      if (!is_whole(replies, group_)) return end_redis(false);
      for (std::size_t i = 0; i < group_; ++i) take_value(keys_[read_through_ + i], replies[i].reply.text, now);
      read_through_ += group_;
      return judge();
    default: return failed();
  }
}

// The scopes that an entry in Redis belongs to.
static shared_entry entry_of(const redis_key_parts& name, generation born) {
  return {born,
          {scope{}, scope_of_tenant(name.tenant), scope_of_operation(name.operation), scope_of_key(name.id.key())}};
}

void search_core::take_value(const std::string& redis_key, std::string_view bytes, instant now) {
  redis_key_parts name;
  if (bytes.empty() || !parse_redis_key(options_.prefix, redis_key, name)) return;
  const auto opened = codec_.open(bytes, name.id, keep_packed::no);
  if (!opened || opened->expires <= now) return;
  const std::string_view key = attribute_of(*opened->value, attribute::key);
  if (key.empty() || !glob_match(wanted_.pattern, key) || identity_of(key) != name.id) return;
  candidate c{name.id, std::string(key), entry_of(name, opened->born)};
  for (const std::uint64_t tag : opened->tags) c.about.scopes.push_back(scope_of_tag(tag));
  candidates_.push_back(std::move(c));
}

void search_core::take_head(const std::string& redis_key, std::string_view bytes, instant now) {
  redis_key_parts name;
  envelope_head head;
  if (!parse_redis_key(options_.prefix, redis_key, name) || !read_envelope_head(bytes, head)) return;
  if (head.expires <= now || !is_meant(name.tenant, name.operation, head.generations)) return;
  candidate c{name.id, {}, entry_of(name, head.generations.size() == 0 ? 0 : head.generations[0])};
  for (std::size_t i = 1; i < head.generations.size(); ++i) c.about.scopes.push_back(scope_of_tag(head.generations[i]));
  candidates_.push_back(std::move(c));
}

bool search_core::is_meant(const std::string& tenant, const std::string& operation, const generation_list& tags) const {
  const sweep_request& r = *wanted_.what;
  if ((r.tenant && *r.tenant != tenant) || (r.operation && *r.operation != operation)) return false;
  if (r.what.kind != scope_kind::tag) return true;
  for (std::size_t i = 1; i < tags.size(); ++i)
    if (tags[i] == r.what.name.lo) return true;
  return false;
}

search_core::step search_core::judge() {
  if (candidates_.empty()) return go_on_in_redis();
  state_ = state::judging;
  ask_alive next;
  for (candidate& c : candidates_) next.entries.push_back(std::move(c.about));
  return next;
}

search_core::step search_core::alive(bool available, std::uint32_t masters, const std::vector<bool>& alive) {
  if (!available) return end_redis(false);
  if (state_ == state::sharing) {
    masters_ = masters;
    return scan();
  }
  if (alive.size() != candidates_.size()) return end_redis(false);
  found_.clear();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!alive[i]) continue;
    const candidate& c = candidates_[i];
    if (wanted_.purpose == search_purpose::list) {
      page_.add(c.name);
    } else if (seen_.insert(c.id.key()).second) {
      ++result_.in_redis;
      found_.push_back(c.id);
    }
  }
  if (wanted_.purpose != search_purpose::erase || found_.empty()) return go_on_in_redis();
  state_ = state::counting;
  return count_in_memory{found_};
}

search_core::step search_core::counted(std::uint64_t entries) {
  result_.in_memory += entries;
  state_ = state::erasing_shared;
  return erase{found_};
}

// -- memory ------------------------------------------------------------------

search_core::step search_core::search_memory() {
  if (shard_ >= options_.shards) {
    state_ = state::ended;
    result_.more = page_.has_more();
    result_.keys = page_.take();
    return end{std::move(result_)};
  }
  state_ = state::searching;
  memory_search next;
  next.from = from_.value_or(memory_cursor{});
  if (wanted_.what) {
    next.what = wanted_.what->what;
  } else {
    next.tag = generic_tag(wanted_.tenant);
    next.pattern = wanted_.pattern;
  }
  return ask_shard{shard_, std::move(next)};
}

search_core::step search_core::go_on_in_memory() {
  if (!from_) {
    ++shard_;
    restarts_ = 0;
  }
  return search_memory();
}

search_core::step search_core::memory(const memory_found& found) {
  if (state_ != state::searching) return failed();
  if (found.lost) {
    if (++restarts_ > most_restarts) return failed();
    from_.reset();
    return search_memory();
  }
  from_ = found.next;
  found_.clear();
  for (const found_entry& e : found.entries) {
    std::optional<identity> id;
    if (!wanted_.what) {
      id = identity_of(e.name);
      if (!id || id->key() != e.key) continue;
    }
    if (wanted_.purpose == search_purpose::list) {
      page_.add(e.name);
    } else if (seen_.insert(e.key).second) {
      ++result_.in_memory;
      if (id) found_.push_back(*id);
    }
  }
  if (wanted_.purpose != search_purpose::erase || found_.empty()) return go_on_in_memory();
  state_ = state::erasing;
  return erase{found_};
}

search_core::step search_core::erased(bool all) {
  if (!all) result_.why = errc::unavailable;
  return state_ == state::erasing_shared ? go_on_in_redis() : go_on_in_memory();
}

search_core::step search_core::failed() {
  switch (state_) {
    case state::counting: return counted(0);
    case state::erasing_shared:
    case state::erasing: return erased(false);
    case state::searching:
    case state::ended:
      result_.why = errc::unavailable;
      from_.reset();
      return go_on_in_memory();
    default: return end_redis(false);
  }
}

}  // namespace aicache
