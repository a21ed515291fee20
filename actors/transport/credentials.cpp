#include "actors/transport/credentials.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "actors/secret_file.hpp"
#include "actors/transport/session.hpp"
#include "config/problem.hpp"

namespace aicache::tls {

namespace {

// The newest thing that went wrong in OpenSSL, of this thread; it is forgotten then.
std::string reason() {
  const unsigned long last = ERR_peek_last_error();
  const char* said = ERR_reason_error_string(last);
  ERR_clear_error();
  return said == nullptr ? "unknown reason" : said;
}

struct context_release {
  void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); }
};

int give_passphrase(char* into, int room, int, void* from) {
  const std::string& phrase = *static_cast<const std::string*>(from);
  if (phrase.size() > static_cast<std::size_t>(room)) return 0;
  std::memcpy(into, phrase.data(), phrase.size());
  return static_cast<int>(phrase.size());
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* const parsed = a2i_IPADDRESS(name.c_str());
  ASN1_OCTET_STRING_free(parsed);
  if (parsed == nullptr) ERR_clear_error();
  return parsed != nullptr;
}

bool is_for(X509* certificate, const std::string& name) {
  if (is_address(name)) return X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
  // To OpenSSL a leading dot means any label before it.
  const std::string_view asked = std::string_view(name).substr(name.starts_with("*.") ? 1 : 0);
  constexpr unsigned strictly = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS;
  return X509_check_host(certificate, asked.data(), asked.size(), strictly, nullptr) == 1;
}

// What holds for every connection, whatever the files say.
void demand_proof(SSL_CTX* c) {
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  // Of TLS 1.2 only what gives no key away later; TLS 1.3 has nothing else.
  SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20");
  // A session that is taken up again would be let in without its certificate being looked at.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, session::judge_peer);
}

}  // namespace

bool is_on(const config::settings& s) noexcept {
  return !s.tls.certificate_file.empty() || !s.tls.key_file.empty() || !s.tls.ca_file.empty();
}

std::vector<std::string> peers_of(const config::settings& s) {
  std::vector<std::string> names;
  for (std::string_view rest = s.tls.peers; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (!name.empty()) names.emplace_back(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return names;
}

bool is_for_any(const x509_st* certificate, const std::vector<std::string>& names) {
  // OpenSSL 3.0 takes it without const, and changes nothing.
  X509* const c = const_cast<X509*>(certificate);
  for (const std::string& name : names)
    if (is_for(c, name)) return true;
  return false;
}

outcome<std::shared_ptr<const credentials>> credentials::read(const config::settings& s) {
  std::vector<config::problem> problems;
  const auto wrong = [&](const char* key, std::string rule, const char* fix) {
    problems.push_back({"what the node found", key, std::move(rule), fix});
  };
  const std::pair<const char*, const std::string*> files[] = {{"tls.certificate_file", &s.tls.certificate_file},
                                                              {"tls.key_file", &s.tls.key_file},
                                                              {"tls.ca_file", &s.tls.ca_file}};
  for (const auto& [key, path] : files)
    if (path->empty()) wrong(key, "must be set: TLS needs certificate, key and authority", "set all three");
  std::string phrase;
  if (!s.tls.passphrase_file.empty()) {
    if (const auto text = text_of_file(s.tls.passphrase_file)) {
      phrase = first_line(*text);
    } else {
      wrong("tls.passphrase_file", "must name a file that this process can read", "correct the path");
    }
  }
  const std::unique_ptr<SSL_CTX, context_release> c(SSL_CTX_new(TLS_method()));
  if (!c) return fault{errc::internal, "OpenSSL gives no context: " + reason()};
  demand_proof(c.get());
  SSL_CTX_set_default_passwd_cb(c.get(), give_passphrase);
  SSL_CTX_set_default_passwd_cb_userdata(c.get(), &phrase);
  if (!s.tls.certificate_file.empty() &&
      SSL_CTX_use_certificate_chain_file(c.get(), s.tls.certificate_file.c_str()) != 1)
    wrong("tls.certificate_file", "must be a certificate as PEM: " + reason(), "correct the path, or the file");
  if (!s.tls.key_file.empty() && SSL_CTX_use_PrivateKey_file(c.get(), s.tls.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    wrong("tls.key_file", "must be the private key of tls.certificate_file as PEM: " + reason(),
          "correct the path, or set tls.passphrase_file");
  if (!s.tls.ca_file.empty() && SSL_CTX_load_verify_locations(c.get(), s.tls.ca_file.c_str(), nullptr) != 1)
    wrong("tls.ca_file", "must be certificates of authorities as PEM: " + reason(), "correct the path, or the file");
  // The phrase goes out of scope, and is asked for no more.
  SSL_CTX_set_default_passwd_cb_userdata(c.get(), nullptr);
  SSL_CTX_set_default_passwd_cb(c.get(), nullptr);
  OPENSSL_cleanse(phrase.data(), phrase.size());
  if (!problems.empty()) return fault{errc::invalid_argument, config::render(problems)};
  SSL_CTX_up_ref(c.get());
  return std::shared_ptr<const credentials>(new credentials(c.get(), peers_of(s)));
}

credentials::credentials(ssl_ctx_st* context, std::vector<std::string> peers)
    : context_(context), peers_(std::move(peers)) {}

credentials::~credentials() { SSL_CTX_free(context_); }

}  // namespace aicache::tls
