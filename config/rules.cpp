#include "config/rules.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace aicache::config {
namespace {

using breaches = std::vector<breach>;

bool has_all_of_tls(const settings& s) {
  return !s.tls.certificate_file.empty() && !s.tls.key_file.empty() && !s.tls.ca_file.empty();
}

constexpr std::string_view host_keys[] = {"node.host", "tls.certificate_file", "tls.key_file", "tls.ca_file"};
breaches host_is_loopback(const settings& s) {
  if (is_loopback(s.node.host) || has_all_of_tls(s)) return {};
  return {{"node.host",
           "must be a loopback address without TLS, because the port trusts whoever connects; " +
               in_short_quotes(s.node.host) + " is none",
           "write 127.0.0.1, ::1 or localhost, or set tls.certificate_file, tls.key_file, tls.ca_file and tls.peers"}};
}

// Half of it would be none, and who wrote it believes to have it.
constexpr std::string_view tls_keys[] = {"tls.certificate_file", "tls.key_file", "tls.ca_file", "tls.passphrase_file",
                                         "tls.peers"};
breaches tls_is_whole(const settings& s) {
  const auto& t = s.tls;
  breaches out;
  if (t.certificate_file.empty() && t.key_file.empty() && t.ca_file.empty() && t.passphrase_file.empty() &&
      t.peers.empty())
    return out;
  const auto need = [&](const char* key, const std::string& path) {
    if (path.empty())
      out.push_back({key, "must be set where anything of tls is: it needs certificate, key and authority",
                     "set tls.certificate_file, tls.key_file and tls.ca_file, or nothing of tls"});
  };
  need("tls.certificate_file", t.certificate_file);
  need("tls.key_file", t.key_file);
  need("tls.ca_file", t.ca_file);
  return out;
}

// A DNS name, an address, or a DNS name whose first label is a star.
bool is_peer_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == ':';
  };
  return !name.empty() && name.front() != '.' && name.back() != '.' && std::all_of(name.begin(), name.end(), plain);
}

