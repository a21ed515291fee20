#include "actors/app/machine.hpp"

#include <unistd.h>

#include <cstdint>

#include "actors/app/certificates.hpp"

namespace aicache::app {

config::machine this_machine(const config::settings& s) {
  config::machine found;
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long size = sysconf(_SC_PAGE_SIZE);
  if (pages > 0 && size > 0) found.memory_bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size);
  if (!s.tls.ca_file.empty()) found.peers_authorities = look_at_certificates(s.tls.ca_file);
  if (!s.tls.certificate_file.empty())
    found.own_certificate = look_at_certificate(s.tls.certificate_file, s.tls.key_file, s.tls.passphrase_file);
  // Without TLS nobody reads them.
  if (!s.redis.url.starts_with("rediss://")) return found;
  if (!s.redis.ca_file.empty()) found.authorities = look_at_certificates(s.redis.ca_file);
  if (!s.redis.certificate_file.empty())
    found.certificate = look_at_certificate(s.redis.certificate_file, s.redis.key_file);
  return found;
}

}  // namespace aicache::app
