#include "actors/redis/legacy_source.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "actors/redis/connection.hpp"

namespace aicache {

namespace {

// Beyond any value that is asked for: keys of a SCAN, and room for what stands around a reply.
constexpr std::size_t reply_room = std::size_t{16} << 20;
constexpr std::int64_t no_key = -2;
constexpr std::int64_t no_end = -1;

// Of an error only its first word: servers quote arguments in the rest.
fault refused(const redis_reply& error) {
  const std::string word = error.text.substr(0, error.text.find(' '));
  const redis_trouble what = trouble_of(error);
  if (what == redis_trouble::moved || what == redis_trouble::ask)
    return {errc::unavailable, "Redis is a cluster: its keys lie on several masters, which this does not follow"};
  if (what == redis_trouble::denied) return {errc::unavailable, "Redis refuses us (" + word + "): user or password"};
  return {errc::unavailable, "Redis refuses a command: " + word};
}

}  // namespace

struct legacy_source::connection {
  asio::io_context io;
  std::shared_ptr<byte_stream> stream;
  reply_reader reader;
  duration patience;
  std::array<char, reply_reader::feed_bytes> buffer{};
  std::string wire;
  asio::error_code failed;
  std::size_t read = 0;
  bool is_written = true;
  bool is_read = true;
  bool is_broken = false;

  connection(std::size_t value_bytes, duration p) : reader(value_bytes + reply_room), patience(p) {}
  ~connection() {
    if (stream) stream->close();
    // Handlers that were cut off run while what they fill is still here.
    io.restart();
    io.poll();
  }

  fault broken(std::string why) {
    is_broken = true;
    return {errc::unavailable, std::move(why)};
  }

  /// Lets the stream work until `done`.
  outcome<void> await(const bool& done) {
    const auto until = std::chrono::steady_clock::now() + patience;
    io.restart();
    while (!done)
      if (io.run_one_until(until) == 0) return broken("Redis is silent");
    if (failed) return broken("Redis: " + failed.message());
    return {};
  }

  outcome<void> open() {
    is_written = false;
    stream->connect([this](const asio::error_code& why) {
      failed = why;
      is_written = true;
    });
    return await(is_written);
  }

  outcome<redis_reply> next() {
    redis_reply reply;
    for (;;) {
      const auto progress = reader.next(reply);
      if (progress == reply_reader::progress::reply) return reply;
      if (progress == reply_reader::progress::broken) return broken("Redis: " + std::string(reader.why()));
      is_read = false;
      stream->read_some(buffer.data(), buffer.size(), [this](const asio::error_code& why, std::size_t n) {
        if (why) failed = why;
        read = n;
        is_read = true;
      });
      if (auto waited = await(is_read); !waited) return waited.why();
      reader.feed({buffer.data(), read});
    }
  }

  /// Sends commands and takes as many replies.
  outcome<void> exchange(std::string commands, std::size_t replies,
                         const std::function<outcome<void>(std::size_t, redis_reply&)>& take) {
    if (is_broken) return fault{errc::unavailable, "the connection to Redis is lost"};
    wire = std::move(commands);
    is_written = false;
    stream->write_all(wire, [this](const asio::error_code& why) {
      if (why) failed = why;
      is_written = true;
    });
    for (std::size_t i = 0; i < replies; ++i) {
      auto reply = next();
      if (!reply) return reply.why();
      if (auto taken = take(i, *reply); !taken) return broken(taken.why().detail);
    }
    return await(is_written);
  }
};

legacy_source::legacy_source(std::unique_ptr<connection> c) : connection_(std::move(c)) {}
legacy_source::~legacy_source() = default;

outcome<std::unique_ptr<legacy_source>> legacy_source::connect(const redis_address& to, const tls_options& tls,
                                                               std::size_t value_bytes, duration patience) {
  auto c = std::make_unique<connection>(value_bytes, patience);
  auto stream = make_stream(c->io, to, tls);
  if (!stream) return stream.why();
  c->stream = std::move(*stream);
  if (auto opened = c->open(); !opened) return opened.why();
  std::vector<std::string> greeting = handshake_of(to);
  // Tells at once whether more is asked of us than we have shown.
  greeting.push_back(format_command({"PING"}));
  std::string wire;
  for (const std::string& command : greeting) wire += command;
  const auto greeted = c->exchange(std::move(wire), greeting.size(), [](std::size_t, redis_reply& r) -> outcome<void> {
    if (r.is_error()) return refused(r);
    return {};
  });
  if (!greeted) return greeted.why();
  std::unique_ptr<legacy_source> source(new legacy_source(std::move(c)));
  source->last_byte_ = std::to_string(value_bytes);
  return source;
}

// GETRANGE and not GET: nobody knows beforehand how large a value is. It gives nothing for a key that is not there, so
// what PTTL says decides.
outcome<void> legacy_source::read(std::span<const std::string> keys,
                                  const std::function<void(std::size_t, legacy_entry&)>& take) {
  if (keys.empty()) return {};
  std::string wire;
  for (const std::string& key : keys)
    wire += format_command({"GETRANGE", key, "0", last_byte_}) + format_command({"PTTL", key});
  legacy_entry entry;
  bool is_foreign = false;
  return connection_->exchange(std::move(wire), 2 * keys.size(), [&](std::size_t i, redis_reply& r) -> outcome<void> {
    if (i % 2 == 0) {
      is_foreign = r.is_error() && r.text.starts_with("WRONGTYPE");
      if (r.is_error() && !is_foreign) return refused(r);
      entry.value = is_foreign ? std::string{} : std::move(r.text);
      return {};
    }
    if (r.is_error()) return refused(r);
    using state = legacy_entry::state;
    entry.left.reset();
    if (r.integer >= 0) entry.left = duration{r.integer};
    const bool is_gone = r.integer == no_key || r.integer == 0;
    entry.what = is_foreign                       ? state::foreign
                 : is_gone && entry.value.empty() ? state::missing
                 : is_gone || r.integer < no_end  ? state::expired
                                                  : state::found;
    take(i / 2, entry);
    return {};
  });
}

outcome<legacy_source::scanned> legacy_source::scan(const std::string& cursor, const std::string& pattern,
                                                    std::size_t about) {
  scanned out;
  const auto done =
      connection_->exchange(format_command({"SCAN", cursor, "MATCH", pattern, "COUNT", std::to_string(about)}), 1,
                            [&](std::size_t, redis_reply& r) -> outcome<void> {
                              if (r.is_error()) return refused(r);
                              if (r.elements.size() != 2)
                                return fault{errc::unavailable, "Redis: a reply that is none of SCAN"};
                              out.cursor = std::move(r.elements[0].text);
                              for (redis_reply& key : r.elements[1].elements) out.keys.push_back(std::move(key.text));
                              return {};
                            });
  if (!done) return done.why();
  return out;
}

outcome<std::uint64_t> legacy_source::size() {
  std::uint64_t keys = 0;
  const auto done =
      connection_->exchange(format_command({"DBSIZE"}), 1, [&](std::size_t, redis_reply& r) -> outcome<void> {
        if (r.is_error()) return refused(r);
        keys = static_cast<std::uint64_t>(r.integer);
        return {};
      });
  if (!done) return done.why();
  return keys;
}

}  // namespace aicache
