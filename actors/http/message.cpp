#include "actors/http/message.hpp"

#include <nlohmann/json.hpp>

namespace aicache::http {

namespace {

std::string dump(const nlohmann::json& j) { return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

int status_of(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return 400;
    case errc::too_large: return 413;
    case errc::overloaded: return 429;
    case errc::deadline: return 504;
    case errc::unavailable:
    case errc::shutting_down: return 503;
    default: return 500;
  }
}

}  // namespace

const char* phrase(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

std::string quoted_json(std::string_view text) { return dump(nlohmann::json(std::string(text))); }

std::string valid_utf8(std::string_view text) { return nlohmann::json::parse(quoted_json(text)).get<std::string>(); }

reply problem(int status, std::string_view detail) {
  const nlohmann::json j{
      {"type", "about:blank"}, {"title", phrase(status)}, {"status", status}, {"detail", std::string(detail)}};
  return {status, "application/problem+json", dump(j)};
}

reply problem(const fault& why) {
  return problem(status_of(why.code), why.detail.empty() ? describe(why.code) : why.detail);
}

reply json_reply(std::string body) { return {200, "application/json", std::move(body)}; }

}  // namespace aicache::http
