#pragma once

#include <cstdint>
#include <string>

#include "engine/identity/request.hpp"
#include "engine/outcome.hpp"

namespace aicache {

/// Where the Python cache was given a question. Its generations differ, and so do their keys for the same request.
enum class question_place : std::uint8_t {
  apart,       ///< an argument of its own, which is no option
  in_options,  ///< the option `question`, which thereby counts twice: the last generation
};

/// The hashes of Python's hashlib that are always there and have a fixed length.
enum class legacy_digest : std::uint8_t {
  md5,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
  sha3_224,
  sha3_256,
  sha3_384,
  sha3_512,
  blake2b,
  blake2s,
};

/// How the Python cache was configured.
struct legacy_key_options {
  std::int64_t text_threshold = 1000;            ///< in code points; longer texts are hashed. 0: all but the empty one
  legacy_digest digest = legacy_digest::sha256;  ///< of long texts; options and question are always MD5
  question_place question = question_place::in_options;
};

/// The key under which the Python cache keeps the answer of a request, bit for bit: for moving from it to this one, and
/// for fleets in which both run.
///
/// Shape      ai_cache:op:OPERATION|txt:TEXT|opts:HASH|q:HASH; the last two only when there are options, and a question
///            TEXT  the text with `_` for every `|` and `:`; over the threshold `hash:` and 16 hexadecimal digits
///                  of the digest of the text, `len:` code points, `words:` words
///            opts  8 digits of MD5 over `name=value` of all options, sorted by name, joined by `&`; values as Python's
///                  str() writes them
///            q     8 digits of MD5 over the question
///            Tenant and model are not in it: that cache knew neither. With in_options a question of the request is one
///            more option; it may also stand in the options already, but not in both
/// Fails      invalid_argument: text, operation or question are not UTF-8; the options are not a JSON object (or
///            nothing, or null); what is hashed holds a lone surrogate (inside of lists and objects it is escaped, as
///            Python does, and so may stand there); a question that is true for Python and no text; two questions.
///            too_large: options beyond python_limits. internal: OpenSSL refuses the digest. The detail never repeats
///            a text
/// Invariant  the same key as CPython 3.11 computes (tests/legacy/key_oracle.py), up to python_text's word on printable
///            code points
/// Cost       one pass to measure the text and one to digest it; a short text is copied, a long one is not
///
/// Weak by design, and kept so here: different requests may share a key (`a|b` and `a_b`; `{"a":1}` and `{"a":"1"}`;
/// 32-bit hashes), and short texts stand in it in clear. So it names what that cache has, and is no identity.
outcome<std::string> legacy_key(const request& asked, const legacy_key_options& options = {});

}  // namespace aicache
