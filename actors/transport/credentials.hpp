#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "engine/outcome.hpp"

struct ssl_ctx_st;
struct x509_st;

namespace aicache::tls {

/// Whether the settings ask for TLS between nodes and applications. With one of its three files they ask for it, and
/// then all three are needed: nothing falls back to connections in clear.
bool is_on(const config::settings& s) noexcept;

/// The names of tls.peers.
std::vector<std::string> peers_of(const config::settings& s);

/// Whether a certificate is for one of the names: DNS names, which may begin with "*." for one label, and addresses.
/// Only the alternative names of a certificate count, never its common name.
bool is_for_any(const x509_st* certificate, const std::vector<std::string>& names);

/// What one end of a TLS connection shows, and whom it believes.
///
/// Shape      one OpenSSL context for all connections of an actor system: its files are read once, so that no stranger
///            who connects makes the process read or open anything
/// Owner      shared by all sessions; any thread
/// Invariant  TLS 1.2 or 1.3; both ends prove who they are, each anew for each connection
class credentials {
 public:
  /// Fails: invalid_argument, with all that is wrong with the files.
  static outcome<std::shared_ptr<const credentials>> read(const config::settings& s);

  ~credentials();
  credentials(const credentials&) = delete;
  credentials& operator=(const credentials&) = delete;

  ssl_ctx_st* context() const noexcept { return context_; }
  /// Whom to let in. Whoever dials also believes the host that it dialled.
  const std::vector<std::string>& peers() const noexcept { return peers_; }

 private:
  credentials(ssl_ctx_st* context, std::vector<std::string> peers);

  ssl_ctx_st* context_;
  std::vector<std::string> peers_;
};

}  // namespace aicache::tls
