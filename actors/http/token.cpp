#include "actors/http/token.hpp"

#include <fstream>

namespace aicache::http {

namespace {

constexpr const char* the_node = "what the node found";
constexpr std::streamsize longest_line = 4'096;

}  // namespace

std::vector<config::problem> read_token(const config::settings& s, std::string& out) {
  out = s.http.token;
  const bool from_file = !s.http.token_file.empty();
  const char* key = from_file ? "http.token_file" : "http.token";
  if (from_file) {
    std::ifstream in(s.http.token_file, std::ios::binary);
    std::string text(longest_line, '\0');
    in.read(text.data(), longest_line);
    if (in.bad() || (in.fail() && !in.eof()))
      return {{the_node, key, "must name a file that this process can read",
               "correct the path, or the file's permissions"}};
    text.resize(static_cast<std::size_t>(in.gcount()));
    out = text.substr(0, text.find_first_of("\r\n"));
  }
  if (out.empty() && !from_file) return {};
  if (out.size() >= shortest_token) return {};
  out.clear();
  return {{the_node, key, "must be a token of at least 16 characters",
           "write one that nobody can guess, such as what `openssl rand -hex 32` prints"}};
}

bool is_borne(std::string_view authorization, std::string_view token) noexcept {
  constexpr std::string_view scheme = "Bearer ";
  if (token.empty() || authorization.size() < scheme.size()) return false;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c; };
    if (lower(authorization[i]) != lower(scheme[i])) return false;
  }
  const std::string_view borne = authorization.substr(scheme.size());
  // As many steps for any guess of one length, wherever it goes wrong.
  volatile unsigned char different = borne.size() == token.size() ? 0 : 1;
  for (std::size_t i = 0; i < borne.size(); ++i)
    different = static_cast<unsigned char>(
        different | (static_cast<unsigned char>(borne[i]) ^ static_cast<unsigned char>(token[i % token.size()])));
  return different == 0;
}

}  // namespace aicache::http
