/**
 * What limits do inside Redis, in Lua: the arithmetic of `limit_account.ts`, in one atomic script.
 *
 * A rate or a sum is a hash with `level` and `at`; leases are a sorted set by their ends.
 *
 * @module
 */

/**
 * The script by its name. Its keys are the limits' accounts; its arguments the time, what to do
 * ("take", "settle" or "renew"), and for each key the limit's kind, amount and window, the cost and
 * the lease. A take answers 1 or 0, and then for each key its level, `at` and `freeAt`.
 */
export const LIMITER_SCRIPTS = {
  limits: String.raw`
local now, action = tonumber(ARGV[1]), ARGV[2]
local function text(n) return string.format('%.17g', n) end

local function read(i)
  local ask = 5 * i - 2
  local one = {
    key = KEYS[i], kind = ARGV[ask], amount = tonumber(ARGV[ask + 1]),
    window = tonumber(ARGV[ask + 2]), cost = tonumber(ARGV[ask + 3]), lease = ARGV[ask + 4],
  }
  if one.kind == 'parallel' then
    one.level = redis.call('ZCOUNT', one.key, '(' .. ARGV[1], '+inf')
    one.held = tonumber(redis.call('ZSCORE', one.key, one.lease) or '0') > now
    return one
  end
  local kept = redis.call('HMGET', one.key, 'level', 'at')
  one.level, one.at = tonumber(kept[1] or '0'), tonumber(kept[2] or '0')
  if one.kind == 'rate' then
    if now > one.at then
      one.level = math.max(0, one.level - (now - one.at) * one.amount)
      one.at = now
    end
  elseif one.at <= now then
    one.level = 0
    one.at = now + one.window
  end
  return one
end

local function fits(one)
  if one.cost == 0 then return true end
  if one.kind == 'rate' then return one.level + one.cost * one.window <= one.amount * one.window end
  return one.held or one.level + one.cost <= one.amount
end

local function expire(key, life)
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil(life) + 60000))
end

local function charge(one)
  local rise = one.cost
  if one.kind == 'rate' then rise = one.cost * one.window end
  one.level = math.max(0, one.level + rise)
  if one.level == 0 then
    redis.call('DEL', one.key)
  else
    redis.call('HSET', one.key, 'level', text(one.level), 'at', text(one.at))
    expire(one.key, one.kind == 'rate' and one.level / one.amount or one.at - now)
  end
end

local function ends(key, from)
  local found = redis.call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', from, 1)
  return tonumber(found[2] or '0')
end

local function lend(one)
  redis.call('ZREMRANGEBYSCORE', one.key, '-inf', ARGV[1])
  redis.call('ZADD', one.key, text(now + one.window), one.lease)
  one.level = redis.call('ZCARD', one.key)
  expire(one.key, ends(one.key, one.level - 1) - now)
end

local function act(one)
  if one.kind ~= 'parallel' then charge(one)
  elseif action == 'settle' then redis.call('ZREM', one.key, one.lease)
  else lend(one) end
end

if action ~= 'take' then
  for i = 1, #KEYS do act(read(i)) end
  return {}
end
local asks, ok = {}, true
for i = 1, #KEYS do
  asks[i] = read(i)
  ok = ok and fits(asks[i])
end
local answer = { ok and '1' or '0' }
for _, one in ipairs(asks) do
  if ok and one.cost > 0 then act(one) end
  local free = 0
  if one.kind == 'parallel' then
    one.at = one.level > 0 and ends(one.key, one.level - 1) or 0
    local index = one.level - math.floor(one.amount)
    if index >= 0 then free = ends(one.key, index) end
  end
  answer[#answer + 1] = text(one.level)
  answer[#answer + 1] = text(one.at)
  answer[#answer + 1] = text(free)
end
return answer
`,
} as const;
