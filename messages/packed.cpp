#include "messages/packed.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

namespace aicache::packed {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

class writer {
 public:
  template <class Number>
  void number(Number n) {
    static_assert(std::is_arithmetic_v<Number> || std::is_enum_v<Number>);
    out_.append(reinterpret_cast<const char*>(&n), sizeof n);
  }
  void bytes(const void* at, std::size_t n) { out_.append(static_cast<const char*>(at), n); }
  void string(std::string_view s) {
    number(static_cast<std::uint32_t>(s.size()));
    out_.append(s);
  }
  void reserve(std::size_t n) { out_.reserve(n); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Every read that goes beyond the end makes the reader bad, and gives zeros.
class reader {
 public:
  explicit reader(std::string_view in) : in_(in) {}
  template <class Number>
  Number number() {
    Number n{};
    if (const char* at = take(sizeof n)) std::memcpy(&n, at, sizeof n);
    return n;
  }
  // An enumeration whose values are 0 to `last`.
  template <class Enum>
  Enum one_of(Enum last) {
    const auto n = number<std::uint8_t>();
    if (n > static_cast<std::uint8_t>(last)) bad_ = true;
    return static_cast<Enum>(n);
  }
  bool flag() {
    const auto n = number<std::uint8_t>();
    if (n > 1) bad_ = true;
    return n == 1;
  }
  std::string_view string() {
    const auto n = number<std::uint32_t>();
    const char* at = take(n);
    return at == nullptr ? std::string_view{} : std::string_view{at, n};
  }
  void bytes(void* to, std::size_t n) {
    if (const char* at = take(n)) std::memcpy(to, at, n);
  }
  // A count of elements of at least `smallest` bytes each: no more than can really follow.
  std::size_t count(std::size_t smallest) {
    const auto n = number<std::uint32_t>();
    if (n > in_.size() / smallest) bad_ = true;
    return bad_ ? 0 : n;
  }
  outcome<void> done() const {
    if (bad_ || !in_.empty()) return fault{errc::corrupt, "a packed batch does not parse"};
    return {};
  }
  bool bad() const noexcept { return bad_; }
  void spoil() noexcept { bad_ = true; }

 private:
  const char* take(std::size_t n) {
    if (bad_ || n > in_.size()) {
      bad_ = true;
      return nullptr;
    }
    const char* at = in_.data();
    in_.remove_prefix(n);
    return at;
  }
  std::string_view in_;
  bool bad_ = false;
};

constexpr std::size_t identity_bytes = 32;

void write(writer& w, const identity& id) { w.bytes(id.digest.data(), identity_bytes); }
void read(reader& r, identity& id) { r.bytes(id.digest.data(), identity_bytes); }

void write(writer& w, const std::shared_ptr<const name_lists>& names) {
  static const name_lists none;
  const name_lists& n = names ? *names : none;
  for (const auto* list : {&n.operations, &n.tenants, &n.models}) {
    w.number(static_cast<std::uint32_t>(list->size()));
    for (const std::string& s : *list) w.string(s);
  }
}
std::shared_ptr<const name_lists> read_names(reader& r) {
  auto n = std::make_shared<name_lists>();
  for (auto* list : {&n->operations, &n->tenants, &n->models}) {
    const std::size_t size = r.count(sizeof(std::uint32_t));
    list->reserve(size);
    for (std::size_t i = 0; i < size; ++i) list->emplace_back(r.string());
  }
  return n;
}

void write(writer& w, const blob_ref& value) {
  w.number(static_cast<std::uint8_t>(value ? 1 : 0));
  if (!value) return;
  const answer_facts& f = value->facts();
  for (std::uint32_t n : {f.input_tokens, f.output_tokens, f.model_ms, f.text_bytes}) w.number(n);
  w.string({reinterpret_cast<const char*>(value->data()), value->size()});
}
blob_ref read_value(reader& r) {
  if (!r.flag()) return {};
  answer_facts f;
  for (std::uint32_t* n : {&f.input_tokens, &f.output_tokens, &f.model_ms, &f.text_bytes})
    *n = r.number<std::uint32_t>();
  const std::string_view bytes = r.string();
  if (f.text_bytes > bytes.size()) r.spoil();
  if (r.bad()) return {};
  blob_ref b = blob::make_uninitialised(bytes.size(), f);
  if (!bytes.empty()) std::memcpy(b->writable(), bytes.data(), bytes.size());
  return b;
}
std::size_t size_of(const blob_ref& value) { return value ? value->size() + 21 : 1; }

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
  w.reserve(256 + b.items.size() * (identity_bytes + 8));
  w.number(static_cast<std::uint32_t>(b.items.size()));
  for (const get_item& x : b.items) {
    write(w, x.id);
    w.number(x.operation);
    w.number(x.tenant);
    w.number(x.model);
    w.number(x.text);
    w.number(static_cast<std::uint8_t>(x.lease ? 1 : 0));
  }
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
