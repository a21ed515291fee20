#pragma once

#include <optional>
#include <string_view>

#include "engine/identity/request.hpp"
#include "engine/legacy/legacy_key.hpp"
#include "engine/legacy/legacy_value.hpp"

namespace aicache {

/// The request that a key of the Python cache was made of, where the key says all of it: a text that stands in clear and
/// lost nothing, and neither options nor a question. Tenant and model stay empty. Nothing for every other key: what was
/// hashed is gone, and a `_` may have been a `|`, a `:` or itself.
///
/// Invariant  legacy_key(*request_of_legacy_key(key, o), o) == key, and no other request has that key
std::optional<request> request_of_legacy_key(std::string_view key, const legacy_key_options& options);

/// Whether another text than this one may have the same key, without any hash being to blame: it stands in clear, and
/// holds what keys do not tell apart.
bool shares_its_legacy_key(const request& asked, const legacy_key_options& options) noexcept;

/// Whether what was noted beside an answer, as far as anything was, is true of this request. Keys of the Python cache are
/// too weak to believe alone.
bool may_answer(const legacy_answer& found, const request& asked, const legacy_key_options& options) noexcept;

}  // namespace aicache
