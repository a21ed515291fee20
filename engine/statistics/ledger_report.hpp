#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/statistics/ledger_figures.hpp"

namespace aicache {

/// What one combination of tenant, operation and model has added since the shard's last report.
struct ledger_line {
  std::string tenant;
  std::string operation;
  std::string model;
  ledger_figures gained;

  friend bool operator==(const ledger_line&, const ledger_line&) = default;
};

/// What one shard saved since its last report.
struct ledger_report {
  std::vector<ledger_line> lines;
  std::uint64_t crowded_out = 0;  ///< calls that count as "other" because the shard's accounts are used up

  friend bool operator==(const ledger_report&, const ledger_report&) = default;
};

}  // namespace aicache
