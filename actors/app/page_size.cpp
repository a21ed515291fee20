#include <mimalloc.h>

// Part of every program of ours that is linked against mimalloc: its memory lies in huge pages where Linux gives them
// (transparent_hugepage `madvise` or `always`). An answer lies anywhere in gigabytes, and with small pages the processor
// looks for its address before it looks for the answer. MIMALLOC_LARGE_OS_PAGES=0 in the environment switches it off.
namespace {

void use_huge_pages() { mi_option_set_enabled_default(mi_option_large_os_pages, true); }

// The allocator takes its first 32 MiB from the system while the libraries of the program are being initialised, which is
// before any constructor of the program; only what stands here is called before those.
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_the_first_segment)() = use_huge_pages;

}  // namespace
