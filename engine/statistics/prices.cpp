#include "engine/statistics/prices.hpp"

namespace aicache {

outcome<void> price_table::set(std::string_view model, price p) {
  if (model.empty()) return fault{errc::invalid_argument, "a price needs the name of a model"};
  if (p.input > most || p.output > most)
    return fault{errc::invalid_argument, "a price is too high to be summed exactly"};
  if (model.back() == '*') {
    model.remove_suffix(1);
    beginnings_.insert_or_assign(std::string(model), p);
  } else {
    exact_.insert_or_assign(std::string(model), p);
  }
  return {};
}

const price* price_table::find(std::string_view model) const noexcept {
  if (const auto known = exact_.find(model); known != exact_.end()) return &known->second;
  if (beginnings_.empty()) return nullptr;
  for (std::size_t length = model.size() + 1; length-- > 0;)
    if (const auto known = beginnings_.find(model.substr(0, length)); known != beginnings_.end()) return &known->second;
  return nullptr;
}

}  // namespace aicache
