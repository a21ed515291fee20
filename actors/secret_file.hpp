#pragma once

#include <optional>
#include <string>

namespace aicache {

/// What a file of secrets or certificates holds, or nothing when it cannot be read. Longer ones are cut off at 64 KiB.
std::optional<std::string> text_of_file(const std::string& path);

/// Its first line, which is the secret of a file that holds one.
std::string first_line(const std::string& text);

}  // namespace aicache
