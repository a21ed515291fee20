#include "engine/client/call_builder.hpp"

#include <algorithm>
#include <utility>

#include "engine/shared/scope.hpp"

namespace aicache {

namespace {
constexpr std::size_t names_searched = 64;
// Beyond the longest list of names: an item with this number is counted as "other".
constexpr std::uint16_t no_name = UINT16_MAX;
}  // namespace

call_builder::call_builder(call_kind kind, identifier& names, text_bounds bounds, duration deadline)
    : call_(std::make_shared<call>()), lists_(std::make_shared<name_lists>()), identifier_(names), bounds_(bounds) {
  call_->kind = kind;
  call_->deadline = std::clamp(deadline, duration{0}, longest_deadline);
}

// A batch has few distinct names, mostly the one before: searching from the end is cheaper than hashing. Among very
// many names the search ends early, and a name may stand twice, which does no harm.
std::uint16_t call_builder::number_of(std::vector<std::string>& list, std::string_view name) {
  const auto last = list.rbegin() + static_cast<std::ptrdiff_t>(std::min(list.size(), names_searched));
  const auto found = std::find(list.rbegin(), last, name);
  if (found != last) return static_cast<std::uint16_t>(list.rend() - found - 1);
  if (list.size() == no_name) return no_name;
  list.emplace_back(name);
  return static_cast<std::uint16_t>(list.size() - 1);
}

bool call_builder::take(const outcome<identified>& done, identified& who) {
  if (!done) {
    places_.push_back({0, done.why().code});
    return false;
  }
  who = *done;
  places_.push_back({static_cast<std::uint32_t>(call_->size()), errc::none});
  call_->made.code_points.push_back(who.code_points);
  ++call_->made.by_text[static_cast<std::size_t>(bounds_.tier_of(who.code_points))];
  return true;
}

bool call_builder::identify(const request& r, identified& who) { return take(identifier_.identify(r), who); }

bool call_builder::identify(std::string_view tenant, std::string_view key, identified& who) {
  return take(identifier_.identify_generic(tenant, key), who);
}

void call_builder::get(const request& r, bool lease) {
  identified who;
  if (!identify(r, who)) return;
  call_->gets.push_back({who.id, number_of(lists_->operations, r.operation), number_of(lists_->tenants, r.tenant),
                         bounds_.tier_of(who.code_points), lease, number_of(lists_->models, r.model)});
}

void call_builder::get(std::string_view tenant, std::string_view key) {
  identified who;
  if (!identify(tenant, key, who)) return;
  call_->gets.push_back({who.id, number_of(lists_->operations, generic_operation), number_of(lists_->tenants, tenant),
                         text_tier::small, false, number_of(lists_->models, {})});
}

void call_builder::put(const identified& who, std::string_view tenant, std::string_view operation, blob_ref value,
                       const put_wishes& wishes, std::vector<std::uint64_t> tags) {
  tags.reserve(tags.size() + wishes.tags.size());
  for (const std::string& tag : wishes.tags) tags.push_back(tag_hash(tenant, tag));
  call_->puts.push_back({who.id, number_of(lists_->operations, operation), number_of(lists_->tenants, tenant),
                         bounds_.tier_of(who.code_points), wishes.lease, wishes.ttl_ms, std::move(value),
                         wishes.write_through, std::move(tags)});
}

void call_builder::put(const request& r, blob_ref value, const put_wishes& wishes) {
  if (identified who; identify(r, who)) put(who, r.tenant, r.operation, std::move(value), wishes, {});
}

void call_builder::put(std::string_view tenant, std::string_view key, blob_ref value, const put_wishes& wishes) {
  if (identified who; identify(tenant, key, who))
    put(who, tenant, generic_operation, std::move(value), wishes, {generic_tag(tenant)});
}

void call_builder::key(const request& r, std::int64_t argument) {
  identified who;
  if (!identify(r, who)) return;
  call_->keys.push_back(
      {who.id, argument, number_of(lists_->operations, r.operation), number_of(lists_->tenants, r.tenant)});
}

void call_builder::key(std::string_view tenant, std::string_view key, std::int64_t argument) {
  identified who;
  if (!identify(tenant, key, who)) return;
  call_->keys.push_back(
      {who.id, argument, number_of(lists_->operations, generic_operation), number_of(lists_->tenants, tenant)});
}

std::shared_ptr<call> call_builder::take(std::uint64_t nanoseconds) {
  call_->made.nanoseconds = nanoseconds;
  call_->names = std::move(lists_);
  return std::move(call_);
}

}  // namespace aicache
