#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/outcome.hpp"
#include "engine/shard/transfer.hpp"

// How pages of entries cross a network, like the bodies of messages/packed.hpp.
//
//   page      names, list of { identity 32, whole u8, operation u16, tenant u16, text u8, created i64, expires i64,
//             born u64, numbered by u64, behind u8, has value u8, value, list of tag u64 }
//   imported  list of { status u8, error u8, behind u8 }
namespace aicache::packed {

/// Values are packed as raw bytes; one that is not raw is left out.
std::string pack(const transfer_page& page);
std::string pack(const std::vector<import_result>& results);

/// As unpack_items: every byte is checked, and nothing is taken for a size before it was. Half an identity says no more
/// than that. Fails: corrupt.
outcome<void> unpack(std::string_view bytes, transfer_page& page);
outcome<void> unpack(std::string_view bytes, std::vector<import_result>& results);

}  // namespace aicache::packed
