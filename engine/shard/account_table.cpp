#include "engine/shard/account_table.hpp"

namespace aicache {

account_row& account_table::add(const account_name& name) {
  places_.emplace(name.packed(), static_cast<std::uint32_t>(rows_.size()));
  account_row& fresh = rows_.emplace_back();
  fresh.name = name;
  return fresh;
}

account_row& account_table::reuse(const account_name& name) {
  account_row& row = rows_[next_];
  next_ = (next_ + 1) % rows_.size();
  const ledger_figures untold = row.unreported;
  const std::uint64_t before = row.name.packed();
  row = account_row{};
  row.name = name;
  if (const auto own = left_.find(name.packed()); own != left_.end()) {
    row.unreported = own->second;
    left_.erase(own);
  }
  if (untold == ledger_figures{}) {
    // Nothing of it is left to tell.
  } else if (left_.size() < limit_) {
    left_.emplace(before, untold);
  } else {
    crowded_out_ += untold.total().calls;
    other_ += untold;
  }
  auto node = places_.extract(before);
  node.key() = name.packed();
  places_.insert(std::move(node));
  return row;
}

}  // namespace aicache
