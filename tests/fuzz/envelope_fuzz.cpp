// What lies in Redis is believed by nobody: the envelope, its encryption and the frames in it, against bytes of any
// kind. The first byte of an input chooses the reader, the rest is an envelope. A mutator of our own makes the checksum
// right again, without which hardly an input would get past it.
#include <array>
#include <cstring>
#include <memory>
#include <span>

#include <xxhash.h>

#include "engine/shared/shared_codec.hpp"
#include "tests/fuzz/fuzzing.hpp"

namespace {

using namespace aicache;
using fuzz::require;

enum choice : std::uint8_t {
  has_keys = 1,      // the reader has a key ring
  stays_packed = 2,  // the reader keeps frames
  is_sealed = 4,     // what the input says is encrypted with a known key first: a writer gone mad, not a stranger
};

constexpr std::size_t fixed_bytes = 64, checksum_bytes = 16;
constexpr std::size_t largest = 1 << 20;

const identity& the_identity() {
  static const identity id = [] {
    identity made;
    for (std::size_t i = 0; i < made.digest.size(); ++i) made.digest[i] = static_cast<std::byte>(i * 7);
    return made;
  }();
  return id;
}

std::shared_ptr<const key_ring> the_keys() {
  static const auto keys = *parse_key_ring("1=" + std::string(64, '5') + ",2=" + std::string(64, 'c'));
  return keys;
}

shared_codec& codec(bool with_keys) {
  static const shared_codec::options o{1, 64, 1.0, largest};
  static shared_codec plain{o};
  static shared_codec encrypting{o, the_keys()};
  return with_keys ? encrypting : plain;
}

envelope_limits limits() { return {largest, 64, 1 + shared_codec::most_tags}; }

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

/// The same envelope, encrypted; empty when there is nothing to encrypt.
std::string encrypted(std::string_view bytes) {
  auto view = decode(bytes, the_identity(), limits());
  if (!view) return {};
  static cipher with{the_keys()};
  const auto begun = with.begin();
  require(static_cast<bool>(begun), "a cipher with keys encrypts");
  view->seal = *begun;
  std::string out;
  if (!encode_head(*view, limits(), out)) return {};
  const std::size_t head = out.size();
  out.resize(head + view->payload.size());
  require(static_cast<bool>(with.encrypt(*view->seal, bytes_of(out).first(head), bytes_of(view->payload),
                                         reinterpret_cast<std::byte*>(out.data()) + head)),
          "a cipher with keys encrypts");
  encode_tail(*view, out);
  return out;
}

void check_envelope(std::string_view bytes) {
  const auto view = decode(bytes, the_identity(), limits());
  if (!view) {
    require(view.why().code == errc::corrupt || view.why().code == errc::too_large, "a bad envelope is a miss");
    return;
  }
  std::string again;
  require(static_cast<bool>(encode(*view, limits(), again)), "what was decoded is encoded");
  require(again == bytes, "an envelope is written in one way only");
}

void check_answer(const opened_answer& answer, bool with_keys) {
  const blob& value = *answer.value;
  require(value.raw_size() <= largest, "a value keeps to its limit");
  require(value.facts().text_bytes <= value.raw_size(), "a text is no longer than its answer");
  require(value.dictionary() == 0, "nothing shared needs a dictionary");
  blob_ref raw = answer.value;
  if (value.codec() == blob_codec::zstd) {
    static zstd_codec zstd{{}};
    raw = blob::make_uninitialised(value.raw_size(), value.facts());
    if (!zstd.decompress(value.frame(), nullptr, {raw->writable(), raw->size()})) return;  // it may: nobody unpacked it
  }
  // Copied, so that the address sanitizer sees every byte read.
  const std::string copied = std::string(raw->text()) + std::string(raw->attributes());
  require(copied.size() == raw->size(), "text and attributes make up a value");

  std::string bytes;
  const shared_answer same{the_identity(), answer.value, answer.created, answer.expires, answer.born, answer.tags};
  require(static_cast<bool>(codec(with_keys).seal(same, bytes)), "what was opened is sealed again");
  const auto back = codec(with_keys).open(bytes, the_identity(), keep_packed::no);
  require(static_cast<bool>(back), "what was sealed is opened");
  require(back->created == answer.created && back->expires == answer.expires && back->born == answer.born &&
              back->tags == answer.tags && back->value->facts() == value.facts() &&
              back->value->size() == raw->size() &&
              (raw->size() == 0 || std::memcmp(back->value->data(), raw->data(), raw->size()) == 0),
          "an answer comes back as it was sealed");
}

// -- making inputs -----------------------------------------------------------

std::string fresh_envelope(std::minstd_rand& random) {
  std::string text;
  for (std::size_t words = fuzz::below(random, 60); words > 0; --words)
    text += fuzz::below(random, 3) ? "the answer " : std::to_string(random());
  shared_answer a;
  a.id = the_identity();
  a.value = blob::make(text, {1, 2, 3, 0}, fuzz::below(random, 2) ? std::string_view{"\1\2\0\0\0mm", 7} : "");
  a.created = {static_cast<std::int64_t>(random())};
  a.born = random();
  a.tags.assign(fuzz::below(random, 4), random());
  std::string out;
  require(static_cast<bool>(codec(false).seal(a, out)), "an answer is sealed");
  return out;
}

template <class Number>
void put_number(std::string& bytes, std::size_t at, Number number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}

/// One field of the header becomes something that a reader might trip over.
void change_field(std::string& bytes, std::minstd_rand& random) {
  const std::size_t size = bytes.size();
  const std::array<std::size_t, 12> near{0,         1,         4,    15,      16,          17,
                                         size - 80, size - 64, size, largest, largest + 1, UINT32_MAX};
  const std::size_t number = near[fuzz::below(random, near.size())] + fuzz::below(random, 3) - 1;
  switch (fuzz::below(random, 7)) {
    case 0: bytes[5] = static_cast<char>(fuzz::below(random, 8) | (fuzz::below(random, 4) << 4)); break;
    case 1: put_number(bytes, 6, static_cast<std::uint16_t>(number)); break;
    case 2: put_number(bytes, 56, static_cast<std::uint32_t>(number)); break;
    case 3: put_number(bytes, 60, static_cast<std::uint32_t>(number)); break;
    case 4: bytes[4] = static_cast<char>(fuzz::below(random, 3)); break;
    case 5: bytes[24 + fuzz::below(random, 32)] ^= 1; break;
    default: bytes.insert(fixed_bytes + fuzz::below(random, size - fixed_bytes), 1 + fuzz::below(random, 40), '\0');
  }
}

/// What every reader looks at first is right, so that the rest is looked at.
void make_plausible(std::string& bytes, std::minstd_rand& random) {
  if (bytes.size() < fixed_bytes + checksum_bytes) bytes.resize(fixed_bytes + checksum_bytes);
  if (fuzz::below(random, 8) != 0) {
    std::memcpy(bytes.data(), "AICE\1", 5);
    std::memcpy(bytes.data() + 24, the_identity().digest.data(), 32);
  }
  const std::size_t summed = bytes.size() - checksum_bytes;
  const XXH128_hash_t sum = XXH3_128bits(bytes.data(), summed);
  put_number(bytes, summed, sum.low64);
  put_number(bytes, summed + 8, sum.high64);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  if (max_size < 512) return LLVMFuzzerMutate(data, size, max_size);
  char chosen = size > 0 ? static_cast<char>(data[0]) : '\0';
  std::string bytes(reinterpret_cast<const char*>(data) + (size > 0), size > 0 ? size - 1 : 0);
  if (fuzz::below(random, 4) == 0) chosen = static_cast<char>(random() & 7);
  if (bytes.size() < fixed_bytes + checksum_bytes || fuzz::below(random, 64) == 0) {
    bytes = fresh_envelope(random);
  } else {
    switch (fuzz::below(random, 4)) {
      case 0: change_field(bytes, random); break;
      case 1: {  // only what follows the header
        std::string tail = bytes.substr(fixed_bytes);
        fuzz::mutate(tail, max_size - 1 - fixed_bytes);
        bytes = bytes.substr(0, fixed_bytes) + tail;
        break;
      }
      case 2: {  // an unpacked payload of the size that it says
        std::string tail = bytes.substr(fixed_bytes);
        fuzz::mutate(tail, max_size - 1 - fixed_bytes);
        bytes = bytes.substr(0, fixed_bytes) + tail;
        bytes.resize(std::max(bytes.size(), fixed_bytes + checksum_bytes));
        std::uint16_t generations;
        std::memcpy(&generations, bytes.data() + 6, sizeof generations);
        const std::size_t head = fixed_bytes + generations * 8U + 16;
        bytes[5] = 0;
        put_number(bytes, 60, std::uint32_t{16});
        if (bytes.size() >= head + checksum_bytes)
          put_number(bytes, 56, static_cast<std::uint32_t>(bytes.size() - head - checksum_bytes));
        break;
      }
      default: fuzz::mutate(bytes, max_size - 1);
    }
  }
  if (fuzz::below(random, 16) != 0) make_plausible(bytes, random);
  return fuzz::give(chosen + bytes, data, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t chosen = data[0];
  // A copy of exactly this size: a read past the end is seen by the address sanitizer.
  const auto exact = std::make_unique<char[]>(size - 1);
  std::memcpy(exact.get(), data + 1, size - 1);
  const std::string_view given{exact.get(), size - 1};
  check_envelope(given);

  const std::string sealed = chosen & is_sealed ? encrypted(given) : std::string{};
  const bool was_sealed = !sealed.empty();
  const bool with_keys = chosen & has_keys;
  const auto opened = codec(with_keys).open(was_sealed ? sealed : given, the_identity(),
                                            chosen & stays_packed ? keep_packed::yes : keep_packed::no);
  if (!opened) {
    require(opened.why().code == errc::corrupt || opened.why().code == errc::too_large, "a bad answer is a miss");
    return 0;
  }
  require(with_keys == was_sealed, "with keys, only what was encrypted is believed; without, nothing that was");
  check_answer(*opened, with_keys);
  return 0;
}
