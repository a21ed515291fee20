// Whatever a server sends: the same parser and the same core as a connection has, without the socket. The first two
// bytes of an input say how the rest is cut into feeds, and how fast the time goes.
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "actors/redis/reply_reader.hpp"
#include "engine/redis/redis_core.hpp"
#include "engine/redis/slots.hpp"
#include "tests/fuzz/fuzzing.hpp"

namespace {

using namespace aicache;
using fuzz::require;
using progress = reply_reader::progress;

constexpr std::size_t reply_bytes = 1 << 16;

void check_reply(const redis_reply& r, std::size_t depth = 1) {
  require(depth <= 9, "replies are nested nine deep at most");
  require(r.text.size() <= reply_bytes, "a reply keeps to its limit");
  require(r.what == redis_reply::kind::array || r.elements.empty(), "only arrays have elements");
  if (r.is_error()) {
    redirection to;
    const redis_trouble trouble = trouble_of(r);
    if (parse_redirection(r.text, to)) {
      require(to.slot < slot_count, "a redirection names a slot that there is");
      require(trouble == redis_trouble::moved || trouble == redis_trouble::ask, "a redirection is sorted as one");
    }
  }
  for (const redis_reply& e : r.elements) check_reply(e, depth + 1);
}

/// All replies that come of `bytes`, fed `at_once`.
std::vector<redis_reply> replies_in(std::string_view bytes, std::size_t at_once, progress& end) {
  reply_reader reader(reply_bytes);
  std::vector<redis_reply> all;
  redis_reply reply;
  end = progress::more;
  for (std::size_t at = 0; at < bytes.size() && end != progress::broken; at += at_once) {
    reader.feed(bytes.substr(at, at_once));
    while ((end = reader.next(reply)) == progress::reply) all.push_back(std::move(reply));
  }
  return all;
}

/// A connection's core that has been greeted and owes answers to somebody.
class owing_core {
 public:
  owing_core() : core_({}, {}, "*1\r\n$4\r\nPING\r\n") {
    core_.start(now_, effects_);
    core_.connected(now_, effects_);
    core_.replied({redis_reply::kind::status, 0, "PONG", {}}, now_, effects_);
    using kind = redis_core::command_kind;
    for (const kind k : {kind::read, kind::write, kind::write, kind::read, kind::write, kind::read}) {
      core_.submit({++asked_, k, "*1\r\n$4\r\nPING\r\n"}, now_, effects_);
    }
    take();
  }

  /// False when the core gives the connection up.
  bool replied(redis_reply reply, duration later) {
    now_ = now_ + later;
    core_.replied(std::move(reply), now_, effects_);
    core_.tick(now_, effects_);
    return take();
  }

  void end() {
    core_.lost(now_, effects_);
    core_.stop(effects_);
    take();
    for (std::uint64_t ticket = 1; ticket <= asked_; ++ticket)
      require(completed_[ticket] == 1, "every command is completed exactly once");
  }

 private:
  bool take() {
    bool goes_on = true;
    for (const auto& e : std::exchange(effects_, {})) {
      if (const auto* c = std::get_if<redis_core::completed>(&e)) ++completed_[c->ticket];
      if (std::holds_alternative<redis_core::close>(e)) goes_on = false;
    }
    require(core_.sound(), "the core is sound");
    return goes_on;
  }

  instant now_{1'000};
  redis_core core_;
  redis_core::effects effects_;
  std::uint64_t asked_ = 0;
  std::map<std::uint64_t, int> completed_;
};

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  static constexpr std::string_view pieces[] = {"+OK\r\n",
                                                "+PONG\r\n",
                                                "-ERR no\r\n",
                                                "-MOVED 3999 127.0.0.1:6381\r\n",
                                                "-ASK 16384 :1\r\n",
                                                "-LOADING\r\n",
                                                ":1\r\n",
                                                ":-9223372036854775808\r\n",
                                                "$-1\r\n",
                                                "$3\r\nabc\r\n",
                                                "$0\r\n\r\n",
                                                "$2147483647\r\n",
                                                "*0\r\n",
                                                "*-1\r\n",
                                                "*1\r\n",
                                                "*2\r\n",
                                                "*9\r\n",
                                                "*2147483647\r\n",
                                                "$70000\r\n",
                                                "\r\n",
                                                "-NOAUTH\r\n",
                                                "-READONLY\r\n"};
  std::minstd_rand random(seed);
  std::string input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 2) input.resize(2, '\7');
  if (fuzz::below(random, 2) == 0) {
    for (std::size_t n = 1 + fuzz::below(random, 4); n > 0; --n)
      input.insert(2 + fuzz::below(random, input.size() - 1), pieces[fuzz::below(random, std::size(pieces))]);
  } else {
    fuzz::mutate(input, max_size);
  }
  return fuzz::give(input, data, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t at_once = 1 + data[0];
  const duration later{data[1] % 16};
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};

  progress end, end_of_other;
  std::vector<redis_reply> replies = replies_in(bytes, at_once, end);
  for (const redis_reply& r : replies) check_reply(r);
  const auto same = replies_in(bytes, reply_reader::feed_bytes, end_of_other);
  // How long a reply is counts in feeds, so only below the limit both must see the same.
  if (bytes.size() <= reply_bytes) {
    require(same == replies, "replies do not depend on how the bytes are cut");
    require(end == end_of_other, "nor does their end");
  }

  owing_core core;
  for (redis_reply& r : replies)
    if (!core.replied(std::move(r), later)) break;
  core.end();
  return 0;
}
