#include "engine/shared/shared_codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <utility>

namespace aicache {
namespace {

constexpr std::uint64_t largest_of_all = 1ULL << 30;  // OpenSSL and blobs count to 2^31
constexpr std::size_t kept_scratch = 1 << 20;

// The metadata of an envelope is the facts as they lie in memory, which envelope.cpp asserts to be little-endian.
static_assert(sizeof(answer_facts) == 16 && std::has_unique_object_representations_v<answer_facts>);

std::span<const std::byte> bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span{text}); }

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

fault corrupt(const char* why) { return {errc::corrupt, why}; }
fault no_memory() { return {errc::overloaded, "no memory"}; }  // short enough to need none itself

}  // namespace

shared_codec::shared_codec(options o, std::shared_ptr<const key_ring> keys)
    : options_(o), zstd_({o.level}), cipher_(std::move(keys)) {
  options_.largest = std::min(options_.largest, largest_of_all);
  limits_.raw_bytes = static_cast<std::size_t>(options_.largest);
  limits_.metadata_bytes = sizeof(answer_facts);
  limits_.generations = 1 + most_tags;
}

// A value of unusual size must not be paid for for ever.
void shared_codec::shrink() noexcept {
  if (scratch_.capacity() > kept_scratch) scratch_ = std::vector<std::byte>{};
}

outcome<void> shared_codec::seal(const shared_answer& a, std::string& out) {
  outcome<void> done;
  try {
    done = wrap(a, out);
  } catch (const std::bad_alloc&) {
    done = no_memory();
  }
  if (!done) out.clear();
  shrink();
  return done;
}

outcome<void> shared_codec::wrap(const shared_answer& a, std::string& out) {
  if (!a.value) return fault{errc::invalid_argument, "a shared answer without a value"};
  if (a.value->dictionary() != 0) return fault{errc::invalid_argument, "a value packed with a dictionary of its shard"};
  if (a.value->raw_size() > options_.largest || a.tags.size() > most_tags)
    return fault{errc::too_large, "shared answer"};
  std::array<std::uint64_t, 1 + most_tags> generations;
  generations[0] = a.born;
  std::copy(a.tags.begin(), a.tags.end(), generations.begin() + 1);

  const answer_facts facts = a.value->facts();
  envelope_view view;
  view.id = a.id;
  view.created = a.created;
  view.expires = a.expires;
  view.generations = generation_list{std::span<const std::uint64_t>{generations}.first(1 + a.tags.size())};
  view.metadata = text_of(std::as_bytes(std::span{&facts, 1}));
  view.raw_bytes = a.value->raw_size();
  if (a.value->codec() == blob_codec::zstd) {
    view.codec = payload_codec::zstd;
    view.payload = text_of(a.value->frame());
  } else if (a.value->size() >= options_.min_bytes && zstd_.compress(a.value->bytes(), nullptr, scratch_) &&
             static_cast<double>(scratch_.size()) * options_.min_gain <= static_cast<double>(a.value->size())) {
    view.codec = payload_codec::zstd;
    view.payload = text_of(scratch_);
  } else {
    view.payload = text_of(a.value->bytes());
  }
  if (!cipher_.keys()) return encode(view, limits_, out);

  auto begun = cipher_.begin();
  if (!begun) return begun.why();
  view.seal = *begun;
  if (auto headed = encode_head(view, limits_, out); !headed) return headed;
  const std::size_t head = out.size();
  out.resize(head + view.payload.size());
  auto encrypted = cipher_.encrypt(*view.seal, bytes_of(out).first(head), bytes_of(view.payload),
                                   reinterpret_cast<std::byte*>(out.data()) + head);
  if (!encrypted) return encrypted;
  encode_tail(view, out);
  return {};
}

outcome<opened_answer> shared_codec::open(std::string_view bytes, const identity& expected, keep_packed packed) {
  auto opened = [&]() -> outcome<opened_answer> {
    try {
      return unwrap(bytes, expected, packed);
    } catch (const std::bad_alloc&) {
      return no_memory();
    }
  }();
  shrink();
  return opened;
}

outcome<opened_answer> shared_codec::unwrap(std::string_view bytes, const identity& expected, keep_packed packed) {
  const auto view = decode(bytes, expected, limits_);
  if (!view) return view.why();
  if (view->dictionary_id) return corrupt("a shared answer packed with a dictionary");
  if (view->seal.has_value() != (cipher_.keys() != nullptr))
    return corrupt(view->seal ? "encrypted, and there are no keys" : "not encrypted, and there are keys");
  answer_facts facts;
  if (view->metadata.size() != sizeof facts || view->generations.size() == 0)
    return corrupt("a shared answer without its numbers");
  std::memcpy(&facts, view->metadata.data(), sizeof facts);
  if (facts.text_bytes > view->raw_bytes) return corrupt("a text longer than its answer");

  auto value = value_of(bytes, *view, facts, packed);
  if (!value) return value.why();
  opened_answer answer{std::move(*value), view->created, view->expires, view->generations[0], {}};
  answer.tags.resize(view->generations.size() - 1);
  for (std::size_t i = 0; i < answer.tags.size(); ++i) answer.tags[i] = view->generations[i + 1];
  return answer;
}

outcome<blob_ref> shared_codec::value_of(std::string_view bytes, const envelope_view& view, const answer_facts& facts,
                                         keep_packed packed) {
  if (view.codec == payload_codec::zstd && packed == keep_packed::yes) {
    blob_ref value = blob::make_packed_uninitialised(view.payload.size(), view.raw_bytes, facts);
    if (auto placed = place(bytes, view, value->writable_frame()); !placed) return placed.why();
    return value;
  }
  if (view.codec == payload_codec::none) {
    blob_ref value = blob::make_uninitialised(view.raw_bytes, facts);
    if (auto placed = place(bytes, view, value->writable()); !placed) return placed.why();
    return value;
  }
  // Decrypted before there is memory for what it claims to unpack to.
  auto frame = bytes_of(view.payload);
  if (view.seal) {
    scratch_.resize(view.payload.size());
    if (auto placed = place(bytes, view, scratch_.data()); !placed) return placed.why();
    frame = scratch_;
  }
  blob_ref value = blob::make_uninitialised(view.raw_bytes, facts);
  if (auto unpacked = zstd_.decompress(frame, nullptr, {value->writable(), value->size()}); !unpacked)
    return unpacked.why();
  return value;
}

// Puts the payload, decrypted if need be, where there is room for it.
outcome<void> shared_codec::place(std::string_view bytes, const envelope_view& view, std::byte* to) {
  if (view.seal) return cipher_.decrypt(*view.seal, bytes_of(head_of(bytes, view)), bytes_of(view.payload), to);
  if (!view.payload.empty()) std::memcpy(to, view.payload.data(), view.payload.size());
  return {};
}

}  // namespace aicache
