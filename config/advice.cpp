#include "config/advice.hpp"

namespace aicache::config {
namespace {

using breaches = std::vector<breach>;

/// As much of the URL as advice depends on; whoever connects reads it more closely.
struct redis_server {
  bool is_remote = false;
  bool is_encrypted = false;
  std::string_view user;
  std::string_view password;
};

redis_server server_of(const settings& s) {
  const std::string_view url = s.redis.url;
  redis_server out;
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos || url.starts_with("unix")) return out;
  std::string_view authority = url.substr(scheme + 3);
  authority = authority.substr(0, authority.find_first_of("/?"));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    out.user = login.substr(0, login.find(':'));
    if (const std::size_t colon = login.find(':'); colon != std::string_view::npos)
      out.password = login.substr(colon + 1);
  }
  const bool is_bracketed = authority.starts_with('[');
  const std::string_view host =
      is_bracketed ? authority.substr(1, authority.find(']') - 1) : authority.substr(0, authority.rfind(':'));
  out.is_remote = !is_loopback(host);
  out.is_encrypted = url.starts_with("rediss://");
  return out;
}

bool has_password(const settings& s) {
  return !server_of(s).password.empty() || !s.redis.password.empty() || !s.redis.password_file.empty();
}

breaches budget_is_less_than_the_machine(const settings& s, const machine& m) {
  if (m.memory_bytes == 0 || s.memory.budget < m.memory_bytes) return {};
  return {{"memory.budget",
           "must be below the machine's memory, " + spell_size(m.memory_bytes >> 20 << 20) + "; it is " +
               spell_size(s.memory.budget),
           "lower it, to half of the machine's memory or less"}};
}

breaches budget_leaves_room(const settings& s, const machine& m) {
  if (m.memory_bytes == 0 || s.memory.budget >= m.memory_bytes || s.memory.budget <= m.memory_bytes / 4 * 3) return {};
  return {{"memory.budget", "should leave a quarter of the machine's memory to everything else; it does not",
           "lower it to " + spell_size((m.memory_bytes / 4 * 3) >> 20 << 20)}};
}

breaches values_fit_a_shard(const settings& s, const machine&) {
  const std::uint64_t shards = s.node.shards == 0 ? 1 : s.node.shards;
  if (s.limits.value_bytes <= s.memory.budget / shards) return {};
  return {{"limits.value_bytes",
           "should be at most a shard's memory, " + spell_size(s.memory.budget / shards) +
               ": longer answers are never kept",
           "lower it, raise memory.budget, or have fewer shards"}};
}

breaches login_is_given_once(const settings& s, const machine&) {
  const redis_server server = server_of(s);
  breaches out;
  if (!server.password.empty() && (!s.redis.password.empty() || !s.redis.password_file.empty()))
    out.push_back({s.redis.password.empty() ? "redis.password_file" : "redis.password",
                   "says what redis.url says already; the URL's password is used", "leave one of them out"});
  if (!server.user.empty() && !s.redis.user.empty() && server.user != s.redis.user)
    out.push_back({"redis.user", "differs from the user in redis.url, who is used", "leave one of them out"});
  return out;
}

breaches network_is_encrypted(const settings& s, const machine&) {
  const redis_server server = server_of(s);
  if (!server.is_remote || server.is_encrypted) return {};
  return {{"redis.url",
           s.encryption.enabled
               ? "must be rediss:// for another machine: names and the password cross the network in clear"
               : "must be rediss:// for another machine: answers and the password cross the network in clear",
           "write rediss://, and redis.ca_file if the authority is your own; where the network itself is trusted, a "
           "preset that is not strict, such as simple, lets it pass"}};
}

breaches server_asks_who_comes(const settings& s, const machine&) {
  if (!server_of(s).is_remote || has_password(s)) return {};
  return {{"redis.password", "must be set for a Redis on another machine: whoever reaches it reads and changes answers",
           "set redis.password_file, or AICACHE_REDIS_PASSWORD"}};
}

breaches server_proves_its_name(const settings& s, const machine&) {
  const redis_server server = server_of(s);
  if (!server.is_remote || !server.is_encrypted || s.redis.verify_name) return {};
  return {{"redis.verify_name",
           "must be true for a Redis on another machine: any server with a good certificate would do",
           "switch it on, and write the URL with the name in the certificate"}};
}

breaches password_is_long(const settings& s, const machine&) {
  constexpr std::size_t long_enough = 16;
  const std::string_view inline_password = server_of(s).password;
  const std::string_view password = inline_password.empty() ? std::string_view(s.redis.password) : inline_password;
  if (password.empty() || password.size() >= long_enough) return {};
  return {{inline_password.empty() ? "redis.password" : "redis.url",
           "should hold a password of " + std::to_string(long_enough) + " characters or more",
           "make one with: openssl rand -base64 24"}};
}

