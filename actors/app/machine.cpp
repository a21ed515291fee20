#include "actors/app/machine.hpp"

#include <unistd.h>

#include <cstdint>

namespace aicache::app {

config::machine this_machine() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long size = sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || size <= 0) return {};
  return {static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size)};
}

}  // namespace aicache::app
