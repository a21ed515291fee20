#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/shard/transfer.hpp"
#include "messages/caf_version.hpp"
#include "messages/local_types.hpp"
#include "messages/packed_transfer.hpp"
#include "messages/wire.hpp"

// A whole cache on its way out of a node and into another. Whoever exports walks shard by shard, a page for each request;
// nothing of a walk is kept for it but a promise that cursors stay good for a while.
namespace aicache {

namespace wire {

/// Sends something that packed::pack and packed::unpack know as one string; never printed.
template <class What>
struct packed_as_one {
  What& what;

  template <class Inspector>
  friend typename Inspector::result_type inspect(Inspector& f, packed_as_one& x) {
    if constexpr (prints<Inspector>) {
      std::string shown = "...";
      return f(shown);
    } else if constexpr (Inspector::writes_state) {
      std::string bytes;
      if (auto why = f(bytes)) return why;
      if (!packed::unpack(bytes, x.what)) return caf::sec::runtime_error;
      return caf::none;
    } else {
      std::string bytes = packed::pack(x.what);
      return f(bytes);
    }
  }
};

}  // namespace wire

/// Tell some entries of this shard's memory (anyone to front).
struct export_request {
  std::uint32_t shard = 0;
  walk_place from;          ///< what the reply before said
  std::uint64_t bytes = 0;  ///< about how many of answers; 0, and more than a page may hold, mean that
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, export_request& x) {
  return f(caf::meta::type_name("aicache::export_request"), x.shard, x.from.walk, x.from.cursor, x.bytes);
}

/// A page of a shard's memory.
struct export_reply {
  errc why = errc::none;  ///< invalid_argument: no such shard; unavailable: it is away, ask again
  std::uint32_t shards = 0;
  walk_step step;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, export_reply& x) {
  wire::packed_as_one<transfer_page> page{x.step.page};
  walk_step& s = x.step;
  if constexpr (Inspector::writes_state) {
    if (auto failed = f(x.why, x.shards, s.next.walk, s.next.cursor, s.done, s.over, s.buckets, s.entries, s.unnamed,
                        s.unreadable, page))
      return failed;
    return wire::checked(x.why);
  } else {
    return f(caf::meta::type_name("aicache::export_reply"), x.why, x.shards, s.next.walk, s.next.cursor, s.done, s.over,
             s.buckets, s.entries, s.unnamed, s.unreadable, page);
  }
}

/// Take these entries in (anyone to front); at most limits.batch_keys of them.
struct import_request {
  import_rules rules;
  transfer_page page;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, import_request& x) {
  wire::packed_as_one<transfer_page> page{x.page};
  return f(caf::meta::type_name("aicache::import_request"), x.rules.dry_run, x.rules.foreign, page);
}

/// What became of each, in their order.
struct import_reply {
  errc why = errc::none;  ///< of all: too_large for too many, overloaded, shutting_down, unavailable
  std::vector<import_result> results;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, import_reply& x) {
  wire::packed_as_one<std::vector<import_result>> results{x.results};
  if constexpr (Inspector::writes_state) {
    if (auto failed = f(x.why, results)) return failed;
    return wire::checked(x.why);
  } else {
    return f(caf::meta::type_name("aicache::import_reply"), x.why, results);
  }
}

// -- within a process --------------------------------------------------------

/// The next step of a walk (front to shard).
struct walk_request {
  walk_place from;
  std::uint64_t bytes = 0;
};
/// What came of it (shard to front); with packed values in it also front to worker, which unpacks them.
struct walked {
  std::shared_ptr<walk_step> step;
};
/// Those of an import that are this shard's (front to shard).
struct import_entries {
  import_rules rules;
  std::shared_ptr<const transfer_page> page;
};
struct imported {
  errc why = errc::none;
  std::vector<import_result> results;
};

}  // namespace aicache
