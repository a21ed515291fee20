#include "engine/statistics/ledger.hpp"

namespace aicache {

namespace {

const ledger::row_name& other_row() {
  static const ledger::row_name other{"other", "other", "other"};
  return other;
}

template <class Name>
std::map<std::string, ledger_entry> grouped(const std::map<ledger::row_name, ledger_entry>& rows,
                                            Name ledger::row_name::*by) {
  std::map<std::string, ledger_entry> groups;
  for (const auto& [name, entry] : rows) groups[name.*by] += entry;
  return groups;
}

}  // namespace

ledger_entry& ledger::row_for(const row_name& name, std::uint64_t calls) {
  if (const auto known = rows_.find(name); known != rows_.end()) return known->second;
  const bool has_other = rows_.count(other_row()) != 0;
  if (name == other_row() || rows_.size() - (has_other ? 1 : 0) < limit_) return rows_[name];
  crowded_out_ += calls;
  return rows_[other_row()];
}

void ledger::add(const ledger_report& report) {
  crowded_out_ += report.crowded_out;
  for (const ledger_line& line : report.lines) {
    const saved_amount gained = line.gained.total();
    ledger_entry& row = row_for({line.tenant, line.operation, line.model}, gained.calls);
    row.saved += line.gained;
    if (const price* p = prices_.find(line.model)) {
      row.worth += p->of(gained.input_tokens, gained.output_tokens);
    } else {
      row.unpriced_tokens += gained.input_tokens + gained.output_tokens;
    }
  }
}

void ledger::merge(const ledger& more) {
  crowded_out_ += more.crowded_out_;
  for (const auto& [name, entry] : more.rows_) row_for(name, entry.saved.total().calls) += entry;
}

ledger_entry ledger::total() const noexcept {
  ledger_entry sum;
  for (const auto& [name, entry] : rows_) sum += entry;
  return sum;
}

std::map<std::string, ledger_entry> ledger::by_tenant() const { return grouped(rows_, &row_name::tenant); }
std::map<std::string, ledger_entry> ledger::by_operation() const { return grouped(rows_, &row_name::operation); }
std::map<std::string, ledger_entry> ledger::by_model() const { return grouped(rows_, &row_name::model); }

void ledger::clear() noexcept {
  rows_.clear();
  crowded_out_ = 0;
}

}  // namespace aicache
