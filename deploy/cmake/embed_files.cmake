# Makes a C++ source of files, so that a program needs none of them beside it. Run by the build:
#   cmake -D OUT=<source to write> -D ROOT=<folder> -D "PAGE=<file>;…" -D "SPECIFICATION=<file>" -P embed_files.cmake
# Each of PAGE becomes a page_file of actors/http/page_files.hpp, known by its path below ROOT.
set(types
  html "text/html" css "text/css" js "text/javascript"
  json "application/json" svg "image/svg+xml" png "image/png" ico "image/x-icon" woff2 "font/woff2"
  yaml "application/yaml")

set(arrays "")
set(rows "")
set(number 0)
function(embed file path)
  file(READ "${file}" hex HEX)
  file(SHA256 "${file}" hash)
  string(SUBSTRING "${hash}" 0 16 tag)
  # 0x61,0x62,… with line ends, for the compiler's sake.
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REPEAT "." 100 line)
  string(REGEX REPLACE "(${line})" "\\1\n" bytes "${bytes}")
  get_filename_component(ending "${file}" LAST_EXT)
  string(REPLACE "." "" ending "${ending}")
  set(type "text/plain")
  list(FIND types "${ending}" at)
  if(ending AND at GREATER_EQUAL 0)
    math(EXPR at "${at} + 1")
    list(GET types ${at} type)
  endif()
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8")
  endif()
  # An empty file is an array too.
  set(arrays "${arrays}constexpr unsigned char file_${number}[] = {${bytes}0};\n" PARENT_SCOPE)
  set(rows "${rows}    {\"${path}\", \"${type}\", \"\\\"${tag}\\\"\", bytes_of(file_${number})},\n" PARENT_SCOPE)
  math(EXPR next "${number} + 1")
  set(number ${next} PARENT_SCOPE)
endfunction()

embed("${SPECIFICATION}" "openapi.yaml")
foreach(file IN LISTS PAGE)
  file(RELATIVE_PATH path "${ROOT}" "${file}")
  embed("${file}" "/${path}")
endforeach()

file(WRITE "${OUT}" "#include \"actors/http/page_files.hpp\"

namespace aicache::http {

namespace {

template <class Array>
std::string_view bytes_of(const Array& a) noexcept {
  return {reinterpret_cast<const char*>(a), sizeof a - 1};
}

${arrays}
}  // namespace

std::span<const page_file> page_files() noexcept {
  static const page_file files[] = {
${rows}  };
  return files;
}

}  // namespace aicache::http
")
