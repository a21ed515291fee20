#pragma once

#include <string_view>

// The Lua texts that Redis runs for the generations. All of them take the same five keys, which one hash tag keeps in
// one slot of a cluster: 1 newest (the counter), 2 scopes and 3 keys (sorted sets: a scope's text, scored with its
// generation), 4 floors (a hash), 5 restored (how often lost generations were told again).
//
// Scripts run whole or not at all, so nobody ever sees a generation without its scopes. Scores are doubles: exact up to
// 2^53 generations.
namespace aicache::generation_scripts {

/// Drops the lowest members of a set that is over its limit, and remembers how high they reached.
#define AICACHE_LUA_TRIM                                                            \
  "local function trim(set, limit, field)\n"                                        \
  "  local over = redis.call('ZCARD', set) - limit\n"                               \
  "  if over <= 0 then return end\n"                                                \
  "  local last = redis.call('ZRANGE', set, over - 1, over - 1, 'WITHSCORES')[2]\n" \
  "  redis.call('ZREMRANGEBYRANK', set, 0, over - 1)\n"                             \
  "  local floor = redis.call('HGET', KEYS[4], field)\n"                            \
  "  if not floor or tonumber(floor) < tonumber(last) then\n"                       \
  "    redis.call('HSET', KEYS[4], field, last)\n"                                  \
  "  end\n"                                                                         \
  "end\n"

// A write that Redis allows without memory to spare comes first: after it the rest of the script is allowed as well,
// and an invalidation must get through when Redis is full.
#define AICACHE_LUA_EVEN_WHEN_FULL "redis.call('ZREM', KEYS[2], '')\n"

/// Numbers an invalidation, keeps and announces it. ARGV: channel, origin, limit of scopes, limit of keys, scopes.
/// Returns its generation.
inline constexpr std::string_view invalidate = AICACHE_LUA_TRIM AICACHE_LUA_EVEN_WHEN_FULL
    "local g = string.format('%.0f', redis.call('INCR', KEYS[1]))\n"
    "for i = 5, #ARGV do\n"
    "  redis.call('ZADD', KEYS[string.sub(ARGV[i], 1, 1) == 'k' and 3 or 2], g, ARGV[i])\n"
    "end\n"
    "trim(KEYS[2], tonumber(ARGV[3]), 'scopes')\n"
    "trim(KEYS[3], tonumber(ARGV[4]), 'keys')\n"
    "redis.call('PUBLISH', ARGV[1], g .. ' ' .. ARGV[2] .. ' ' .. table.concat(ARGV, ' ', 5))\n"
    "return g\n";

/// What was invalidated after a generation, a page of it. ARGV: since, page (members of one set; those of the last
/// generation are never parted). Returns newest, through (all up to here is in the page), both floors, how many scopes
/// and keys there are, the server's run id, restored, then members and generations in turn.
inline constexpr std::string_view learn =
    "local newest = redis.call('GET', KEYS[1]) or '0'\n"
    "local through = newest\n"
    "for set = 2, 3 do\n"
    "  local last = redis.call('ZRANGEBYSCORE', KEYS[set], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT',\n"
    "                          tonumber(ARGV[2]) - 1, 1)[2]\n"
    "  if last and tonumber(last) < tonumber(through) then through = last end\n"
    "end\n"
    "local about = redis.pcall('INFO', 'server')\n"
    "local run = type(about) == 'string' and string.match(about, 'run_id:(%w+)') or ''\n"
    "local out = {newest, through, redis.call('HGET', KEYS[4], 'scopes') or '0',\n"
    "             redis.call('HGET', KEYS[4], 'keys') or '0', redis.call('ZCARD', KEYS[2]),\n"
    "             redis.call('ZCARD', KEYS[3]), run, redis.call('GET', KEYS[5]) or '0'}\n"
    "for set = 2, 3 do\n"
    "  for _, what in ipairs(redis.call('ZRANGEBYSCORE', KEYS[set], '(' .. ARGV[1], through, 'WITHSCORES')) do\n"
    "    out[#out + 1] = what\n"
    "  end\n"
    "end\n"
    "return out\n";

/// Tells Redis what it has lost. ARGV: channel, origin, limit of scopes, limit of keys, newest, floor of scopes, floor
/// of keys, 1 if this is the last page, then members and generations in turn. Nothing ever falls, and no generation that
/// Redis remembers will be given out again.
inline constexpr std::string_view restore = AICACHE_LUA_TRIM AICACHE_LUA_EVEN_WHEN_FULL
    "for i = 9, #ARGV, 2 do\n"
    "  local set = KEYS[string.sub(ARGV[i], 1, 1) == 'k' and 3 or 2]\n"
    "  local there = redis.call('ZSCORE', set, ARGV[i])\n"
    "  if not there or tonumber(there) < tonumber(ARGV[i + 1]) then redis.call('ZADD', set, ARGV[i + 1], ARGV[i]) end\n"
    "end\n"
    "local newest = ARGV[5]\n"
    "for set = 2, 3 do\n"
    "  local top = redis.call('ZREVRANGE', KEYS[set], 0, 0, 'WITHSCORES')[2]\n"
    "  if top and tonumber(top) > tonumber(newest) then newest = top end\n"
    "end\n"
    "if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(newest) then redis.call('SET', KEYS[1], newest) end\n"
    "for i, field in ipairs({'scopes', 'keys'}) do\n"
    "  if tonumber(redis.call('HGET', KEYS[4], field) or '0') < tonumber(ARGV[5 + i]) then\n"
    "    redis.call('HSET', KEYS[4], field, ARGV[5 + i])\n"
    "  end\n"
    "end\n"
    "trim(KEYS[2], tonumber(ARGV[3]), 'scopes')\n"
    "trim(KEYS[3], tonumber(ARGV[4]), 'keys')\n"
    "if ARGV[8] == '1' then\n"
    "  redis.call('INCR', KEYS[5])\n"
    "  redis.call('PUBLISH', ARGV[1], '0 ' .. ARGV[2])\n"
    "end\n"
    "return redis.call('GET', KEYS[1])\n";

#undef AICACHE_LUA_TRIM
#undef AICACHE_LUA_EVEN_WHEN_FULL

}  // namespace aicache::generation_scripts
