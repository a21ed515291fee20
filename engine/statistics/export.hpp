#pragma once

#include <string>

#include "engine/statistics/node_facts.hpp"
#include "engine/statistics/record_book.hpp"

namespace aicache {

/// A summary as a JSON object. What is absent is left out; times of work are in nanoseconds, sizes in bytes, shares in
/// percent, `at` in milliseconds since the Unix epoch. Bytes of names that are not UTF-8 become U+FFFD.
std::string to_json(const summary& s);

/// The same, with the node's own facts under "node" and, where there is Redis, "redis".
std::string to_json(const summary& s, const node_facts& node);

/// The ledger as a JSON object: the total, and by tenant, operation and model; money in millionths of the currency.
std::string to_json(const ledger& l);

/// Everything that is kept, raw: every counter of every operation, tenant and the shards, every bucket of the
/// histograms, and the ledger's rows.
std::string export_json(const record_book& book, const node_facts& node, instant now);

}  // namespace aicache
