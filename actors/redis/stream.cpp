#include "actors/redis/stream.hpp"

#include <asio/connect.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <utility>

namespace aicache {

namespace {

using tcp = asio::ip::tcp;

template <class Socket>
void shut(Socket& s) {
  asio::error_code ignored;
  s.close(ignored);
}

// Looks up the host and connects to the first of its addresses that answers.
template <class Self>
void connect_tcp(Self self, tcp::resolver& resolver, tcp::socket& socket, const redis_address& to,
                 byte_stream::on_done done) {
  resolver.async_resolve(
      to.host, std::to_string(to.port),
      [self, &socket, done](const asio::error_code& why, const tcp::resolver::results_type& found) {
        if (why) return done(why);
        asio::async_connect(socket, found, [self, &socket, done](const asio::error_code& failed, const tcp::endpoint&) {
          asio::error_code ignored;
          if (!failed) socket.set_option(tcp::no_delay(true), ignored);
          done(failed);
        });
      });
}

// The handlers hold `self`, so that a stream outlives what is under way on it.
template <class Self, class Socket>
void read_from(Self self, Socket& socket, char* into, std::size_t room, byte_stream::on_bytes done) {
  socket.async_read_some(asio::buffer(into, room),
                         [self, done = std::move(done)](const asio::error_code& why, std::size_t n) { done(why, n); });
}

template <class Self, class Socket>
void write_to(Self self, Socket& socket, const std::string& bytes, byte_stream::on_done done) {
  asio::async_write(socket, asio::buffer(bytes),
                    [self, done = std::move(done)](const asio::error_code& why, std::size_t) { done(why); });
}

class tcp_stream final : public byte_stream, public std::enable_shared_from_this<tcp_stream> {
 public:
  tcp_stream(asio::io_context& io, redis_address to) : resolver_(io), socket_(io), to_(std::move(to)) {}
  void connect(on_done done) override { connect_tcp(shared_from_this(), resolver_, socket_, to_, std::move(done)); }
  void read_some(char* into, std::size_t room, on_bytes done) override {
    read_from(shared_from_this(), socket_, into, room, std::move(done));
  }
  void write_all(const std::string& bytes, on_done done) override {
    write_to(shared_from_this(), socket_, bytes, std::move(done));
  }
  void close() override {
    resolver_.cancel();
    shut(socket_);
  }

 private:
  tcp::resolver resolver_;
  tcp::socket socket_;
  redis_address to_;
};

class unix_stream final : public byte_stream, public std::enable_shared_from_this<unix_stream> {
 public:
  unix_stream(asio::io_context& io, std::string path) : socket_(io), path_(std::move(path)) {}
  void connect(on_done done) override {
    socket_.async_connect(
        asio::local::stream_protocol::endpoint(path_),
        [self = shared_from_this(), done = std::move(done)](const asio::error_code& why) { done(why); });
  }
  void read_some(char* into, std::size_t room, on_bytes done) override {
    read_from(shared_from_this(), socket_, into, room, std::move(done));
  }
  void write_all(const std::string& bytes, on_done done) override {
    write_to(shared_from_this(), socket_, bytes, std::move(done));
  }
  void close() override { shut(socket_); }

 private:
  asio::local::stream_protocol::socket socket_;
  std::string path_;
};

class tls_stream final : public byte_stream, public std::enable_shared_from_this<tls_stream> {
 public:
  tls_stream(asio::io_context& io, asio::ssl::context context, redis_address to, bool verify_name)
      : resolver_(io), context_(std::move(context)), stream_(io, context_), to_(std::move(to)) {
    stream_.set_verify_mode(asio::ssl::verify_peer);
    if (verify_name) stream_.set_verify_callback(asio::ssl::host_name_verification(to_.host));
    SSL_set_tlsext_host_name(stream_.native_handle(), to_.host.c_str());
  }
  void connect(on_done done) override {
    auto self = shared_from_this();
    connect_tcp(self, resolver_, stream_.next_layer(), to_,
                [self, done = std::move(done)](const asio::error_code& why) {
                  if (why) return done(why);
                  self->stream_.async_handshake(asio::ssl::stream_base::client,
                                                [self, done](const asio::error_code& failed) { done(failed); });
                });
  }
  void read_some(char* into, std::size_t room, on_bytes done) override {
    read_from(shared_from_this(), stream_, into, room, std::move(done));
  }
  void write_all(const std::string& bytes, on_done done) override {
    write_to(shared_from_this(), stream_, bytes, std::move(done));
  }
  void close() override {
    resolver_.cancel();
    shut(stream_.next_layer());
  }

 private:
  tcp::resolver resolver_;
  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
  redis_address to_;
};

}  // namespace

outcome<std::shared_ptr<byte_stream>> make_stream(asio::io_context& io, const redis_address& to,
                                                  const tls_options& tls) {
  if (to.transport == redis_transport::tcp) return std::shared_ptr<byte_stream>(std::make_shared<tcp_stream>(io, to));
  if (to.transport == redis_transport::unix_socket)
    return std::shared_ptr<byte_stream>(std::make_shared<unix_stream>(io, to.path));
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  asio::error_code why;
  auto failed = [&](const char* what) {
    return fault{errc::invalid_argument, std::string(what).append(" cannot be used: ").append(why.message())};
  };
  if (tls.ca_file.empty()) {
    if (context.set_default_verify_paths(why)) return failed("the system's certificate authorities");
  } else if (context.load_verify_file(tls.ca_file, why)) {
    return failed("the file of certificate authorities");
  }
  if (!tls.certificate_file.empty()) {
    if (context.use_certificate_chain_file(tls.certificate_file, why)) return failed("the certificate");
    if (context.use_private_key_file(tls.key_file, asio::ssl::context::pem, why)) return failed("the private key");
  }
  return std::shared_ptr<byte_stream>(std::make_shared<tls_stream>(io, std::move(context), to, tls.verify_name));
}

}  // namespace aicache
