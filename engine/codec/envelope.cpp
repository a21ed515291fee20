#include "engine/codec/envelope.hpp"

#include <xxhash.h>

#include <array>
#include <bit>
#include <limits>
#include <type_traits>

namespace aicache {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

constexpr std::uint32_t magic = 0x45434941;  // "AICE"
constexpr std::uint8_t version = 1;
constexpr std::uint8_t codec_bits = 0x03;
constexpr std::uint8_t dictionary_bit = 0x04;
constexpr std::uint8_t cipher_bits = 0x30;
constexpr std::uint8_t aes_256_gcm = 0x10;

struct fixed_part {
  std::uint32_t magic;
  std::uint8_t version;
  std::uint8_t flags;
  std::uint16_t generations;
  std::int64_t created;
  std::int64_t expires;
  std::array<std::byte, 32> id;
  std::uint32_t raw_bytes;
  std::uint32_t metadata_bytes;
};
static_assert(sizeof(fixed_part) == 64 && std::has_unique_object_representations_v<fixed_part>);

constexpr std::size_t before_payload = sizeof(payload_seal::key_id) + sizeof(payload_seal::nonce);
constexpr std::size_t behind_payload = sizeof(payload_seal::tag);

struct checksum_part {
  std::uint64_t low;
  std::uint64_t high;

  friend bool operator==(const checksum_part&, const checksum_part&) = default;
};

checksum_part checksum(std::string_view bytes) noexcept {
  const XXH128_hash_t sum = XXH3_128bits(bytes.data(), bytes.size());
  return {sum.low64, sum.high64};
}

template <class Part>
void append(const Part& part, std::string& out) {
  out.append(reinterpret_cast<const char*>(&part), sizeof part);
}

template <class Part>
Part part_at(std::string_view bytes, std::size_t at) noexcept {
  Part part;
  std::memcpy(&part, bytes.data() + at, sizeof part);
  return part;
}

fault corrupt(const char* why) { return {errc::corrupt, why}; }

bool within(const envelope_limits& limits, std::size_t raw, std::size_t metadata, std::size_t generations) noexcept {
  return raw <= limits.raw_bytes && metadata <= limits.metadata_bytes && generations <= limits.generations;
}

}  // namespace

outcome<void> encode(const envelope_view& view, const envelope_limits& limits, std::string& out) {
  if (auto begun = encode_head(view, limits, out); !begun) return begun;
  out += view.payload;
  encode_tail(view, out);
  return {};
}

outcome<void> encode_head(const envelope_view& view, const envelope_limits& limits, std::string& out) {
  out.clear();
  if (!within(limits, view.raw_bytes, view.metadata.size(), view.generations.size()) ||
      view.metadata.size() > std::numeric_limits<std::uint32_t>::max() ||
      view.generations.size() > std::numeric_limits<std::uint16_t>::max()) {
    return fault{errc::too_large, "envelope"};
  }
  if (view.codec == payload_codec::none && (view.payload.size() != view.raw_bytes || view.dictionary_id)) {
    return fault{errc::invalid_argument, "an envelope whose parts contradict each other"};
  }
  fixed_part fixed{};
  fixed.magic = magic;
  fixed.version = version;
  fixed.flags = static_cast<std::uint8_t>(static_cast<unsigned>(view.codec) |
                                          (view.dictionary_id ? dictionary_bit : 0U) | (view.seal ? aes_256_gcm : 0U));
  fixed.generations = static_cast<std::uint16_t>(view.generations.size());
  fixed.created = view.created.ms;
  fixed.expires = view.expires.ms;
  fixed.id = view.id.digest;
  fixed.raw_bytes = view.raw_bytes;
  fixed.metadata_bytes = static_cast<std::uint32_t>(view.metadata.size());
  const auto generations = view.generations.bytes();
  out.reserve(sizeof fixed + sizeof(std::uint64_t) + generations.size() + view.metadata.size() + before_payload +
              view.payload.size() + behind_payload + sizeof(checksum_part));
  append(fixed, out);
  if (view.dictionary_id) append(*view.dictionary_id, out);
  out.append(reinterpret_cast<const char*>(generations.data()), generations.size());
  out += view.metadata;
  if (view.seal) {
    append(view.seal->key_id, out);
    append(view.seal->nonce, out);
  }
  return {};
}

void encode_tail(const envelope_view& view, std::string& out) {
  if (view.seal) append(view.seal->tag, out);
  append(checksum(out), out);
}

outcome<envelope_view> decode(std::string_view bytes, const identity& expected, const envelope_limits& limits) {
  if (bytes.size() < sizeof(fixed_part) + sizeof(checksum_part)) return corrupt("an envelope too short");
  const auto fixed = part_at<fixed_part>(bytes, 0);
  if (fixed.magic != magic) return corrupt("not an envelope");
  if (fixed.version != version) return corrupt("an envelope of another version");
  const std::string_view summed = bytes.substr(0, bytes.size() - sizeof(checksum_part));
  if (part_at<checksum_part>(bytes, summed.size()) != checksum(summed)) return corrupt("an envelope's checksum");
  if (fixed.id != expected.digest) return corrupt("an envelope of another request");
  if (fixed.flags & ~(codec_bits | dictionary_bit | cipher_bits)) return corrupt("an envelope with flags unknown here");
  const unsigned codec = fixed.flags & codec_bits;
  const bool has_dictionary = fixed.flags & dictionary_bit;
  if (codec > static_cast<unsigned>(payload_codec::zstd)) return corrupt("an envelope with a codec unknown here");
  const unsigned cipher = fixed.flags & cipher_bits;
  if (cipher != 0 && cipher != aes_256_gcm) return corrupt("an envelope with a cipher unknown here");
  const bool is_encrypted = cipher == aes_256_gcm;
  if (!within(limits, fixed.raw_bytes, fixed.metadata_bytes, fixed.generations))
    return fault{errc::too_large, "envelope"};
  const std::size_t generations_at = sizeof fixed + (has_dictionary ? sizeof(std::uint64_t) : 0);
  const std::size_t metadata_at = generations_at + fixed.generations * sizeof(std::uint64_t);
  const std::size_t seal_at = metadata_at + fixed.metadata_bytes;
  const std::size_t payload_at = seal_at + (is_encrypted ? before_payload : 0);
  const std::size_t behind = is_encrypted ? behind_payload : 0;
  if (payload_at + behind > summed.size()) return corrupt("an envelope whose sizes exceed it");
  envelope_view view;
  view.id = expected;
  view.created = {fixed.created};
  view.expires = {fixed.expires};
  view.codec = static_cast<payload_codec>(codec);
  if (has_dictionary) view.dictionary_id = part_at<std::uint64_t>(bytes, sizeof fixed);
  view.generations =
      generation_list{std::as_bytes(std::span{summed.substr(generations_at, metadata_at - generations_at)})};
  view.metadata = summed.substr(metadata_at, fixed.metadata_bytes);
  view.raw_bytes = fixed.raw_bytes;
  view.payload = summed.substr(payload_at, summed.size() - behind - payload_at);
  if (is_encrypted) {
    view.seal.emplace();
    view.seal->key_id = part_at<std::uint64_t>(bytes, seal_at);
    view.seal->nonce = part_at<decltype(payload_seal::nonce)>(bytes, seal_at + sizeof(payload_seal::key_id));
    view.seal->tag = part_at<decltype(payload_seal::tag)>(bytes, summed.size() - behind);
  }
  if (view.codec == payload_codec::none && (has_dictionary || view.payload.size() != view.raw_bytes)) {
    return corrupt("an envelope whose parts contradict each other");
  }
  return view;
}

}  // namespace aicache