breaches redis_settings_have_a_redis(const settings& s, const machine&) {
  if (!s.redis.url.empty()) return {};
  breaches out;
  const auto pointless = [&](const char* key, bool is_set) {
    if (is_set) out.push_back({key, "has no effect without redis.url", "set redis.url, or leave it out"});
  };
  pointless("redis.user", !s.redis.user.empty());
  pointless("redis.password", !s.redis.password.empty());
  pointless("redis.password_file", !s.redis.password_file.empty());
  pointless("redis.ca_file", !s.redis.ca_file.empty());
  pointless("encryption.enabled", s.encryption.enabled);
  pointless("invalidation.journal_file", !s.invalidation.journal_file.empty());
  return out;
}

breaches certificates_have_tls(const settings& s, const machine&) {
  if (s.redis.url.empty() || s.redis.url.starts_with("rediss://")) return {};
  breaches out;
  const auto pointless = [&](const char* key, bool is_set) {
    if (is_set) out.push_back({key, "has no effect without TLS", "write rediss:// in redis.url, or leave it out"});
  };
  pointless("redis.ca_file", !s.redis.ca_file.empty());
  pointless("redis.certificate_file", !s.redis.certificate_file.empty());
  return out;
}

/// A certificate file that was looked at, and what becomes of a node whose certificate is over.
struct looked_at {
  const char* key;
  const char* key_of_its_key;
  const char* loss;
  const char* renewal;
};

/// Each certificate file that was looked at, with its key.
template <class Judge>
breaches of_certificates(const machine& m, Judge judge) {
  breaches out;
  const auto look = [&](const std::optional<found_certificate>& found, const looked_at& file) {
    if (found) judge(file, *found, out);
  };
  constexpr const char* redis_is_lost = "Redis cannot be reached";
  constexpr const char* redis_anew = "put a new one in its place; a node reads it when it connects anew";
  constexpr const char* peers_are_lost = "nodes and applications cannot reach each other";
  constexpr const char* at_restart = "put a new one in its place, and restart the node";
  look(m.authorities, {"redis.ca_file", "", redis_is_lost, redis_anew});
  look(m.certificate, {"redis.certificate_file", "redis.key_file", redis_is_lost, redis_anew});
  look(m.peers_authorities, {"tls.ca_file", "", peers_are_lost, at_restart});
  look(m.own_certificate, {"tls.certificate_file", "tls.key_file", peers_are_lost, at_restart});
  return out;
}

breaches certificates_can_be_used(const settings&, const machine& m) {
  return of_certificates(m, [](const looked_at& file, const found_certificate& c, breaches& out) {
    if (c.holds == found_certificate::content::no_certificate)
      out.push_back({file.key, "must name a file with a certificate in PEM form; this one holds none",
                     "correct the path, or convert it with: openssl x509 -inform der -in FILE -out FILE.pem"});
    if (!c.fits_its_key)
      out.push_back({file.key_of_its_key,
                     std::string("must hold the private key of ") + file.key + "; it holds another",
                     "name the key that the certificate was made with"});
  });
}

constexpr std::int64_t soon_over_days = 30;
constexpr std::int64_t later_over_days = 90;

breaches certificates_are_there_and_valid(const settings&, const machine& m) {
  return of_certificates(m, [](const looked_at& file, const found_certificate& c, breaches& out) {
    if (c.holds == found_certificate::content::unreadable)
      out.push_back({file.key, "should name a file that can be read here; a node does not start where it cannot",
                     "correct the path, or the file's permissions"});
    if (c.holds != found_certificate::content::certificate || c.days_left >= soon_over_days) return;
    const std::string rule =
        "should name a certificate that is valid for " + std::to_string(soon_over_days) + " days more; ";
    const std::string found = c.days_left < 0 ? "the time of this one is over: "
                                              : "this one is for " + std::to_string(c.days_left) + ", and then ";
    out.push_back({file.key, rule + found + file.loss, file.renewal});
  });
}

breaches certificates_last(const settings&, const machine& m) {
  return of_certificates(m, [](const looked_at& file, const found_certificate& c, breaches& out) {
    if (c.holds != found_certificate::content::certificate || c.days_left < soon_over_days ||
        c.days_left >= later_over_days)
      return;
    out.push_back({file.key, "should be renewed in time; it is valid for " + std::to_string(c.days_left) + " days more",
                   file.renewal});
  });
}

breaches a_node_names_its_peers(const settings& s, const machine&) {
  if (s.tls.certificate_file.empty() || !s.tls.peers.empty()) return {};
  return {{"tls.peers", "must name whom this node lets in; without a name it lets in nobody",
           "write for example *.cache.example.org"}};
}

breaches stored_answers_are_encrypted(const settings& s, const machine&) {
  if (!server_of(s).is_remote || s.encryption.enabled) return {};
  return {{"encryption.enabled", "should be true where others administer Redis: answers lie there in clear",
           "set encryption.keys_file, and switch it on on every node"}};
}

breaches invalidations_survive(const settings& s, const machine&) {
  if (s.redis.url.empty() || !s.invalidation.journal_file.empty()) return {};
  return {{"invalidation.journal_file",
           "should name a file: what is invalidated while Redis is away is forgotten when this node restarts meanwhile",
           "write for example /var/lib/aicache/journal"}};
}

