#include <mimalloc.h>

// Part of every program of ours that is linked against mimalloc: its memory lies in huge pages where Linux gives them
// (transparent_hugepage `madvise` or `always`). An answer lies anywhere in gigabytes, and with small pages the processor
// looks for its address before it looks for the answer. MIMALLOC_LARGE_OS_PAGES=0 in the environment switches it off.
namespace {

// Before the allocator gives out the first byte, which is before main and before most constructors.
[[gnu::constructor(101)]] void use_huge_pages() { mi_option_set_enabled_default(mi_option_large_os_pages, true); }

}  // namespace
