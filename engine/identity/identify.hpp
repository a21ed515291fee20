#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/identity/normalise.hpp"
#include "engine/identity/request.hpp"
#include "engine/key.hpp"
#include "engine/outcome.hpp"

struct evp_md_ctx_st;
struct evp_md_st;

namespace aicache {

/// What counts as the same text, and how large the parts of a request may be.
struct identity_options {
  bool unicode_nfc = false;                        ///< texts that differ only in Unicode composition are one
  bool line_ends = false;                          ///< CRLF, CR and LF are one
  bool trailing_blanks = false;                    ///< blanks and tabs at the end of a line do not count
  std::size_t text_bytes = std::size_t{16} << 20;  ///< the largest text, as given; also the largest question
  std::size_t options_bytes = std::size_t{64} << 10;
  std::size_t name_bytes = std::size_t{4} << 10;  ///< the largest tenant, model, operation or generic key
};

/// A request's identity and the measure of its text.
struct identified {
  identity id;
  std::uint32_t code_points =
      0;  ///< of the text after normalisation; a byte that is not UTF-8 counts one; 0 if generic

  friend bool operator==(const identified&, const identified&) = default;
};

/// Computes identities: SHA-256 over the canonical form of a request.
///
/// Shape      form    = version kind body               two single bytes; the version is 01
///            answer  = field*5 text text-length        kind 01; tenant model operation options question
///            generic = field*2                         kind 02; tenant key
///            field   = length bytes                    length: 4 bytes, little-endian
///            options are canonical_json's, `{}` for none; the text alone is normalised by the settings, and its length
///            (8 bytes, little-endian) follows it: the text is last so that it may arrive in pieces, before anyone
///            knows how long it is once normalised. Every other field is preceded by its length, so no byte can
///            move from one field to its neighbour and leave the form as it was.
///
///            tenant "t", model "m", operation "op", options `{"b":1.0,"a":2}`, no question, text "hi":
///              01 01  01000000 74  01000000 6d  02000000 6f70
///              0d000000 7b2261223a322c2262223a317d  00000000  6869  0200000000000000
/// Owner      one thread: the digest context, the buffers and the last options seen are reused
/// Fails      invalid_argument: empty text (also once normalised) or operation or generic key, options that are not a
///            JSON object, a piece without a beginning. too_large: over a limit. After a fault begin anew
/// Invariant  the form is frozen: whoever changes it raises the version, for every stored answer is named by it
/// Cost       one SHA-256 pass; no allocation once the buffers have grown. Options that equal the request's before
///            are not parsed again. With unicode_nfc the text is held whole until its end
class identifier {
 public:
  explicit identifier(identity_options options);
  ~identifier();
  identifier(const identifier&) = delete;
  identifier& operator=(const identifier&) = delete;

  /// The identity of a whole request.
  outcome<identified> identify(const request& asked);

  /// The identity of an entry that the caller names itself; never that of a request.
  outcome<identified> identify_generic(std::string_view tenant, std::string_view key);

  /// The same as identify, for a text that is not in one piece: begin with everything else
  /// (`asked.text` is not looked at), append the pieces, finish. Any other call in between abandons it.
  outcome<void> begin(const request& asked);
  outcome<void> append(std::string_view piece);
  outcome<identified> finish();

 private:
  outcome<void> canonicalise(const std::string& options);
  outcome<void> start(char kind);
  void feed_field(std::string_view bytes);
  void feed_text(std::string_view bytes);
  void feed(std::string_view bytes);
  void flush();
  outcome<identity> digest();

  struct free_digest {
    void operator()(evp_md_st* digest) const noexcept;
    void operator()(evp_md_ctx_st* context) const noexcept;
  };

  identity_options options_;
  std::unique_ptr<evp_md_st, free_digest> sha256_;
  std::unique_ptr<evp_md_ctx_st, free_digest> context_;
  line_normaliser lines_;
  code_point_counter counter_;
  bool text_open_ = false;
  bool digest_failed_ = false;
  std::size_t text_given_ = 0;
  std::uint64_t text_fed_ = 0;
  std::string form_;   // the part of the form that is not digested yet
  std::string whole_;  // the text, while composition needs all of it
  std::string rewritten_;
  std::string last_options_;
  std::string last_canonical_ = "{}";
};

}  // namespace aicache
