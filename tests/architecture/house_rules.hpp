#pragma once

#include "tests/architecture/source_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aicache::architecture {

/// One place that breaks a rule of the house.
struct breach {
  std::string file;      ///< relative to the root that was checked
  std::size_t line = 0;  ///< from 1; 0 when the whole file or folder is meant
  std::string rule;      ///< what is broken, as a sentence to a person

  friend bool operator==(const breach&, const breach&) = default;
};

inline std::string to_string(const breach& b) { return b.file + ":" + std::to_string(b.line) + ": " + b.rule; }

/// A header, or a family of headers, that only some places may include. `places` are prefixes of paths.
struct include_limit {
  std::string_view header;  ///< a prefix of what stands between the brackets
  std::vector<std::string_view> places;
};

/// A word that may not stand in code below `folder`, but for the places named.
struct word_ban {
  std::string_view folder;
  std::string_view word;  ///< as has_word() takes it
  std::vector<std::string_view> except;
};

/// A file may have this many lines before its folder's README.md has to give the reason.
inline constexpr std::size_t longest_file = 500;

inline constexpr std::array<std::string_view, 7> top_folders = {"config", "engine", "messages", "actors",
                                                                "tests",  "perf",   "deploy"};
// Besides these, the root holds dotfiles, and the build folder that git ignores.
inline constexpr std::array<std::string_view, 5> root_entries = {"CMakeLists.txt", "CMakePresets.json", "README.md",
                                                                 "LICENSE", "build"};
inline constexpr std::array<std::string_view, 5> empty_names = {"manager", "helper", "util", "common", "misc"};

inline bool below_any(std::string_view path, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [path](std::string_view p) { return path.starts_with(p); });
}

/// The rank of a path's layer; nothing for what is in no layer: tests and perf may include anything.
inline std::optional<int> rank_of(std::string_view path) {
  if (path.starts_with("config/")) return 0;
  if (path.starts_with("engine/")) return 1;
  if (path.starts_with("messages/")) return 2;
  if (path.starts_with("actors/app/")) return 4;
  if (path.starts_with("actors/")) return 3;
  return std::nullopt;
}

inline const std::vector<include_limit>& include_limits() {
  static const std::vector<include_limit> limits = {
      {"zstd", {"engine/codec/"}},
      {"zdict", {"engine/codec/"}},
      {"openssl/", {"engine/identity/", "engine/codec/", "engine/legacy/", "actors/sharing.", "actors/transport/", "actors/app/certificates."}},
      {"zlib", {"engine/legacy/"}},
      {"toml", {"config/"}},
      {"yaml-cpp/", {"config/"}},
      {"caf/", {"messages/", "actors/"}},
      {"asio", {"actors/"}},
      {"hiredis", {"actors/redis"}},
      {"prometheus/", {"actors/exporter", "actors/http"}},
      {"civetweb", {"actors/exporter", "actors/http"}},
      {"CivetServer", {"actors/exporter", "actors/http"}},
  };
  return limits;
}

inline const std::vector<word_ban>& word_bans() {
  static const std::vector<word_ban> bans = [] {
    std::vector<word_ban> rows = {
        {"engine/", "::now(", {}},
        {"config/", "::now(", {}},
        {"engine/", "throw", {}},
        {"actors/", "throw", {}},
        {"engine/", "std::atomic*", {"engine/memory/blob.hpp"}},
        {"actors/", "std::atomic*", {"actors/redis", "actors/exporter", "actors/http"}},
    };
    for (std::string_view word :
         {"std::thread", "std::jthread", "std::mutex", "std::shared_mutex", "std::recursive_mutex", "std::timed_mutex",
          "std::condition_variable*", "std::scoped_lock", "std::lock_guard", "std::unique_lock", "std::shared_lock",
          "std::future", "std::async", "pthread_*", "sleep_for", "sleep_until"}) {
      rows.push_back({"engine/", word, {}});
      rows.push_back({"actors/", word, {"actors/redis", "actors/exporter", "actors/http"}});
      // The client, and its handle for generic entries, are the door for plain threads, and what they wait on is a future;
      // no actor ever waits on one.
      if (word == "std::future") rows.back().except = {"actors/client.", "actors/generic_store."};
      // What handles read in any thread and their actor writes: one pointer.
      if (word == "std::mutex" || word == "std::lock_guard") rows.back().except.push_back("actors/present_front.");
      // A program keeps its ending signals for one place before it has any thread.
      if (word == "pthread_*") rows.back().except.push_back("actors/app/boot.");
    }
    return rows;
  }();
  return bans;
}

/// What an #include line names, and whether it stands in quotes.
struct included {
  std::string_view name;
  bool quoted = false;
};

