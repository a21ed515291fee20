#include "messages/packed_transfer.hpp"

#include <algorithm>

#include "messages/packed.hpp"
#include "messages/packed_parts.hpp"

namespace aicache::packed {

namespace {

constexpr std::size_t item_bytes = identity_bytes + 44;
constexpr std::size_t known_half = identity_bytes / 2;

bool says_too_much(const transfer_item& x) {
  return !x.whole && std::any_of(x.id.digest.begin() + known_half, x.id.digest.end(),
                                 [](std::byte b) { return b != std::byte{0}; });
}

}  // namespace

std::string pack(const transfer_page& page) {
  writer w;
  std::size_t values = 0;
  for (const transfer_item& x : page.items) values += size_of(x.value) + x.tags.size() * sizeof(std::uint64_t);
  w.reserve(256 + page.items.size() * item_bytes + values);
  write(w, page.names);
  w.number(static_cast<std::uint32_t>(page.items.size()));
  for (const transfer_item& x : page.items) {
    write(w, x.id);
    w.number(static_cast<std::uint8_t>(x.whole ? 1 : 0));
    w.number(x.operation);
    w.number(x.tenant);
    w.number(x.text);
    w.number(x.created.ms);
    w.number(x.expires.ms);
    w.number(x.born);
    w.number(x.numbered_by);
    w.number(static_cast<std::uint8_t>(x.behind ? 1 : 0));
    write(w, x.value && x.value->codec() == blob_codec::raw ? x.value : blob_ref{});
    w.number(static_cast<std::uint32_t>(x.tags.size()));
    for (const std::uint64_t tag : x.tags) w.number(tag);
  }
  return w.take();
}

outcome<void> unpack(std::string_view bytes, transfer_page& page) {
  reader r(bytes);
  page.names = read_names(r);
  page.items.resize(r.count(item_bytes));
  for (transfer_item& x : page.items) {
    read(r, x.id);
    x.whole = r.flag();
    x.operation = r.number<std::uint16_t>();
    x.tenant = r.number<std::uint16_t>();
    x.text = r.one_of(text_tier::xlarge);
    x.created.ms = r.number<std::int64_t>();
    x.expires.ms = r.number<std::int64_t>();
    x.born = r.number<std::uint64_t>();
    x.numbered_by = r.number<std::uint64_t>();
    x.behind = r.flag();
    x.value = read_value(r);
    x.tags.resize(r.count(sizeof(std::uint64_t)));
    for (std::uint64_t& tag : x.tags) tag = r.number<std::uint64_t>();
    if (says_too_much(x)) r.spoil();
  }
  return r.done();
}

std::string pack(const std::vector<import_result>& results) {
  writer w;
  w.reserve(sizeof(std::uint32_t) + results.size() * 3);
  w.number(static_cast<std::uint32_t>(results.size()));
  for (const import_result& x : results) {
    w.number(x.status);
    w.number(x.error);
    w.number(static_cast<std::uint8_t>(x.behind ? 1 : 0));
  }
  return w.take();
}

outcome<void> unpack(std::string_view bytes, std::vector<import_result>& results) {
  reader r(bytes);
  results.resize(r.count(3));
  for (import_result& x : results) {
    x.status = r.one_of(import_status::refused);
    x.error = r.one_of(last_errc);
    x.behind = r.flag();
  }
  return r.done();
}

}  // namespace aicache::packed
