#pragma once

#include <span>
#include <string_view>

namespace aicache::http {

/// A file that is compiled into the program.
struct page_file {
  std::string_view path;  ///< as it is asked for: "/page.css"; the specification alone has no slash
  std::string_view type;
  std::string_view tag;  ///< an ETag, quotes included: it changes with the bytes
  std::string_view body;
};

/// Every file below actors/http/page and "openapi.yaml"; made by deploy/cmake/embed_files.cmake.
std::span<const page_file> page_files() noexcept;

}  // namespace aicache::http