constexpr std::string_view peer_keys[] = {"tls.peers"};
breaches peers_are_names(const settings& s) {
  breaches out;
  for (std::string_view rest = s.tls.peers; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (!is_peer_name(name))
      out.push_back(
          {"tls.peers",
           "must be DNS names or addresses with commas between them; " + in_short_quotes(name) + " is neither",
           "write for example cache.example.org,*.workers.example.org"});
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return out;
}

constexpr std::string_view shard_keys[] = {"node.shards", "memory.budget"};
breaches every_shard_has_room(const settings& s) {
  if (s.node.shards == 0 || s.memory.budget / s.node.shards >= smallest_shard) return {};
  return {{"memory.budget",
           "must give each of the " + std::to_string(s.node.shards) + " shards at least " + spell_size(smallest_shard) +
               "; it is " + spell_size(s.memory.budget),
           "write at least " + spell_size(smallest_shard * s.node.shards) + ", or lower node.shards to " +
               std::to_string(s.memory.budget / smallest_shard)}};
}

constexpr std::string_view batch_keys[] = {"limits.batch_keys", "limits.in_flight_keys"};
breaches a_batch_can_be_in_flight(const settings& s) {
  if (s.limits.batch_keys <= s.limits.in_flight_keys) return {};
  return {{"limits.batch_keys",
           "must be at most limits.in_flight_keys, or the largest batch is always refused; " +
               std::to_string(s.limits.batch_keys) + " is more than " + std::to_string(s.limits.in_flight_keys),
           "raise limits.in_flight_keys, or lower limits.batch_keys"}};
}

breach too_long_a_life(const std::string& key, const std::string& what, const settings& s) {
  return {key, "must be at most ttl.max, " + spell_time(s.ttl.max) + "; " + what, "raise ttl.max, or shorten " + key};
}

constexpr std::string_view default_ttl_keys[] = {"ttl.default", "ttl.max"};
breaches default_life_is_allowed(const settings& s) {
  if (s.ttl.default_ <= s.ttl.max) return {};
  return {too_long_a_life("ttl.default", spell_time(s.ttl.default_) + " is longer", s)};
}

constexpr std::string_view operation_ttl_keys[] = {"ttl.operations", "ttl.max"};
breaches operations_lives_are_allowed(const settings& s) {
  breaches out;
  for (const auto& [operation, time] : s.ttl.operations) {
    if (time <= s.ttl.max) continue;
    const std::string what = in_short_quotes(operation) + " has " + spell_time(time) + ", which is longer";
    out.push_back(too_long_a_life("ttl.operations", what, s));
  }
  return out;
}

constexpr std::string_view parked_keys[] = {"lease.max_parked", "lease.max_parked_per_key"};
breaches one_key_parks_no_more_than_all(const settings& s) {
  if (s.lease.max_parked_per_key <= s.lease.max_parked) return {};
  return {{"lease.max_parked_per_key",
           "must be at most lease.max_parked; " + std::to_string(s.lease.max_parked_per_key) + " is more than " +
               std::to_string(s.lease.max_parked),
           "lower it, or raise lease.max_parked"}};
}

breach not_ascending(const std::string& key, const std::string& lower, std::int64_t value, std::int64_t bound) {
  return {key, "must be above " + lower + ", " + std::to_string(bound) + "; it is " + std::to_string(value),
          "make text_tiers.small, medium and large ascend"};
}

constexpr std::string_view tier_keys[] = {"text_tiers.small", "text_tiers.medium", "text_tiers.large"};
breaches text_tiers_ascend(const settings& s) {
  const auto& t = s.text_tiers;
  breaches out;
  if (t.medium <= t.small) out.push_back(not_ascending("text_tiers.medium", "text_tiers.small", t.medium, t.small));
  if (t.large <= t.medium) out.push_back(not_ascending("text_tiers.large", "text_tiers.medium", t.large, t.medium));
  return out;
}

constexpr std::string_view worker_keys[] = {"compression.worker_bytes", "compression.min_bytes"};
breaches workers_get_what_is_compressed(const settings& s) {
  if (s.compression.worker_bytes >= s.compression.min_bytes) return {};
  return {{"compression.worker_bytes",
           "must be at least compression.min_bytes, " + spell_size(s.compression.min_bytes) + "; it is " +
               spell_size(s.compression.worker_bytes),
           "raise it, or lower compression.min_bytes"}};
}

constexpr std::string_view dictionary_keys[] = {"compression.dictionary_bytes"};
breaches a_dictionary_is_no_crumb(const settings& s) {
  // zstd trains none that is smaller.
  constexpr std::uint64_t smallest_dictionary = 256;
  if (s.compression.dictionary_bytes == 0 || s.compression.dictionary_bytes >= smallest_dictionary) return {};
  return {{"compression.dictionary_bytes",
           "must be 0 or at least " + spell_size(smallest_dictionary) + "; it is " +
               spell_size(s.compression.dictionary_bytes),
           "write 0 for no dictionaries, or " + spell_size(settings{}.compression.dictionary_bytes)}};
}

constexpr std::string_view backoff_keys[] = {"supervision.restart_backoff", "supervision.restart_backoff_max"};
breaches backoff_grows(const settings& s) {
  if (s.supervision.restart_backoff <= s.supervision.restart_backoff_max) return {};
  return {{"supervision.restart_backoff",
           "must be at most supervision.restart_backoff_max, " + spell_time(s.supervision.restart_backoff_max) +
               "; it is " + spell_time(s.supervision.restart_backoff),
           "lower it, or raise supervision.restart_backoff_max"}};
}

constexpr std::string_view notice_keys[] = {"monitor.memory_warning", "monitor.memory_critical",
                                            "monitor.invalidations_warning", "monitor.invalidations_critical"};
breaches warnings_come_before_alarms(const settings& s) {
  breaches out;
  const auto below = [&](const std::string& critical, const std::string& warning, const std::string& is,
                         const std::string& bound) {
    out.push_back(
        {critical, "must be at least " + warning + ", " + bound + "; it is " + is, "raise it, or lower " + warning});
  };
  const auto& m = s.monitor;
  if (m.memory_critical < m.memory_warning)
    below("monitor.memory_critical", "monitor.memory_warning", type::real::to_text(m.memory_critical),
          type::real::to_text(m.memory_warning));
  if (m.invalidations_critical < m.invalidations_warning)
    below("monitor.invalidations_critical", "monitor.invalidations_warning", std::to_string(m.invalidations_critical),
          std::to_string(m.invalidations_warning));
  return out;
}

constexpr std::string_view level_keys[] = {"log.level"};
breaches level_is_known(const settings& s) {
  constexpr std::array<std::string_view, 6> levels{"trace", "debug", "info", "warn", "error", "off"};
  if (std::find(levels.begin(), levels.end(), s.log.level) != levels.end()) return {};
  return {{"log.level",
           "must be one of trace, debug, info, warn, error and off; " + in_short_quotes(s.log.level) + " is none",
           "write info, or debug to see more"}};
}

constexpr std::string_view url_keys[] = {"redis.url"};
breaches url_is_of_redis(const settings& s) {
  const auto starts = [&](std::string_view scheme) { return s.redis.url.starts_with(scheme); };
  if (s.redis.url.empty() || starts("redis://") || starts("rediss://") || starts("unix://")) return {};
  return {{"redis.url", "must begin with redis://, rediss:// or unix://",
           "write redis://host:6379, or leave it empty for no Redis"}};
}

// What makes no sense without Redis is most likely meant for a Redis that was forgotten.
constexpr std::string_view needs_url_keys[] = {"redis.url", "redis.required", "redis.cluster"};
breaches switches_have_a_redis(const settings& s) {
  breaches out;
  const auto need = [&](const char* key, bool on) {
    if (on && s.redis.url.empty())
      out.push_back({key, "must be false without redis.url", "set redis.url, or switch it off"});
  };
  need("redis.required", s.redis.required);
  need("redis.cluster", s.redis.cluster);
  if (s.redis.cluster && s.redis.url.starts_with("unix://"))
    out.push_back({"redis.cluster", "must be false for a unix socket", "write a redis:// or rediss:// URL"});
  return out;
}

constexpr std::string_view password_keys[] = {"redis.password", "redis.password_file"};
breaches one_password(const settings& s) {
  if (s.redis.password.empty() || s.redis.password_file.empty()) return {};
  return {{"redis.password_file", "must be empty when redis.password is set", "leave one of them out"}};
}

constexpr std::string_view certificate_keys[] = {"redis.certificate_file", "redis.key_file"};
breaches certificate_has_its_key(const settings& s) {
  if (s.redis.certificate_file.empty() == s.redis.key_file.empty()) return {};
  const char* missing = s.redis.key_file.empty() ? "redis.key_file" : "redis.certificate_file";
  return {{missing, "must be set together with its other half",
           "set redis.certificate_file and redis.key_file, or neither"}};
}

constexpr std::string_view prefix_keys[] = {"redis.prefix"};
breaches prefix_is_plain(const settings& s) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (std::all_of(s.redis.prefix.begin(), s.redis.prefix.end(), plain)) return {};
  return {
      {"redis.prefix",
       "must hold only letters, digits, '-', '_' and '.'; " + in_short_quotes(s.redis.prefix) + " holds something else",
       "write a plain name such as aicache"}};
}

