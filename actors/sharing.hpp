#pragma once

#include <memory>
#include <vector>

#include "actors/redis/invalidation.hpp"
#include "actors/redis/link.hpp"
#include "config/settings.hpp"
#include "config/sources.hpp"
#include "engine/codec/key_ring.hpp"

namespace aicache {

/// How a node shares answers with others, through Redis.
struct sharing_options {
  bool on = false;
  link_setup link;  ///< its I/O thread is made by the front
  invalidation_core::options invalidation;
  std::shared_ptr<journal_file> journal;  ///< null: none
  std::shared_ptr<const key_ring> keys;   ///< null: nothing is encrypted
};

/// What the settings of Redis, invalidation and encryption mean, once the files that they name have been read.
/// Returns everything that is wrong, for people; secrets are not quoted. `seed` differs between nodes.
std::vector<config::problem> read_sharing(const config::settings& s, std::uint64_t seed, sharing_options& out);

/// What may change of `running` while its node runs: how Redis is reached and how long it may take, leases and sweeps,
/// and keys. Files are read again. Returns what is wrong, and then nothing has changed. `renewed` says whether the link
/// to Redis must be made anew for it.
std::vector<config::problem> read_sharing_again(const config::settings& s, sharing_options& running, bool& renewed);

/// The keys that the settings name, read anew; null where encryption is off.
std::vector<config::problem> read_keys(const config::settings& s, std::shared_ptr<const key_ring>& out);

}  // namespace aicache
