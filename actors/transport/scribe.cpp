#include "actors/transport/scribe.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <utility>

namespace aicache::tls {

namespace {

namespace network = caf::io::network;
using network::rw_state;

/// How CAF's stream reads and writes.
class policy {
 public:
  explicit policy(std::unique_ptr<session> talk) : talk_(std::move(talk)) {}

  rw_state read_some(std::size_t& got, network::native_socket, void* into, std::size_t room) {
    got = 0;
    return state_after(talk_->read(into, room, got));
  }
  rw_state write_some(std::size_t& sent, network::native_socket, const void* from, std::size_t length) {
    sent = 0;
    if (length == 0) return rw_state::indeterminate;
    return state_after(talk_->write(from, length, sent));
  }
  // What OpenSSL holds makes no socket ready, so it is read now or never.
  bool must_read_more(network::native_socket, std::size_t) { return talk_->holds_bytes(); }

 private:
  // Nothing read or written yet, and no failure, is how a stream is told to wait for its socket.
  static rw_state state_after(session::progress p) {
    return p == session::progress::failed ? rw_state::failure : rw_state::success;
  }

  std::unique_ptr<session> talk_;
};

class scribe final : public caf::io::scribe {
 public:
  scribe(network::default_multiplexer& loop, int socket, std::unique_ptr<session> talk, std::shared_ptr<void> place)
      : caf::io::scribe(network::conn_hdl_from_socket(socket)),
        place_(std::move(place)),
        stream_(loop, socket, std::move(talk)) {}

  void configure_read(caf::io::receive_policy::config how) override {
    stream_.configure_read(how);
    if (!std::exchange(is_launched_, true)) stream_.start(this);
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  void flush() override { stream_.flush(this); }
  std::string addr() const override {
    const auto a = network::remote_addr_of_fd(stream_.fd());
    return a ? *a : std::string();
  }
  std::uint16_t port() const override {
    const auto p = network::remote_port_of_fd(stream_.fd());
    return p ? *p : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

 private:
  std::shared_ptr<void> place_;
  bool is_launched_ = false;
  network::stream_impl<policy> stream_;
};

}  // namespace

caf::io::scribe_ptr make_scribe(caf::actor_system& system, std::unique_ptr<session> talk, int socket,
                                std::shared_ptr<void> place) {
  // Nodes have no other kind of loop: messages/caf_version.hpp holds the version, and nothing sets another back end.
  auto& loop = static_cast<network::default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<scribe>(loop, socket, std::move(talk), std::move(place));
}

}  // namespace aicache::tls
