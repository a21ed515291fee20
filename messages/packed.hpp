#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "engine/outcome.hpp"
#include "engine/shard/batch.hpp"

// How batches cross a network: one string each, which CAF copies as it is (15 to 90 % faster there than a vector of
// strings). In process nothing of this runs.
//
// All numbers little-endian. A list is a u32 count and its elements; a string a u32 size and its bytes.
//   names    list of strings each: operations, tenants, models
//   get      names, list of { identity 32, operation u16, tenant u16, model u16, text u8, lease u8 }, list of end u32
//   got      now i64, list of result = { status u8, from u8, error u8, stale u8, retrievals u16, lease u64, created i64,
//            expires i64, has value u8, value }
//   value    input tokens, output tokens, model ms, text bytes: u32 each; string of raw bytes
//   put      names, list of { identity 32, operation u16, tenant u16, text u8, lease u64, ttl i64, has value u8, value,
//            write through u8, list of tag u64 }
//   stored   list of { status u8, error u8, shared u8 }
//   keys     names, list of { identity 32, argument i64, operation u16, tenant u16 }
//   told     list of { found u8, error u8, left i64 }
namespace aicache::packed {

/// The error code with the highest number: what is above it is none of ours.
inline constexpr errc last_errc = static_cast<errc>(std::max({0
#define AICACHE_ERROR(name, number, retryable, text) , number
#include "engine/errors.def"
#undef AICACHE_ERROR
}));

std::string pack_items(const get_body& b);
std::string pack_items(const put_body& b);
std::string pack_items(const key_body& b);
std::string pack_results(const get_body& b);
std::string pack_results(const put_body& b);
std::string pack_results(const key_body& b);
/// late = list of { position u32, result }
std::string pack(const std::vector<late_result>& late);

/// Unpacking checks every size against what is really there before it takes memory, every enumeration against its
/// values, and that nothing is left over. Fails: corrupt.
outcome<void> unpack_items(std::string_view bytes, get_body& b);
outcome<void> unpack_items(std::string_view bytes, put_body& b);
outcome<void> unpack_items(std::string_view bytes, key_body& b);
outcome<void> unpack_results(std::string_view bytes, get_body& b);
outcome<void> unpack_results(std::string_view bytes, put_body& b);
outcome<void> unpack_results(std::string_view bytes, key_body& b);
outcome<void> unpack(std::string_view bytes, std::vector<late_result>& late);

}  // namespace aicache::packed