breaches lives_are_believable(const settings& s, const machine&) {
  constexpr auto long_life = 365_d;
  breaches out;
  for (const auto& [operation, time] : s.ttl.operations)
    if (time > long_life)
      out.push_back({"ttl.operations",
                     "should be at most " + spell_time(long_life) + "; " + in_short_quotes(operation) + " has " +
                         spell_time(time) + ", longer than models live",
                     "shorten it"});
  if (s.ttl.default_ > long_life)
    out.push_back(
        {"ttl.default", "should be at most " + spell_time(long_life) + ": models do not live longer", "shorten it"});
  return out;
}

breaches default_life_is_short(const settings& s, const machine&) {
  constexpr auto day = 1_d;
  constexpr auto long_life = 365_d;
  if (s.ttl.default_ <= day || s.ttl.default_ > long_life) return {};
  return {{"ttl.default", "should be a day or less: every operation without a life of its own gets it",
           "give the operations that may live longer a life in ttl.operations"}};
}

breaches long_lives_have_memory(const settings& s, const machine&) {
  constexpr auto long_life = 2_h;
  constexpr std::uint64_t little = 32_MiB;
  if (s.ttl.default_ <= long_life || s.memory.budget >= little) return {};
  return {{"memory.budget",
           "should be " + spell_size(little) + " or more when answers live longer than " + spell_time(long_life) +
               ": most are driven out before their time",
           "raise it, or shorten ttl.default"}};
}

breaches compression_is_worth_it(const settings& s, const machine&) {
  constexpr std::int64_t dear = 12;
  constexpr std::uint64_t long_answer = 10000;
  constexpr std::uint64_t short_answer = 64;
  breaches out;
  if (s.compression.level > dear)
    out.push_back({"compression.level",
                   "should be at most " + std::to_string(dear) + ": beyond, much time saves few bytes",
                   "write a level from 3 to 9"});
  if (s.compression.min_bytes > long_answer)
    out.push_back({"compression.min_bytes",
                   "should be at most " + std::to_string(long_answer) + ": most answers are shorter",
                   "write for example 256"});
  if (s.compression.min_bytes < short_answer && s.compression.level > 1)
    out.push_back({"compression.min_bytes",
                   "should be " + std::to_string(short_answer) + " or more: what is shorter does not shrink",
                   "write for example 256"});
  return out;
}

breaches waiters_outlast_the_call(const settings& s, const machine&) {
  if (s.lease.park_timeout >= s.lease.duration) return {};
  return {{"lease.park_timeout",
           "should be at least lease.duration, " + spell_time(s.lease.duration) +
               ": who stops waiting earlier asks the model again",
           "raise it, or shorten lease.duration"}};
}

breaches redis_answers_soon(const settings& s, const machine&) {
  constexpr auto patient = 1_s;
  if (s.redis.url.empty() || s.redis.get_deadline <= patient) return {};
  return {{"redis.get_deadline",
           "should be at most " + spell_time(patient) + ": while Redis is slow every miss waits this long",
           "write for example 50ms"}};
}

constexpr advice_row advice_rows[] = {
    {weight::error, demand::advised, "memory", budget_is_less_than_the_machine},
    {weight::error, demand::advised, "redis", certificates_can_be_used},
    {weight::error, demand::advised, "tls", a_node_names_its_peers},
    {weight::conflict, demand::advised, "redis", login_is_given_once},
    {weight::warning, demand::mandatory, "redis", network_is_encrypted},
    {weight::warning, demand::mandatory, "redis", server_asks_who_comes},
    {weight::warning, demand::mandatory, "redis", server_proves_its_name},
    {weight::warning, demand::advised, "redis", redis_settings_have_a_redis},
    {weight::warning, demand::advised, "redis", certificates_have_tls},
    {weight::warning, demand::advised, "redis", certificates_are_there_and_valid},
    {weight::warning, demand::advised, "memory", budget_leaves_room},
    {weight::warning, demand::advised, "limits", values_fit_a_shard},
    {weight::warning, demand::advised, "ttl", lives_are_believable},
    {weight::recommendation, demand::advised, "redis", password_is_long},
    {weight::recommendation, demand::advised, "redis", certificates_last},
    {weight::recommendation, demand::advised, "encryption", stored_answers_are_encrypted},
    {weight::recommendation, demand::advised, "invalidation", invalidations_survive},
    {weight::recommendation, demand::advised, "ttl", default_life_is_short},
    {weight::recommendation, demand::advised, "memory", long_lives_have_memory},
    {weight::recommendation, demand::advised, "compression", compression_is_worth_it},
    {weight::recommendation, demand::advised, "lease", waiters_outlast_the_call},
    {weight::recommendation, demand::advised, "redis", redis_answers_soon},
};

}  // namespace

std::span<const advice_row> all_advice() { return advice_rows; }

std::string_view security_level(const settings& s) {
  if (s.redis.url.empty()) return "none";
  const redis_server server = server_of(s);
  if (server.is_encrypted && has_password(s) && s.redis.verify_name) return "high";
  return server.is_encrypted || has_password(s) || !server.is_remote ? "medium" : "low";
}

}  // namespace aicache::config
