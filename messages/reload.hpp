#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "engine/advice/snapshot.hpp"
#include "engine/outcome.hpp"
#include "engine/shard/options.hpp"
#include "engine/statistics/record_book.hpp"
#include "messages/caf_version.hpp"
#include "messages/local_types.hpp"
#include "messages/wire.hpp"

// Settings that change while a node runs.
namespace aicache {

/// Read your sources of settings again, and do by them from now on (anyone to front).
struct reload_request {};
AICACHE_INSPECT_EMPTY(reload_request)

/// A setting that differs from what the node runs by. Secrets are masked.
struct setting_change {
  std::string key;
  std::string before;
  std::string after;
  std::string why;  ///< it takes effect only when the node is started again; empty where it has taken effect

  friend bool operator==(const setting_change&, const setting_change&) = default;
};
AICACHE_INSPECT(setting_change, a, b, c, d)

/// What came of a reload. With problems nothing has changed.
struct reload_reply {
  std::vector<std::string> problems;  ///< all that is wrong, a sentence or two each
  std::vector<setting_change> applied;
  std::vector<setting_change> refused;
  std::uint64_t keys = 0;  ///< of encryption, that were read again
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, reload_reply& x) {
  return f(caf::meta::type_name("aicache::reload_reply"), x.problems, x.applied, x.refused, x.keys);
}

// -- within a process --------------------------------------------------------

/// The same with settings that were made in code (anyone to front).
struct use_settings {
  std::shared_ptr<const config::settings> wanted;
};
/// What does the node run by? (anyone to front) The reply is null where nobody has told the front.
struct settings_request {};
struct running_settings {
  std::shared_ptr<const config::settings> now;
};
/// Do by these from now on (front to shards).
struct retune_shard {
  std::shared_ptr<const shard_options> options;
  client_limits limits;
  duration report_interval{0};
  duration drain_timeout{0};
};
/// The same for the monitor.
struct retune_monitor {
  std::shared_ptr<const record_book::options> figures;
  advice_ground ground;
  duration redis_deadline{0};
  std::uint32_t redis_connections = 1;
};

}  // namespace aicache
