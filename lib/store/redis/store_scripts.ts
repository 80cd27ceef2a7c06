/**
 * The store's Lua scripts, each an atomic operation.
 *
 * Keys under the prefix: `entry:COLLECTION\0ID`, a hash with the entry; `index:COLLECTION`, a sorted
 * set of ids, all with score 0 and so ordered by their bytes; and `expiry`, a sorted set of
 * `COLLECTION\0ID` by expiry. Redis deletes expired hashes; lists and writes remove them from the two
 * sets.
 *
 * A script declares every key whose absence it relies on: while a slot of a Cluster moves to another
 * node, Redis then answers TRYAGAIN instead of letting the script take an entry for missing that is
 * still on the first node.
 *
 * @module
 */

const SHARED = String.raw`
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(n) return string.format('%.0f', n) end
local function read(key)
  local fields = redis.call('HMGET', key, 'value', 'version', 'expires')
  if fields[1] and (fields[3] == '' or tonumber(fields[3]) > now) then return fields[1], fields[2] end
  return false, false
end
`;

/** All scripts take as their first argument a time or "" for that of Redis. */
export const STORE_SCRIPTS = {
  /** Returns the time in ms since 1970. Its key only chooses the node of a Cluster. */
  storeNow: SHARED + "return text(now)",
  /** Keys: the entries. Returns value and version of each, or nils. */
  storeGet: SHARED + String.raw`
local found = {}
for _, key in ipairs(KEYS) do
  local value, version = read(key)
  found[#found + 1] = value
  found[#found + 1] = version
end
return found
`,
  /** Key: index. Arguments: a command that ranges by name, its two bounds and the limit. */
  storeIds: "return redis.call(ARGV[2], KEYS[1], ARGV[3], ARGV[4], 'LIMIT', 0, ARGV[5])",
  /**
   * Keys: expiry, then entry and index of each change. Arguments: the last time at which the script may
   * have an effect, or ""; the new version; the prefix; then of each change: collection, id, wanted
   * version ("any", "none" or "=" and the version), "set", "delete" or "check", value, lifetime in ms
   * or "", and the channel to publish to or "". Returns the time, and "late", "1", or "0" if a version
   * does not match.
   */
  storeWrite: SHARED + String.raw`
local expiry, version, prefix = KEYS[1], ARGV[3], ARGV[4]
if now > (tonumber(ARGV[2]) or now) then return { text(now), 'late' } end
local changes = {}
for i = 5, #ARGV, 7 do
  local change = {
    key = KEYS[2 * #changes + 2], index = KEYS[2 * #changes + 3], id = ARGV[i + 1],
    name = ARGV[i] .. '\0' .. ARGV[i + 1], wanted = ARGV[i + 2], action = ARGV[i + 3],
    value = ARGV[i + 4], life = tonumber(ARGV[i + 5]), channel = ARGV[i + 6],
  }
  if change.wanted ~= 'any' then
    local _, current = read(change.key)
    if (current and '=' .. current or 'none') ~= change.wanted then return { text(now), '0' } end
  end
  changes[#changes + 1] = change
end
-- The keys of other entries may be on another node; those remain.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', expiry, '-inf', text(now), 'LIMIT', 0, 20)) do
  local nul = string.find(name, '\0', 1, true)
  redis.pcall('DEL', prefix .. 'entry:' .. name)
  redis.pcall('ZREM', prefix .. 'index:' .. string.sub(name, 1, nul - 1), string.sub(name, nul + 1))
  redis.call('ZREM', expiry, name)
end
for _, change in ipairs(changes) do
  local key, life = change.key, change.life
  if change.action == 'delete' or (life and life <= 0) then
    redis.call('DEL', key)
    redis.call('ZREM', change.index, change.id)
    redis.call('ZREM', expiry, change.name)
  elseif change.action == 'set' then
    local expires = life and text(math.ceil(now + life)) or ''
    redis.call('HSET', key, 'value', change.value, 'version', version, 'expires', expires)
    redis.call('ZADD', change.index, 0, change.id)
    if life then
      redis.call('PEXPIRE', key, text(math.ceil(life)))
      redis.call('ZADD', expiry, expires, change.name)
    else
      redis.call('PERSIST', key)
      redis.call('ZREM', expiry, change.name)
    end
  end
  -- A user without access to the channel can still write.
  if change.channel ~= '' then redis.pcall('PUBLISH', change.channel, '') end
end
return { text(now), '1' }
`,
} as const;