constexpr std::string_view encryption_keys[] = {"encryption.enabled", "encryption.keys", "encryption.keys_file"};
breaches encryption_has_one_source_of_keys(const settings& s) {
  const bool here = !s.encryption.keys.empty();
  const bool file = !s.encryption.keys_file.empty();
  if (here && file)
    return {{"encryption.keys_file", "must be empty when encryption.keys is set", "leave one of them out"}};
  if (!s.encryption.enabled || here || file) return {};
  return {{"encryption.enabled", "must be false without keys", "set encryption.keys_file, or AICACHE_ENCRYPTION_KEYS"}};
}

bool is_plain_name(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return std::all_of(text.begin(), text.end(), plain);
}

constexpr std::string_view member_keys[] = {"cluster.name", "cluster.seeds", "redis.url"};
breaches a_member_can_find_the_others(const settings& s) {
  breaches out;
  if (!is_plain_name(s.cluster.name))
    out.push_back({"cluster.name",
                   "must be made of letters, digits, '-', '_' and '.'; " + in_short_quotes(s.cluster.name) + " is not",
                   "write a plain name such as node-1"});
  if (!s.cluster.name.empty() && s.cluster.seeds.empty() && s.redis.url.empty())
    out.push_back({"cluster.seeds", "must be set where there is no redis.url, or no node finds another",
                   "set redis.url, or list every node as host:port"});
  return out;
}

