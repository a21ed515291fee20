#pragma once

#include <stdexcept>
#include <string>

#include "tests/support/redis_server.hpp"

namespace aicache::test {

/// Certificates of an authority of the test's own, made with the openssl command in a folder that goes away: `good` for
/// localhost and 127.0.0.1, `expired` for the same, `elsewhere` for another host, and the authority `stranger` that
/// signed none of them.
class tls_certificates {
 public:
  tls_certificates() {
    for (const char* ca : {"ca", "stranger"})
      openssl(std::string("req -x509 ") + new_key + " -days 2 -subj /CN=" + ca + " -keyout " + ca + ".key -out " + ca +
              ".pem");
    issue("good", "DNS:localhost,IP:127.0.0.1", "2");
    issue("expired", "DNS:localhost,IP:127.0.0.1", "-1");
    issue("elsewhere", "DNS:elsewhere.example", "2");
  }

  /// One more certificate, `name`.pem with `name`.key, for `alternative`, signed by `authority`.
  void issue(const std::string& name, const std::string& alternative, const std::string& days,
             const std::string& authority = "ca") {
    shell("echo subjectAltName=" + alternative + " > " + name + ".ext");
    openssl(std::string("req ") + new_key + " -subj /CN=" + name + " -keyout " + name + ".key -out " + name + ".csr");
    openssl("x509 -req -in " + name + ".csr -CA " + authority + ".pem -CAkey " + authority +
            ".key -CAcreateserial -days " + days + " -extfile " + name + ".ext -out " + name + ".pem");
  }
  /// The key `name`.key once more, as `name`.locked.key, which opens by a pass phrase.
  void lock_key(const std::string& name, const std::string& phrase) {
    openssl("pkey -in " + name + ".key -aes256 -passout pass:" + phrase + " -out " + name + ".locked.key");
  }

  std::string at(const std::string& file) const { return (folder_.path() / file).string(); }

  /// The words by which a redis-server serves TLS alone, or beside plain text, on `port` with the certificate `name`.
  std::vector<std::string> server_words(const std::string& name, std::uint16_t port) const {
    return {"--tls-port",      std::to_string(port), "--tls-cert-file", at(name + ".pem"),    "--tls-key-file",
            at(name + ".key"), "--tls-ca-cert-file", at("ca.pem"),      "--tls-auth-clients", "no"};
  }

 private:
  static constexpr const char* new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

  void openssl(const std::string& words) { shell("openssl " + words); }
  void shell(const std::string& command) {
    program p({"/bin/sh", "-c", "cd " + folder_.path().string() + " && " + command}, {"PATH=/usr/bin:/bin"});
    if (p.end(std::chrono::seconds{30}) != 0) throw std::runtime_error(command + ": " + p.errors());
  }

  scratch_folder folder_;
};

}  // namespace aicache::test
