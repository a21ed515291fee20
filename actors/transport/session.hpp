#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "actors/transport/credentials.hpp"

struct ssl_st;
struct x509_store_ctx_st;

namespace aicache::tls {

/// TLS over one socket that does not block and belongs to somebody else.
///
/// Owner      one at a time, who may hand it on: first whoever shakes hands, then the connection
/// Fails      for good; nothing of it can be used then but why()
/// Invariant  not a byte passes before both ends have proved who they are
class session {
 public:
  /// What the socket must be ready for before the same is tried again; done: it is not needed.
  enum class progress { done, wants_read, wants_write, failed };

  /// The side that was dialled: it lets in whom credentials::peers() names.
  static std::unique_ptr<session> accepting(std::shared_ptr<const credentials> ours, int socket);
  /// The side that dials: the other one may also prove to be `host`.
  static std::unique_ptr<session> dialling(std::shared_ptr<const credentials> ours, int socket,
                                           const std::string& host);

  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  progress shake_hands();
  progress read(void* into, std::size_t room, std::size_t& got);
  progress write(const void* from, std::size_t length, std::size_t& sent);
  /// Whether there is more to be read without the socket.
  bool holds_bytes() const;
  /// Why it failed, for logs.
  const std::string& why() const noexcept { return why_; }

  /// OpenSSL asks it about each certificate of a chain that it has looked at itself.
  static int judge_peer(int is_good, x509_store_ctx_st* at);

 private:
  session(std::shared_ptr<const credentials> ours, int socket, std::vector<std::string> names);

  progress after(int returned);

  std::shared_ptr<const credentials> ours_;
  std::vector<std::string> names_;
  ssl_st* ssl_;
  std::string why_;
};

}  // namespace aicache::tls
