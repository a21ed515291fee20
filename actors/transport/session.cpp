#include "actors/transport/session.hpp"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

namespace aicache::tls {

namespace {

int socket_of(BIO* b) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(b))); }

int after_io(BIO* b, ssize_t n, int flag) {
  BIO_clear_retry_flags(b);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    BIO_set_flags(b, flag | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(n);
}

int send_to(BIO* b, const char* from, int length) {
  return after_io(b, ::send(socket_of(b), from, static_cast<std::size_t>(length), MSG_NOSIGNAL), BIO_FLAGS_WRITE);
}

int receive_from(BIO* b, char* into, int room) {
  return after_io(b, ::recv(socket_of(b), into, static_cast<std::size_t>(room), 0), BIO_FLAGS_READ);
}

long control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

// OpenSSL's own sockets raise SIGPIPE, and a library does not change what its process does with signals.
BIO* over(int socket) {
  static BIO_METHOD* const methods = [] {
    BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    BIO_meth_set_write(m, send_to);
    BIO_meth_set_read(m, receive_from);
    BIO_meth_set_ctrl(m, control);
    return m;
  }();
  BIO* const b = BIO_new(methods);
  if (b == nullptr) return nullptr;
  BIO_set_data(b, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(b, 1);
  return b;
}

}  // namespace

std::unique_ptr<session> session::accepting(std::shared_ptr<const credentials> ours, int socket) {
  auto names = ours->peers();
  std::unique_ptr<session> s(new session(std::move(ours), socket, std::move(names)));
  if (s->ssl_ != nullptr) SSL_set_accept_state(s->ssl_);
  return s;
}

std::unique_ptr<session> session::dialling(std::shared_ptr<const credentials> ours, int socket,
                                           const std::string& host) {
  auto names = ours->peers();
  names.push_back(host);
  std::unique_ptr<session> s(new session(std::move(ours), socket, std::move(names)));
  if (s->ssl_ != nullptr) SSL_set_connect_state(s->ssl_);
  return s;
}

session::session(std::shared_ptr<const credentials> ours, int socket, std::vector<std::string> names)
    : ours_(std::move(ours)), names_(std::move(names)), ssl_(SSL_new(ours_->context())) {
  BIO* const b = ssl_ == nullptr ? nullptr : over(socket);
  if (b == nullptr) {
    SSL_free(ssl_);
    ssl_ = nullptr;
    why_ = "OpenSSL gives no session";
    return;
  }
  SSL_set_bio(ssl_, b, b);
  SSL_set_app_data(ssl_, this);
}

session::~session() { SSL_free(ssl_); }

int session::judge_peer(int is_good, x509_store_ctx_st* at) {
  if (is_good == 0 || X509_STORE_CTX_get_error_depth(at) != 0) return is_good;
  const auto* ssl = static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(at, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* self = static_cast<const session*>(SSL_get_app_data(ssl));
  if (is_for_any(X509_STORE_CTX_get_current_cert(at), self->names_)) return 1;
  X509_STORE_CTX_set_error(at, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

session::progress session::after(int returned) {
  if (returned > 0) return progress::done;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ: return progress::wants_read;
    case SSL_ERROR_WANT_WRITE: return progress::wants_write;
    case SSL_ERROR_ZERO_RETURN: why_ = "the other side has ended it"; break;
    default: {
      const long judged = SSL_get_verify_result(ssl_);
      const char* said =
          judged == X509_V_OK ? ERR_reason_error_string(ERR_peek_last_error()) : X509_verify_cert_error_string(judged);
      why_ = said == nullptr ? "the connection was lost" : said;
    }
  }
  return progress::failed;
}

session::progress session::shake_hands() {
  if (ssl_ == nullptr) return progress::failed;
  ERR_clear_error();
  const progress p = after(SSL_do_handshake(ssl_));
  // From here on a record is fetched in one piece. Earlier, what belongs to the next record would leave the socket, and
  // nobody who waits for the socket would hear of it.
  if (p == progress::done) SSL_set_read_ahead(ssl_, 1);
  return p;
}

session::progress session::read(void* into, std::size_t room, std::size_t& got) {
  ERR_clear_error();
  return after(SSL_read_ex(ssl_, into, room, &got));
}

session::progress session::write(const void* from, std::size_t length, std::size_t& sent) {
  ERR_clear_error();
  return after(SSL_write_ex(ssl_, from, length, &sent));
}

bool session::holds_bytes() const { return SSL_has_pending(ssl_) == 1; }

}  // namespace aicache::tls
