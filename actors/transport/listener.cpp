#include "actors/transport/listener.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <list>
#include <utility>

#include "actors/redis/io_thread.hpp"

namespace aicache::tls {

namespace {

using tcp = asio::ip::tcp;
using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause_without_sockets{100};
constexpr std::chrono::seconds between_reports{10};

}  // namespace

/// Lives on its thread from open() to close().
struct listener::door : std::enable_shared_from_this<door> {
  // Somebody who has not proved yet who it is.
  struct stranger {
    stranger(tcp::socket s, std::unique_ptr<session> t)
        : socket(std::move(s)), talk(std::move(t)), limit(socket.get_executor()) {}

    tcp::socket socket;
    std::unique_ptr<session> talk;
    std::string from;  // asked for at once: a connection that the other side has ended knows no more
    asio::steady_timer limit;
    std::list<std::shared_ptr<stranger>>::iterator place;
    bool gone = false;
  };
  using known = std::shared_ptr<stranger>;

  door(std::shared_ptr<const credentials> ours, options o)
      : credentials_(std::move(ours)), options_(o), acceptor_(thread_.context()), pause_(thread_.context()) {}

  outcome<void> listen(const std::string& host, std::uint16_t port) {
    asio::error_code why;
    tcp::resolver resolver(thread_.context());
    const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, why);
    if (why || found.empty())
      return fault{errc::unavailable, host + " is no address of this machine: " + why.message()};
    const tcp::endpoint at = found.begin()->endpoint();
    if (!acceptor_.open(at.protocol(), why) && !acceptor_.set_option(tcp::acceptor::reuse_address(true), why) &&
        !acceptor_.bind(at, why) && !acceptor_.listen(tcp::acceptor::max_listen_connections, why))
      return {};
    return fault{errc::unavailable, why.message()};
  }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](const asio::error_code& why, tcp::socket socket) {
      if (self->closed_) return;
      if (!why) {
        self->greet(std::move(socket));
        return self->accept();
      }
      // Most likely the process has no sockets left: to ask again at once would only take time from those who have one.
      self->pause_.expires_after(pause_without_sockets);
      self->pause_.async_wait([self](const asio::error_code& cut) {
        if (!cut && !self->closed_) self->accept();
      });
    });
  }

  void greet(tcp::socket socket) {
    if (static_cast<std::size_t>(places_.use_count()) > options_.connections)
      return refuse("all connections are taken");
    if (strangers_.size() >= options_.handshakes) drop(known(strangers_.front()), "too many others came after it");
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    auto talk = session::accepting(credentials_, socket.native_handle());
    const auto who = std::make_shared<stranger>(std::move(socket), std::move(talk));
    who->from = who->socket.remote_endpoint(ignored).address().to_string();
    who->place = strangers_.insert(strangers_.end(), who);
    who->limit.expires_after(options_.patience);
    who->limit.async_wait([self = shared_from_this(), who](const asio::error_code& cut) {
      if (!cut) self->drop(who, "it did not say in time who it is");
    });
    go_on(who);
  }

  void go_on(const known& who) {
    switch (who->talk->shake_hands()) {
      case session::progress::wants_read: return go_on_when(who, tcp::socket::wait_read);
      case session::progress::wants_write: return go_on_when(who, tcp::socket::wait_write);
      case session::progress::failed: return drop(who, who->talk->why());
      case session::progress::done: break;
    }
    forget(who);
    asio::error_code why;
    const int socket = who->socket.release(why);
    if (!why) found_(std::move(who->talk), socket, places_);
  }

  void go_on_when(const known& who, tcp::socket::wait_type what) {
    who->socket.async_wait(what, [self = shared_from_this(), who](const asio::error_code& why) {
      if (!who->gone && !why) self->go_on(who);
    });
  }

  void forget(const known& who) {
    if (std::exchange(who->gone, true)) return;
    who->limit.cancel();
    strangers_.erase(who->place);
  }

  void drop(const known& who, const std::string& why) {
    if (who->gone) return;
    forget(who);
    asio::error_code ignored;
    who->socket.close(ignored);
    refuse(who->from + ": " + why);
  }

  void refuse(const std::string& why) {
    ++refusals_;
    const auto now = clock::now();
    if (now < report_at_) return;
    report_at_ = now + between_reports;
    refused_(std::exchange(refusals_, 0), why);
  }

  void close() {
    std::promise<void> done;
    asio::post(thread_.context(), [this, &done] {
      closed_ = true;
      asio::error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
      while (!strangers_.empty()) {
        const known who = strangers_.front();
        forget(who);
        who->socket.close(ignored);
      }
      found_ = nullptr;
      refused_ = nullptr;
      done.set_value();
    });
    done.get_future().wait();
  }

  io_thread thread_{"aicache.tls"};
  std::shared_ptr<const credentials> credentials_;
  options options_;
  on_peer found_;
  on_refused refused_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::list<known> strangers_;
  std::shared_ptr<void> places_ = std::make_shared<int>();
  std::size_t refusals_ = 0;
  clock::time_point report_at_{};
  bool closed_ = false;
};

outcome<std::unique_ptr<listener>> listener::open(const std::string& host, std::uint16_t port,
                                                  std::shared_ptr<const credentials> ours, options o) {
  auto d = std::make_shared<door>(std::move(ours), o);
  if (const auto listening = d->listen(host, port); !listening) return listening.why();
  return std::unique_ptr<listener>(new listener(std::move(d)));
}

listener::listener(std::shared_ptr<door> d) : door_(std::move(d)) {}

listener::~listener() { door_->close(); }

std::uint16_t listener::port() const noexcept {
  asio::error_code ignored;
  return door_->acceptor_.local_endpoint(ignored).port();
}

void listener::begin(on_peer found, on_refused refused) {
  asio::post(door_->thread_.context(), [d = door_, found = std::move(found), refused = std::move(refused)]() mutable {
    d->found_ = std::move(found);
    d->refused_ = std::move(refused);
    d->accept();
  });
}

}  // namespace aicache::tls
