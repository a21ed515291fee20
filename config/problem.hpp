#pragma once

#include <string>
#include <vector>

namespace aicache::config {

/// Something wrong with the settings, for people: where it was written, which key, what the key must
/// be, and what to do about it. Values of secret keys never enter it.
struct problem {
  std::string source;
  std::string key;
  std::string rule;
  std::string fix;

  friend bool operator==(const problem&, const problem&) = default;
};

/// The problems as text of several lines, and nothing for none.
std::string render(const std::vector<problem>& problems);

}  // namespace aicache::config
