#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/statistics/ledger_figures.hpp"
#include "engine/statistics/ledger_report.hpp"
#include "engine/statistics/prices.hpp"

namespace aicache {

/// What was saved, and what it would have cost.
struct ledger_entry {
  ledger_figures saved;
  money worth;
  std::uint64_t unpriced_tokens = 0;  ///< of models without a price; `worth` leaves them out

  ledger_entry& operator+=(const ledger_entry& more) noexcept {
    saved += more.saved;
    worth += more.worth;
    unpriced_tokens += more.unpriced_tokens;
    return *this;
  }
  friend bool operator==(const ledger_entry&, const ledger_entry&) = default;
};

/// What a node saved: calls, tokens, money and model time that hits made unnecessary.
///
/// Shape      one row for each tenant, operation and model that a shard reported
/// Units      tokens and calls exact; money in trillionths, valued at the price that holds when a report comes in
/// Owner      the monitor; a plain value elsewhere
/// Invariant  the sum over the rows is the sum of all reports: beyond `rows` rows, what is new goes to one row "other"
///            (and is counted in crowded_out), where an old row's further gains still find their own
/// Cost       add: a look-up by name for each line of a report, none per request
class ledger {
 public:
  struct row_name {
    std::string tenant, operation, model;
    friend auto operator<=>(const row_name&, const row_name&) = default;
  };

  explicit ledger(std::size_t rows = 4096, price_table prices = price_table{})
      : limit_(rows), prices_(std::move(prices)) {}

  void add(const ledger_report& report);

  /// Adds what another node's ledger holds, as it was valued there. Only ledgers in one currency mean anything together.
  void merge(const ledger& more);

  /// Holds from now on; what is in keeps its value.
  void prices(price_table p) { prices_ = std::move(p); }
  const price_table& prices() const noexcept { return prices_; }

  const std::map<row_name, ledger_entry>& rows() const noexcept { return rows_; }
  ledger_entry total() const noexcept;
  std::map<std::string, ledger_entry> by_tenant() const;
  std::map<std::string, ledger_entry> by_operation() const;
  std::map<std::string, ledger_entry> by_model() const;

  /// Calls that found no row of their own, here or in their shard.
  std::uint64_t crowded_out() const noexcept { return crowded_out_; }

  /// Forgets what was saved; prices and limits stay.
  void clear() noexcept;

 private:
  ledger_entry& row_for(const row_name& name, std::uint64_t calls);

  std::size_t limit_;
  price_table prices_;
  std::map<row_name, ledger_entry> rows_;
  std::uint64_t crowded_out_ = 0;
};

}  // namespace aicache
