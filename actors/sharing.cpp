#include "actors/sharing.hpp"

#include <openssl/crypto.h>

#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "actors/secret_file.hpp"

namespace aicache {

namespace {

constexpr const char* the_node = "what the node found";

config::problem unreadable(const char* key) {
  return {the_node, key, "must name a file that this process can read", "correct the path, or the file's permissions"};
}

void read_address(const config::settings& s, redis_address& out, std::vector<config::problem>& problems) {
  auto parsed = parse_redis_url(s.redis.url);
  if (!parsed) {
    problems.push_back({the_node, "redis.url", "must be a URL of Redis: " + parsed.why().detail,
                        "write redis://host:6379, with user and password percent-encoded"});
    return;
  }
  out = *parsed;
  if (out.user.empty()) out.user = s.redis.user;
  std::string password = s.redis.password;
  if (!s.redis.password_file.empty()) {
    if (auto text = text_of_file(s.redis.password_file)) {
      password = first_line(*text);
      if (password.empty())
        problems.push_back({the_node, "redis.password_file", "must name a file with the password in its first line",
                            "write the password into it"});
    } else {
      problems.push_back(unreadable("redis.password_file"));
    }
  }
  if (out.password.empty()) out.password = password;
  if (!out.user.empty() && out.password.empty())
    problems.push_back(
        {the_node, "redis.user", "must come with a password", "set redis.password or redis.password_file"});
}

}  // namespace

std::vector<config::problem> read_keys(const config::settings& s, std::shared_ptr<const key_ring>& out) {
  out = nullptr;
  if (!s.encryption.enabled) return {};
  const bool from_file = !s.encryption.keys_file.empty();
  const char* key = from_file ? "encryption.keys_file" : "encryption.keys";
  std::string text = s.encryption.keys;
  if (from_file) {
    auto read = text_of_file(s.encryption.keys_file);
    if (!read) return {unreadable(key)};
    text = std::move(*read);
  }
  auto ring = parse_key_ring(text);
  OPENSSL_cleanse(text.data(), text.size());
  if (!ring)
    return {
        {the_node, key, "must hold keys: " + ring.why().detail, "write number=64 hexadecimal digits, one to a line"}};
  out = std::move(*ring);
  return {};
}

std::vector<config::problem> read_sharing_again(const config::settings& s, sharing_options& running, bool& renewed) {
  renewed = false;
  config::settings again = s;
  // It is open, and this node's alone.
  again.invalidation.journal_file.clear();
  sharing_options next;
  auto problems = read_sharing(again, running.invalidation.origin, next);
  if (!running.on || !problems.empty()) return problems;
  next.link.io = running.link.io;
  next.link.seeds = running.link.seeds;
  next.journal = running.journal;
  const auto how_of = [](const sharing_options& o) {
    const redis_options& how = o.link.how;
    const auto& core = how.core;
    const auto& i = o.invalidation;
    return std::tuple(how.address.user, how.address.password, how.tls.ca_file, how.tls.certificate_file,
                      how.tls.key_file, how.tls.verify_name, core.read_deadline, core.write_deadline,
                      core.connect_deadline, core.reconnect_longest, o.link.connections, i.lease, i.sweep.batch,
                      i.sweep.pause);
  };
  renewed = how_of(running) != how_of(next);
  running = std::move(next);
  return problems;
}

std::vector<config::problem> read_sharing(const config::settings& s, std::uint64_t seed, sharing_options& out) {
  std::vector<config::problem> problems;
  out.on = !s.redis.url.empty();
  out.invalidation.origin = seed;
  if (!out.on) return problems;
  redis_options& how = out.link.how;
  read_address(s, how.address, problems);
  if (s.redis.cluster && how.address.database != 0)
    problems.push_back({the_node, "redis.url", "must name no database in a cluster",
                        "leave out /" + std::to_string(how.address.database)});
  how.tls = {s.redis.ca_file, s.redis.certificate_file, s.redis.key_file, s.redis.verify_name};
  for (const auto& [key, path] :
       {std::pair{"redis.ca_file", &s.redis.ca_file}, std::pair{"redis.certificate_file", &s.redis.certificate_file},
        std::pair{"redis.key_file", &s.redis.key_file}})
    if (!path->empty() && !text_of_file(*path)) problems.push_back(unreadable(key));
  how.core.read_deadline = s.redis.get_deadline;
  how.core.write_deadline = s.redis.put_deadline;
  how.core.connect_deadline = s.redis.connect_deadline;
  how.core.reconnect_longest = s.redis.reconnect_max;
  how.core.reconnect_first = std::min(how.core.reconnect_first, how.core.reconnect_longest);
  how.core.seed = seed;
  how.look = std::chrono::microseconds{s.redis.spin_us};
  // A compressed or encrypted answer may be a little longer than the raw one.
  how.reply_bytes = s.limits.value_bytes + (1ULL << 20);
  out.link.connections = static_cast<std::uint32_t>(s.redis.connections);
  out.link.cluster = s.redis.cluster;
  out.invalidation.prefix = s.redis.prefix;
  out.invalidation.lease = s.invalidation.lease;
  out.invalidation.sweep.batch = static_cast<std::size_t>(s.invalidation.sweep_batch);
  out.invalidation.sweep.pause = s.invalidation.sweep_pause;
  for (config::problem& p : read_keys(s, out.keys)) problems.push_back(std::move(p));
  if (!s.invalidation.journal_file.empty() && problems.empty()) {
    if (auto opened = journal_file::open(s.invalidation.journal_file)) {
      out.journal = std::make_shared<journal_file>(std::move(*opened));
    } else {
      problems.push_back({the_node, "invalidation.journal_file",
                          "must be a file that this process alone can write: " + opened.why().detail,
                          "correct the path, or stop the node that uses it"});
    }
  }
  return problems;
}

}  // namespace aicache
