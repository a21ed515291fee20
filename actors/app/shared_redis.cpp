#include "actors/app/shared_redis.hpp"

#include <algorithm>
#include <utility>

#include "actors/sharing.hpp"

namespace aicache::app {

namespace {
constexpr std::size_t keys_of_a_scan = 256;
constexpr std::size_t envelope_room = std::size_t{1} << 20;  // that an envelope may take beside its answer
}  // namespace

outcome<std::unique_ptr<shared_redis>> shared_redis::open(const config::sources& from) {
  config::loaded settings = config::load(from);
  if (!settings.problems.empty()) return fault{errc::invalid_argument, config::render(settings.problems)};
  if (settings.value.redis.url.empty())
    return fault{errc::invalid_argument,
                 "the settings name no Redis: say --config FILE, --set redis.url=URL, or set "
                 "AICACHE_REDIS_URL, as for the node"};
  // The journal is the node's.
  settings.value.invalidation.journal_file.clear();
  sharing_options how;
  if (const auto problems = read_sharing(settings.value, 1, how); !problems.empty())
    return fault{errc::invalid_argument, config::render(problems)};
  const std::uint64_t largest = settings.value.limits.value_bytes;
  auto source = legacy_source::connect(how.link.how.address, how.link.how.tls, largest + envelope_room);
  if (!source) return source.why();
  shared_codec::options o;
  o.largest = largest;
  std::unique_ptr<shared_redis> redis(new shared_redis(std::move(*source), o, how.keys));
  redis->prefix_ = settings.value.redis.prefix;
  redis->where_ = how.link.how.address.printable();
  return redis;
}

outcome<std::string> shared_redis::scan(const std::string& cursor, std::vector<std::string>& keys) {
  auto found = source_->scan(cursor, redis_pattern(prefix_, std::nullopt, std::nullopt), keys_of_a_scan);
  if (!found) return found.why();
  keys = std::move(found->keys);
  std::erase_if(keys, [&](const std::string& key) {
    redis_key_parts parts;
    return !parse_redis_key(prefix_, key, parts);
  });
  return std::move(found->cursor);
}

outcome<void> shared_redis::read(std::span<const std::string> keys,
                                 const std::function<void(std::size_t, shared_entry&)>& take) {
  for (std::size_t from = 0; from < keys.size(); from += keys_of_a_scan) {
    const auto some = keys.subspan(from, std::min(keys_of_a_scan, keys.size() - from));
    auto done = source_->read(some, [&](std::size_t place, legacy_entry& found) {
      shared_entry e;
      static_cast<void>(parse_redis_key(prefix_, some[place], e.name));
      e.left = found.left;
      if (found.what == legacy_entry::state::foreign) e.what = shared_entry::state::unreadable;
      if (found.what == legacy_entry::state::found) {
        auto opened = codec_.open(found.value, e.name.id, keep_packed::no);
        e.what = opened ? shared_entry::state::found : shared_entry::state::unreadable;
        if (opened) e.answer = std::move(*opened);
      }
      take(from + place, e);
    });
    if (!done) return done;
  }
  return {};
}

}  // namespace aicache::app
