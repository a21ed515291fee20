#include "messages/packed.hpp"

#include "messages/packed_parts.hpp"

namespace aicache::packed {

namespace {

void write(writer& w, const get_result& x) {
  w.number(x.status);
  w.number(x.from);
  w.number(x.error);
  w.number(x.stale);
  w.number(x.retrievals);
  w.number(x.lease);
  w.number(x.created.ms);
  w.number(x.expires.ms);
  write(w, x.value);
}
void read(reader& r, get_result& x) {
  x.status = r.one_of(get_status::negative);
  x.from = r.one_of(tier::parked);
  x.error = r.one_of(last_errc);
  x.stale = r.one_of(staleness::fallback);
  x.retrievals = r.number<std::uint16_t>();
  x.lease = r.number<std::uint64_t>();
  x.created.ms = r.number<std::int64_t>();
  x.expires.ms = r.number<std::int64_t>();
  x.value = read_value(r);
  if (x.status == get_status::hit && !x.value) r.spoil();
}
constexpr std::size_t result_bytes = 31;

void write(writer& w, const put_result& x) {
  w.number(x.status);
  w.number(x.error);
  w.number(x.shared);
}
void read(reader& r, put_result& x) {
  x.status = r.one_of(put_status::negative);
  x.error = r.one_of(last_errc);
  x.shared = r.one_of(shared_copy::failed);
}

void write(writer& w, const key_result& x) {
  w.number(static_cast<std::uint8_t>(x.found ? 1 : 0));
  w.number(x.error);
  w.number(x.left_ms);
}
void read(reader& r, key_result& x) {
  x.found = r.flag();
  x.error = r.one_of(last_errc);
  x.left_ms = r.number<std::int64_t>();
}

template <class Body>
std::string pack_list(const Body& b, std::size_t each, writer w = {}) {
  w.reserve(sizeof(std::uint64_t) + sizeof(std::uint32_t) + b.results.size() * each);
  w.number(static_cast<std::uint32_t>(b.results.size()));
  for (const auto& x : b.results) write(w, x);
  return w.take();
}
template <class Body>
outcome<void> unpack_list(reader r, Body& b, std::size_t smallest) {
  b.results.resize(r.count(smallest));
  for (auto& x : b.results) read(r, x);
  return r.done();
}

}  // namespace

std::string pack_items(const get_body& b) {
  writer w;
  write(w, b.names);
  w.reserve(256 + b.items.size() * (identity_bytes + 8) + b.calls.size() * sizeof(std::uint32_t));
  w.number(static_cast<std::uint32_t>(b.items.size()));
  for (const get_item& x : b.items) {
    write(w, x.id);
    w.number(x.operation);
    w.number(x.tenant);
    w.number(x.model);
    w.number(x.text);
    w.number(static_cast<std::uint8_t>(x.lease ? 1 : 0));
  }
  w.number(static_cast<std::uint32_t>(b.calls.size()));
  for (const std::uint32_t end : b.calls) w.number(end);
  return w.take();
}

outcome<void> unpack_items(std::string_view bytes, get_body& b) {
  reader r(bytes);
  b.names = read_names(r);
  b.items.resize(r.count(identity_bytes + 8));
  for (get_item& x : b.items) {
    read(r, x.id);
    x.operation = r.number<std::uint16_t>();
    x.tenant = r.number<std::uint16_t>();
    x.model = r.number<std::uint16_t>();
    x.text = r.one_of(text_tier::xlarge);
    x.lease = r.flag();
  }
  b.calls.resize(r.count(sizeof(std::uint32_t)));
  std::uint32_t last = 0;
  for (std::uint32_t& end : b.calls) {
    end = r.number<std::uint32_t>();
    if (end < last || end > b.items.size()) r.spoil();
    last = end;
  }
  return r.done();
}

std::string pack_items(const put_body& b) {
  writer w;
  std::size_t values = 0;
  for (const put_item& x : b.items) values += size_of(x.value);
  w.reserve(256 + b.items.size() * (identity_bytes + 27) + values);
  write(w, b.names);
  w.number(static_cast<std::uint32_t>(b.items.size()));
  for (const put_item& x : b.items) {
    write(w, x.id);
    w.number(x.operation);
    w.number(x.tenant);
    w.number(x.text);
    w.number(x.lease);
    w.number(x.ttl_ms);
    write(w, x.value);
    w.number(static_cast<std::uint8_t>(x.write_through ? 1 : 0));
    w.number(static_cast<std::uint32_t>(x.tags.size()));
    for (const std::uint64_t tag : x.tags) w.number(tag);
  }
  return w.take();
}

outcome<void> unpack_items(std::string_view bytes, put_body& b) {
  reader r(bytes);
  b.names = read_names(r);
  b.items.resize(r.count(identity_bytes + 27));
  for (put_item& x : b.items) {
    read(r, x.id);
    x.operation = r.number<std::uint16_t>();
    x.tenant = r.number<std::uint16_t>();
    x.text = r.one_of(text_tier::xlarge);
    x.lease = r.number<std::uint64_t>();
    x.ttl_ms = r.number<std::int64_t>();
    x.value = read_value(r);
    x.write_through = r.flag();
    x.tags.resize(r.count(sizeof(std::uint64_t)));
    for (std::uint64_t& tag : x.tags) tag = r.number<std::uint64_t>();
  }
  return r.done();
}

std::string pack_items(const key_body& b) {
  writer w;
  w.reserve(256 + b.items.size() * (identity_bytes + 12));
  write(w, b.names);
  w.number(static_cast<std::uint32_t>(b.items.size()));
  for (const key_item& x : b.items) {
    write(w, x.id);
    w.number(x.argument);
    w.number(x.operation);
    w.number(x.tenant);
  }
  return w.take();
}

outcome<void> unpack_items(std::string_view bytes, key_body& b) {
  reader r(bytes);
  b.names = read_names(r);
  b.items.resize(r.count(identity_bytes + 12));
  for (key_item& x : b.items) {
    read(r, x.id);
    x.argument = r.number<std::int64_t>();
    x.operation = r.number<std::uint16_t>();
    x.tenant = r.number<std::uint16_t>();
  }
  return r.done();
}

std::string pack_results(const get_body& b) {
  std::size_t values = 0;
  for (const get_result& x : b.results) values += size_of(x.value);
  writer w;
  w.number(b.now.ms);
  return pack_list(b, result_bytes + (b.results.empty() ? 0 : values / b.results.size() + 1), std::move(w));
}
std::string pack_results(const put_body& b) { return pack_list(b, 3); }
std::string pack_results(const key_body& b) { return pack_list(b, 10); }
outcome<void> unpack_results(std::string_view bytes, get_body& b) {
  reader r(bytes);
  b.now.ms = r.number<std::int64_t>();
  return unpack_list(r, b, result_bytes);
}
outcome<void> unpack_results(std::string_view bytes, put_body& b) { return unpack_list(reader(bytes), b, 3); }
outcome<void> unpack_results(std::string_view bytes, key_body& b) { return unpack_list(reader(bytes), b, 10); }

std::string pack(const std::vector<late_result>& late) {
  writer w;
  std::size_t values = 0;
  for (const late_result& l : late) values += size_of(l.result.value);
  w.reserve(sizeof(std::uint32_t) + late.size() * (sizeof(std::uint32_t) + result_bytes) + values);
  w.number(static_cast<std::uint32_t>(late.size()));
  for (const late_result& l : late) {
    w.number(l.position);
    write(w, l.result);
  }
  return w.take();
}

outcome<void> unpack(std::string_view bytes, std::vector<late_result>& late) {
  reader r(bytes);
  late.resize(r.count(sizeof(std::uint32_t) + result_bytes));
  for (late_result& l : late) {
    l.position = r.number<std::uint32_t>();
    read(r, l.result);
  }
  return r.done();
}

}  // namespace aicache::packed
