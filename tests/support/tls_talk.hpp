#pragma once

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace aicache::test {

/// One connection to a port of this machine, with nothing of ours or CAF's in it.
class plain_talk {
 public:
  explicit plain_talk(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_open_ = connect(socket_, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  }
  ~plain_talk() { close(socket_); }
  plain_talk(const plain_talk&) = delete;
  plain_talk& operator=(const plain_talk&) = delete;

  bool is_open() const noexcept { return is_open_; }
  bool send(const std::string& bytes) {
    return is_open_ && ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  /// What comes next, or nothing when it is over or late.
  std::string receive(std::chrono::milliseconds patience) {
    pollfd p{socket_, POLLIN, 0};
    char bytes[16384];
    if (!is_open_ || poll(&p, 1, static_cast<int>(patience.count())) != 1) return {};
    const ssize_t n = recv(socket_, bytes, sizeof bytes, 0);
    is_open_ = n > 0;
    return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : std::string();
  }
  /// Whether the other side ends it in time, whatever it says before.
  bool is_ended_within(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (is_open_ && std::chrono::steady_clock::now() < until) receive(std::chrono::milliseconds{10});
    return !is_open_;
  }

 private:
  int socket_;
  bool is_open_ = false;
};

/// TLS over such a connection, by OpenSSL alone. It believes every server, and shows what it is told to.
class tls_talk {
 public:
  struct proof {
    std::string certificate{};  ///< empty: it shows none
    std::string key{};
    int newest = TLS1_3_VERSION;
    std::string ciphers{};
  };
  /// What leaves this side, which may be changed before it does.
  using filter = std::function<void(std::string&)>;

  tls_talk(std::uint16_t port, const proof& shown, filter change = {}) : wire_(port), change_(std::move(change)) {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context_.get(), shown.newest);
    if (!shown.ciphers.empty()) SSL_CTX_set_cipher_list(context_.get(), shown.ciphers.c_str());
    if (!shown.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(context_.get(), shown.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_.get(), shown.key.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
  }

  /// Whether this side believes that hands are shaken. In TLS 1.3 the other side may still refuse.
  bool shake_hands(std::chrono::milliseconds patience = std::chrono::seconds{5}) {
    for (;;) {
      const int done = SSL_do_handshake(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), done);
      if (!flush()) return false;
      if (done == 1) return true;
      if (why != SSL_ERROR_WANT_READ || !feed(patience)) return forget(false);
    }
  }
  bool send(const std::string& bytes) {
    return forget(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) > 0) && flush();
  }
  /// All that the other side says until it ends, or is silent for so long.
  std::string receive(std::chrono::milliseconds patience = std::chrono::milliseconds{500}) {
    std::string all;
    char bytes[16384];
    for (;;) {
      const int n = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (n > 0) {
        all.append(bytes, static_cast<std::size_t>(n));
      } else if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_WANT_READ || !feed(patience)) {
        forget(false);
        return all;
      }
    }
  }

 private:
  template <auto release>
  struct releasing {
    template <class T>
    void operator()(T* p) const {
      release(p);
    }
  };

  static bool forget(bool result) {
    ERR_clear_error();
    return result;
  }
  bool flush() {
    std::string bytes(static_cast<std::size_t>(BIO_ctrl_pending(SSL_get_wbio(ssl_.get()))), '\0');
    if (bytes.empty()) return true;
    BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    if (change_) change_(bytes);
    return wire_.send(bytes);
  }
  bool feed(std::chrono::milliseconds patience) {
    const std::string bytes = wire_.receive(patience);
    if (bytes.empty()) return false;
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    return true;
  }

  plain_talk wire_;
  filter change_;
  std::unique_ptr<SSL_CTX, releasing<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, releasing<SSL_free>> ssl_;
};

}  // namespace aicache::test