inline std::optional<included> include_in(std::string_view line) {
  auto skip_blanks = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_blanks();
  if (!line.starts_with('#')) return std::nullopt;
  line.remove_prefix(1);
  skip_blanks();
  if (!line.starts_with("include")) return std::nullopt;
  line.remove_prefix(7);
  skip_blanks();
  if (line.empty() || (line.front() != '"' && line.front() != '<')) return std::nullopt;
  auto quoted = line.front() == '"';
  auto end = line.find(quoted ? '"' : '>', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return included{line.substr(1, end - 1), quoted};
}

/// The sentence that an include in `path` breaks; empty when it breaks none.
inline std::string broken_by_include(std::string_view path, included what) {
  auto from = rank_of(path);
  if (!from) return {};
  auto name = std::string(what.name);
  auto folder = what.name.substr(0, std::min(what.name.find('/'), what.name.size()));
  auto of_project = what.name.find('/') != std::string_view::npos &&
                    std::find(top_folders.begin(), top_folders.end(), folder) != top_folders.end();
  if (of_project && !what.quoted) return "write a project include in quotes: \"" + name + "\"";
  if (of_project) {
    auto to = rank_of(what.name);
    if (!to) return "no layer includes " + std::string(folder) + ": \"" + name + "\"";
    if (*to > *from)
      return "includes go down: rank " + std::to_string(*from) + " includes \"" + name + "\" of rank " +
             std::to_string(*to);
    return {};
  }
  for (const auto& limit : include_limits())
    if (what.name.starts_with(limit.header) && !below_any(path, limit.places))
      return "<" + name + "> may be included only in " + std::string(limit.places.front());
  if (what.quoted) return "write a project include from the root: \"" + name + "\"";
  return {};
}

inline bool is_header(const std::filesystem::path& p) { return p.extension() == ".hpp" || p.extension() == ".h"; }

inline bool is_source(const std::filesystem::path& p) {
  return is_header(p) || p.extension() == ".cpp" || p.extension() == ".def";
}

/// Includes and words of one source, line by line.
inline void check_code(const std::string& path, const std::string& text, std::vector<breach>& found) {
  auto with_literals = lines_of(without_comments(text, literals::kept));
  for (std::size_t i = 0; i < with_literals.size(); ++i)
    if (auto what = include_in(with_literals[i]))
      if (auto rule = broken_by_include(path, *what); !rule.empty()) found.push_back({path, i + 1, rule});
  auto code = lines_of(without_comments(text, literals::blanked));
  for (const auto& ban : word_bans()) {
    if (!path.starts_with(ban.folder) || below_any(path, ban.except)) continue;
    for (std::size_t i = 0; i < code.size(); ++i)
      if (has_word(code[i], ban.word))
        found.push_back({path, i + 1, "banned in " + std::string(ban.folder) + ": " + std::string(ban.word)});
  }
}

/// Whether a README names the file on a line that also says why: some words beside the name.
inline bool gives_reason(const std::string& readme, const std::string& file_name) {
  auto lines = lines_of(readme);
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(file_name) != std::string::npos && line.size() >= file_name.size() + 20;
  });
}

/// What a source owes as a file: a guard, and a length that somebody answers for.
inline void check_form(const std::filesystem::path& root, const std::string& path, const std::string& text,
                       std::vector<breach>& found) {
  auto code = lines_of(without_comments(text, literals::blanked));
  auto guarded = [](const std::string& line) { return line.starts_with("#pragma once"); };
  if (is_header(path) && std::none_of(code.begin(), code.end(), guarded))
    found.push_back({path, 1, "a header starts with #pragma once"});
  auto readme = (root / path).parent_path() / "README.md";
  auto name = std::filesystem::path(path).filename().string();
  if (code.size() > longest_file && !gives_reason(contents_of(readme), name))
    found.push_back({path, code.size(),
                     "over " + std::to_string(longest_file) + " lines, and the folder's README.md does not say why"});
}

/// Names that say nothing, as a word of a file's or folder's name.
inline void check_name(const std::string& path, std::vector<breach>& found) {
  auto name = std::filesystem::path(path).filename().string();
  for (auto& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = ' ';
  for (auto word : empty_names)
    if (has_word(name, word) || has_word(name, std::string(word) + "s"))
      found.push_back({path, 0, "a name that says nothing: " + std::string(word)});
}

/// The root holds the agreed folders and files, and nothing else.
inline void check_root(const std::filesystem::path& root, std::vector<breach>& found) {
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    auto name = entry.path().filename().string();
    auto agreed = entry.is_directory() && name != "build"
                      ? std::find(top_folders.begin(), top_folders.end(), name) != top_folders.end()
                      : std::find(root_entries.begin(), root_entries.end(), name) != root_entries.end();
    if (!agreed && !name.starts_with('.')) found.push_back({name, 0, "not part of the agreed top level"});
  }
}

/// Every file and folder below the agreed folders, relative to the root, in order of name.
inline std::vector<std::string> paths_below(const std::filesystem::path& root) {
  std::vector<std::string> paths;
  for (auto folder : top_folders) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder))
      paths.push_back(std::filesystem::relative(entry.path(), root).generic_string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Every breach of the rules in the tree at `root`, by file. The rules are those of README.md, "Folders".
inline std::vector<breach> breaches_in(const std::filesystem::path& root) {
  std::vector<breach> found;
  check_root(root, found);
  for (const auto& path : paths_below(root)) {
    check_name(path, found);
    if (!is_source(path) || !std::filesystem::is_regular_file(root / path)) continue;
    auto text = contents_of(root / path);
    check_form(root, path, text, found);
    check_code(path, text, found);
  }
  return found;
}

}  // namespace aicache::architecture
