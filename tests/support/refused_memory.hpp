#pragma once

#include <atomic>
#include <cstddef>

namespace aicache::test {

/// Allocations of at least so many bytes fail while this is not 0, in programs that link an operator new which heeds it.
inline std::atomic<std::size_t> refuse_from{0};

}  // namespace aicache::test
