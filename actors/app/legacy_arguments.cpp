#include "actors/app/legacy_arguments.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <utility>

namespace aicache::app {

namespace {

// In the order of legacy_digest.
constexpr std::array digest_names{"md5",      "sha1",     "sha224",   "sha256",   "sha384",  "sha512",
                                  "sha3_224", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"};
static_assert(digest_names.size() == static_cast<std::size_t>(legacy_digest::blake2s) + 1);

// By their order, or by the letters that the history of the Python cache gives them.
constexpr std::pair<const char*, question_place> generations[] = {
    {"first", question_place::apart}, {"L", question_place::apart},         {"middle", question_place::apart},
    {"S", question_place::apart},     {"last", question_place::in_options}, {"H", question_place::in_options}};

}  // namespace

void take_legacy(CLI::App& command, legacy_arguments& to) {
  command.add_option("--text-threshold", to.keys.text_threshold,
                     "texts of more code points were hashed (1000 unless it was set)");
  command.add_option("--digest", to.digest, "the hash of long texts (sha256 unless it was set), by hashlib's name");
}

outcome<legacy_key_options> legacy_options_of(const legacy_arguments& given) {
  legacy_key_options out = given.keys;
  const auto generation = std::find_if(std::begin(generations), std::end(generations),
                                       [&](const auto& g) { return given.generation == g.first; });
  if (generation == std::end(generations))
    return fault{errc::invalid_argument, "the generations are first (L), middle (S) and last (H)"};
  out.question = generation->second;
  const auto digest = std::find(digest_names.begin(), digest_names.end(), given.digest);
  if (digest == digest_names.end())
    return fault{errc::invalid_argument, "no such digest: it is one of hashlib's, such as sha256 or md5"};
  out.digest = static_cast<legacy_digest>(digest - digest_names.begin());
  return out;
}

}  // namespace aicache::app
