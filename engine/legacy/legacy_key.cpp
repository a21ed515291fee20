#include "engine/legacy/legacy_key.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/legacy/python_json.hpp"
#include "engine/legacy/python_repr.hpp"
#include "engine/legacy/python_text.hpp"

namespace aicache {
namespace {

using kind = python_value::kind;

constexpr std::size_t text_digits = 16;
constexpr std::size_t short_digits = 8;

const char* openssl_name(legacy_digest digest) noexcept {
  switch (digest) {
    case legacy_digest::md5: return "MD5";
    case legacy_digest::sha1: return "SHA1";
    case legacy_digest::sha224: return "SHA2-224";
    case legacy_digest::sha256: return "SHA2-256";
    case legacy_digest::sha384: return "SHA2-384";
    case legacy_digest::sha512: return "SHA2-512";
    case legacy_digest::sha3_224: return "SHA3-224";
    case legacy_digest::sha3_256: return "SHA3-256";
    case legacy_digest::sha3_384: return "SHA3-384";
    case legacy_digest::sha3_512: return "SHA3-512";
    case legacy_digest::blake2b: return "BLAKE2B-512";
    case legacy_digest::blake2s: return "BLAKE2S-256";
  }
  return "";
}

struct free_digest {
  void operator()(EVP_MD* digest) const noexcept { EVP_MD_free(digest); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

/// Appends the first hexadecimal digits of the digest of `parts`, one behind the other.
outcome<void> append_digest(legacy_digest which, std::initializer_list<std::string_view> parts, std::size_t digits,
                            std::string& out) {
  static constexpr char hex[] = "0123456789abcdef";
  const std::unique_ptr<EVP_MD, free_digest> digest(EVP_MD_fetch(nullptr, openssl_name(which), nullptr));
  const std::unique_ptr<EVP_MD_CTX, free_digest> context(EVP_MD_CTX_new());
  unsigned char bytes[EVP_MAX_MD_SIZE];
  bool done = digest && context && EVP_DigestInit_ex2(context.get(), digest.get(), nullptr) == 1;
  for (const std::string_view part : parts)
    done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinal_ex(context.get(), bytes, nullptr) != 1)
    return fault{errc::internal, std::string(openssl_name(which)) + " is not to be had from the OpenSSL library"};
  for (std::size_t i = 0; i < digits; ++i) out += hex[(bytes[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
  return {};
}

outcome<void> append_text(std::string_view text, const legacy_key_options& options, std::string& out) {
  const auto measured = measure_text(text);
  if (!measured) return fault{errc::invalid_argument, "the text is not UTF-8"};
  if (options.text_threshold < 0 || measured->code_points > static_cast<std::uint64_t>(options.text_threshold)) {
    out += "hash:";
    return append_digest(
        options.digest,
        {text, "len:" + std::to_string(measured->code_points), "words:" + std::to_string(measured->words)}, text_digits,
        out);
  }
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  std::replace_if(
      out.begin() + begin, out.end(), [](char c) { return c == '|' || c == ':'; }, '_');
  return {};
}

outcome<void> append_options(const python_value& options, std::string& out) {
  std::vector<std::pair<const python_value*, const python_value*>> sorted;
  for (std::size_t i = 0; i < options.elements.size(); i += 2)
    sorted.emplace_back(&options.elements[i], &options.elements[i + 1]);
  // The bytes of UTF-8 sort as its code points do.
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first->text < b.first->text; });
  std::string joined;
  for (const auto& [name, value] : sorted) {
    if (!joined.empty()) joined += '&';
    joined += name->text;
    joined += '=';
    append_python_str(*value, joined);
  }
  if (!is_utf8(joined, lone_surrogates::refused))
    return fault{errc::invalid_argument, "a name or text of the options holds a lone surrogate"};
  return append_digest(legacy_digest::md5, {joined}, short_digits, out);
}

/// The options as Python had them: a dict, empty when there are none.
outcome<python_value> options_of(const request& asked, question_place place) {
  python_value options(kind::dict);
  if (!asked.options.empty()) {
    auto read = read_python_json(asked.options);
    if (!read) return fault{read.why().code, "options: " + read.why().detail};
    if (read->what != kind::dict && read->what != kind::none)
      return fault{errc::invalid_argument, "options are not a JSON object"};
    if (read->what == kind::dict) options = std::move(*read);
  }
  if (place == question_place::in_options && !asked.question.empty()) {
    if (options.member("question") != nullptr)
      return fault{errc::invalid_argument, "the question stands in the options and beside them"};
    options.elements.emplace_back(kind::text, "question");
    options.elements.emplace_back(kind::text, asked.question);
  }
  return options;
}

/// The question that counts; empty when there is none.
outcome<std::string_view> question_of(const request& asked, const python_value& options, question_place place) {
  if (place == question_place::apart) return std::string_view{asked.question};
  const python_value* given = options.member("question");
  if (given == nullptr || !given->is_truthy()) return std::string_view{};
  if (given->what != kind::text) return fault{errc::invalid_argument, "the question is no text"};
  return std::string_view{given->text};
}

}  // namespace

outcome<std::string> legacy_key(const request& asked, const legacy_key_options& options) {
  if (!is_utf8(asked.operation, lone_surrogates::refused))
    return fault{errc::invalid_argument, "the operation is not UTF-8"};
  const auto given = options_of(asked, options.question);
  if (!given) return given.why();
  const auto question = question_of(asked, *given, options.question);
  if (!question) return question.why();
  if (!is_utf8(*question, lone_surrogates::refused))
    return fault{errc::invalid_argument, "the question is not UTF-8, or holds a lone surrogate"};
  std::string key = "ai_cache:op:" + asked.operation + "|txt:";
  if (auto done = append_text(asked.text, options, key); !done) return done.why();
  if (!given->elements.empty()) {
    key += "|opts:";
    if (auto done = append_options(*given, key); !done) return done.why();
  }
  if (!question->empty()) {
    key += "|q:";
    if (auto done = append_digest(legacy_digest::md5, {*question}, short_digits, key); !done) return done.why();
  }
  return key;
}

}  // namespace aicache
