#include "engine/identity/identify.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "engine/identity/canonical_json.hpp"

namespace aicache {
namespace {

static_assert(std::endian::native == std::endian::little, "lengths are copied as they lie in memory");

constexpr char form_version = 1;
constexpr char kind_answer = 1;
constexpr char kind_generic = 2;

// Collecting the small fields saves a call into the library for each; large texts go past the buffer.
constexpr std::size_t form_buffer_bytes = 4096;

constexpr std::size_t field_limit = std::numeric_limits<std::uint32_t>::max();

template <class Number>
std::string_view bytes_of(const Number& n) noexcept {
  return {reinterpret_cast<const char*>(&n), sizeof n};
}

outcome<void> check_size(std::size_t size, std::size_t limit, const char* what) {
  if (size > std::min(limit, field_limit)) return fault{errc::too_large, what};
  return {};
}

}  // namespace

void identifier::free_digest::operator()(evp_md_st* digest) const noexcept { EVP_MD_free(digest); }
void identifier::free_digest::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

// EVP with the algorithm fetched once, not the bare SHA256_* functions: those are deprecated, and save
// little of what a request costs.
identifier::identifier(identity_options options)
    : options_(options),
      sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      context_(EVP_MD_CTX_new()),
      lines_(options.line_ends, options.trailing_blanks) {}

identifier::~identifier() = default;

outcome<identified> identifier::identify(const request& asked) {
  if (auto begun = begin(asked); !begun) return begun.why();
  if (auto appended = append(asked.text); !appended) return appended.why();
  return finish();
}

outcome<identified> identifier::identify_generic(std::string_view tenant, std::string_view key) {
  text_open_ = false;
  if (key.empty()) return fault{errc::invalid_argument, "the key is empty"};
  if (auto fits = check_size(tenant.size(), options_.name_bytes, "tenant"); !fits) return fits.why();
  if (auto fits = check_size(key.size(), options_.name_bytes, "key"); !fits) return fits.why();
  if (auto started = start(kind_generic); !started) return started.why();
  feed_field(tenant);
  feed_field(key);
  auto id = digest();
  if (!id) return id.why();
  return identified{*id, 0};
}

outcome<void> identifier::begin(const request& asked) {
  text_open_ = false;
  if (asked.operation.empty()) return fault{errc::invalid_argument, "the operation is empty"};
  if (auto fits = check_size(asked.tenant.size(), options_.name_bytes, "tenant"); !fits) return fits;
  if (auto fits = check_size(asked.model.size(), options_.name_bytes, "model"); !fits) return fits;
  if (auto fits = check_size(asked.operation.size(), options_.name_bytes, "operation"); !fits) return fits;
  if (auto fits = check_size(asked.options.size(), options_.options_bytes, "options"); !fits) return fits;
  if (auto fits = check_size(asked.question.size(), options_.text_bytes, "question"); !fits) return fits;
  if (auto canonical = canonicalise(asked.options); !canonical) return canonical;
  if (auto started = start(kind_answer); !started) return started;
  feed_field(asked.tenant);
  feed_field(asked.model);
  feed_field(asked.operation);
  feed_field(last_canonical_);
  feed_field(asked.question);
  text_open_ = true;
  return {};
}

outcome<void> identifier::append(std::string_view piece) {
  if (!text_open_) return fault{errc::invalid_argument, "a piece of text without a beginning"};
  if (piece.size() > options_.text_bytes - text_given_) {
    text_open_ = false;
    return fault{errc::too_large, "text"};
  }
  text_given_ += piece.size();
  if (options_.unicode_nfc) {
    whole_ += piece;
  } else {
    feed_text(piece);
  }
  return {};
}

outcome<identified> identifier::finish() {
  if (!text_open_) return fault{errc::invalid_argument, "the end of a text without a beginning"};
  text_open_ = false;
  if (options_.unicode_nfc) {
    std::string composed;
    if (auto done = compose_unicode(whole_, composed); !done) return done.why();
    feed_text(composed);
  }
  if (text_fed_ == 0) return fault{errc::invalid_argument, "the text is empty"};
  feed(bytes_of(text_fed_));
  const std::uint64_t code_points = counter_.finish();
  auto id = digest();
  if (!id) return id.why();
  return identified{*id, static_cast<std::uint32_t>(std::min<std::uint64_t>(code_points, UINT32_MAX))};
}

outcome<void> identifier::canonicalise(const std::string& options) {
  if (options == last_options_) return {};
  // Emptied first: a refused text must not be found here, with another's canonical form, by the next request.
  last_options_.clear();
  if (auto done = canonical_json(options, last_canonical_); !done) {
    last_canonical_ = "{}";
    return done;
  }
  last_options_ = options;
  return {};
}

outcome<void> identifier::start(char kind) {
  if (!sha256_ || !context_ || EVP_DigestInit_ex2(context_.get(), sha256_.get(), nullptr) != 1) {
    return fault{errc::internal, "SHA-256 is not to be had from the OpenSSL library"};
  }
  digest_failed_ = false;
  text_given_ = 0;
  text_fed_ = 0;
  whole_.clear();
  lines_.finish();
  counter_.finish();
  form_.clear();
  form_ += form_version;
  form_ += kind;
  return {};
}

void identifier::feed_field(std::string_view bytes) {
  feed(bytes_of(static_cast<std::uint32_t>(bytes.size())));
  feed(bytes);
}

void identifier::feed_text(std::string_view bytes) {
  if (options_.line_ends || options_.trailing_blanks) {
    rewritten_.clear();
    lines_.append(bytes, rewritten_);
    bytes = rewritten_;
  }
  text_fed_ += bytes.size();
  counter_.append(bytes);
  feed(bytes);
}

void identifier::feed(std::string_view bytes) {
  if (form_.size() + bytes.size() > form_buffer_bytes) flush();
  if (bytes.size() > form_buffer_bytes) {
    digest_failed_ |= EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1;
  } else {
    form_ += bytes;
  }
}

void identifier::flush() {
  digest_failed_ |= EVP_DigestUpdate(context_.get(), form_.data(), form_.size()) != 1;
  form_.clear();
}

outcome<identity> identifier::digest() {
  flush();
  identity id;
  if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(id.digest.data()), nullptr) != 1 ||
      digest_failed_) {
    return fault{errc::internal, "SHA-256 failed in the OpenSSL library"};
  }
  return id;
}

}  // namespace aicache