bool is_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || text.find(' ') != std::string_view::npos) return false;
  const std::string_view digits = text.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && port > 0 && port < 65'536;
}

constexpr std::string_view seed_keys[] = {"cluster.seeds"};
breaches seeds_are_addresses(const settings& s) {
  std::string_view rest = s.cluster.seeds;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    if (!is_host_and_port(one))
      return {{"cluster.seeds", "must be addresses host:port divided by commas; " + in_short_quotes(one) + " is none",
               "write, for instance, 10.0.0.1:7411,10.0.0.2:7411"}};
  }
  return {};
}

constexpr std::string_view beat_keys[] = {"cluster.heartbeat", "cluster.lease"};
breaches a_lease_has_three_heartbeats(const settings& s) {
  if (3 * s.cluster.heartbeat <= s.cluster.lease) return {};
  return {{"cluster.heartbeat",
           "must be at most a third of cluster.lease, " + spell_time(s.cluster.lease) + "; it is " +
               spell_time(s.cluster.heartbeat),
           "lower it, or raise cluster.lease"}};
}

constexpr rule rules[] = {
    {host_keys, host_is_loopback},
    {tls_keys, tls_is_whole},
    {peer_keys, peers_are_names},
    {shard_keys, every_shard_has_room},
    {batch_keys, a_batch_can_be_in_flight},
    {default_ttl_keys, default_life_is_allowed},
    {operation_ttl_keys, operations_lives_are_allowed},
    {parked_keys, one_key_parks_no_more_than_all},
    {tier_keys, text_tiers_ascend},
    {worker_keys, workers_get_what_is_compressed},
    {dictionary_keys, a_dictionary_is_no_crumb},
    {backoff_keys, backoff_grows},
    {url_keys, url_is_of_redis},
    {needs_url_keys, switches_have_a_redis},
    {password_keys, one_password},
    {certificate_keys, certificate_has_its_key},
    {prefix_keys, prefix_is_plain},
    {member_keys, a_member_can_find_the_others},
    {seed_keys, seeds_are_addresses},
    {beat_keys, a_lease_has_three_heartbeats},
    {encryption_keys, encryption_has_one_source_of_keys},
    {notice_keys, warnings_come_before_alarms},
    {level_keys, level_is_known},
};

}  // namespace

std::span<const rule> all_rules() { return rules; }

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  for (int part = 0; part < 4; ++part) {
    const std::size_t length = std::min(host.find('.'), host.size());
    const std::string_view digits = host.substr(0, length);
    // A leading zero means octal to some resolvers.
    if (digits.empty() || digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return false;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + length, number);
    if (error != std::errc{} || end != digits.data() + length || number > 255) return false;
    if (part == 0 && number != 127) return false;
    if ((part < 3) == (length == host.size())) return false;
    host.remove_prefix(std::min(length + 1, host.size()));
  }
  return true;
}

}  // namespace aicache::config
