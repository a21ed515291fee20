#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/shared/redis_key.hpp"
#include "engine/shared/shared_codec.hpp"
#include "engine/shared/traffic.hpp"

namespace aicache::test {

/// The shared tier of one shard in the test's hand: what would be a worker, a link and Redis.
class held_redis {
 public:
  explicit held_redis(std::shared_ptr<const key_ring> keys = nullptr) : codec({}, std::move(keys)) {}

  static std::string name_of(const identity& id, const std::string& operation = "qa", const std::string& tenant = "t") {
    return redis_key("aicache", tenant, operation, id);
  }

  /// What another node has put.
  void put(const std::string& key, const shared_answer& a) {
    std::string bytes;
    if (!codec.seal(a, bytes)) bytes = "unsealed";
    data[key] = std::move(bytes);
  }

  std::vector<fetched_value> look(const fetch_request& r) {
    ++look_ups;
    keys_looked_up += r.keys.size();
    std::vector<fetched_value> all;
    for (const std::string& key : r.keys) {
      const auto at = data.find(key);
      if (away) {
        all.push_back({fetch_status::unavailable, {}});
      } else if (at == data.end()) {
        all.push_back({fetch_status::absent, {}});
      } else {
        all.push_back({fetch_status::present, at->second});
      }
    }
    return all;
  }

  std::vector<store_status> apply(const write_job& job) {
    std::vector<store_status> all;
    for (const write_item& i : job.items) {
      if (away) {
        all.push_back(store_status::unavailable);
      } else if (!i.value || i.expires <= job.now) {
        ++removals;
        all.push_back(data.erase(i.key) != 0 ? store_status::done : store_status::absent);
      } else if (full) {
        all.push_back(store_status::refused);
      } else {
        ++writes;
        order.push_back(i.key);
        put(i.key, {i.id, i.value, i.created, i.expires, i.born, i.tags});
        all.push_back(store_status::done);
      }
    }
    return all;
  }

  std::map<std::string, std::string> data;
  shared_codec codec;
  bool away = false;               ///< nothing is answered but that
  bool full = false;               ///< no write is taken
  std::vector<std::string> order;  ///< of writes
  std::uint64_t look_ups = 0;
  std::uint64_t keys_looked_up = 0;
  std::uint64_t writes = 0;
  std::uint64_t removals = 0;
};

}  // namespace aicache::test
