#pragma once

#include "config/rules.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace aicache::config {

/// What the file of a certificate was found to hold.
struct found_certificate {
  enum class content { unreadable, no_certificate, certificate };

  content holds = content::unreadable;
  bool fits_its_key = true;    ///< where it has a key that could be read
  std::int64_t days_left = 0;  ///< full days; below 0: it is over. Of several authorities, those of the last to end
};

/// What is known of the machine that a node will run on: 0, or nothing, is not known.
struct machine {
  std::uint64_t memory_bytes = 0;
  std::optional<found_certificate> certificate{};        ///< redis.certificate_file
  std::optional<found_certificate> authorities{};        ///< redis.ca_file
  std::optional<found_certificate> own_certificate{};    ///< tls.certificate_file
  std::optional<found_certificate> peers_authorities{};  ///< tls.ca_file
};

/// What a piece of advice is: an error cannot work on this machine, a conflict says one thing in two ways, a warning
/// is most likely not meant, a recommendation would be better otherwise.
enum class weight { error, conflict, warning, recommendation };

/// Whether a strict preset makes a rule of it, so that a node does not start against it.
enum class demand : bool { advised, mandatory };

/// A judgement on settings that are right in themselves. To add one, write a function in advice.cpp and its row in the
/// table there.
///
/// Invariant  a mandatory one reads keys of the section `about` only: while one of them is in doubt it is not asked
struct advice_row {
  weight kind;
  demand strict;
  std::string_view about;
  std::vector<breach> (*check)(const settings&, const machine&);
};

std::span<const advice_row> all_advice();

/// How well the way to Redis is guarded: "none" without Redis; "high" with TLS, a password and the server's name verified;
/// "medium" with TLS or a password, or on this machine; "low" otherwise.
std::string_view security_level(const settings& s);

}  // namespace aicache::config
