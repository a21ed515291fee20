#include <utility>

#include "actors/shard.hpp"

// What a shard notes of what happens, for those who want to be told.
namespace aicache {

void shard_state::note(event_kind kind, tier from, const identity& id, std::uint16_t operation, std::uint16_t tenant,
                       const std::shared_ptr<const name_lists>& names) {
  if (!events_.wants(kind)) return;
  cache_event e;
  e.kind = kind;
  e.from = from;
  e.at = now();
  e.id = id;
  if (names && operation < names->operations.size()) e.operation = names->operations[operation];
  if (names && tenant < names->tenants.size()) e.tenant = names->tenants[tenant];
  events_.add(std::move(e));
}

void shard_state::note_get(const get_body& body, std::size_t position, const get_result& r) {
  if (position >= body.items.size() || r.status == get_status::pending || r.status == get_status::error) return;
  const get_item& item = body.items[position];
  note(r.status == get_status::hit ? event_kind::hit : event_kind::miss, r.from, item.id, item.operation, item.tenant,
       body.names);
}

void shard_state::note_gets(const get_body& body) {
  for (std::size_t i = 0; i < body.results.size(); ++i) note_get(body, i, body.results[i]);
}

void shard_state::note_puts(const put_body& body) {
  for (std::size_t i = 0; i < body.items.size(); ++i)
    if (body.results[i].status == put_status::stored)
      note(event_kind::put, tier::none, body.items[i].id, body.items[i].operation, body.items[i].tenant, body.names);
}

void shard_state::note_erased(const key_body& body, std::size_t position) {
  const key_item& item = body.items[position];
  note(event_kind::erased, tier::none, item.id, item.operation, item.tenant, body.names);
}

void shard_state::tell_noted() {
  if (setup_.with.front) self_->send(setup_.with.front, events_noted{events_.take(), events_.take_dropped()});
}

}  // namespace aicache
