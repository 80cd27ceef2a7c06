/**
 * The store's Lua scripts, each an atomic operation.
 *
 * Keys under the prefix `KEYS[1]`: `entry:COLLECTION\0ID`, a hash with the entry;
 * `index:COLLECTION`, a sorted set of ids, all with score 0 and so ordered by their bytes; and
 * `expiry`, a sorted set of `COLLECTION\0ID` by expiry. Redis deletes expired hashes; lists and
 * writes remove them from the two sets.
 *
 * @module
 */

const SHARED = String.raw`
local prefix, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function text(n) return string.format('%.0f', n) end
local function entry_key(collection, id) return prefix .. 'entry:' .. collection .. '\0' .. id end
local function read(collection, id)
  local fields = redis.call('HMGET', entry_key(collection, id), 'value', 'version', 'expires')
  if fields[1] and (fields[3] == '' or tonumber(fields[3]) > now) then return fields[1], fields[2] end
  return false, false
end
local function remove(collection, id)
  redis.call('DEL', entry_key(collection, id))
  redis.call('ZREM', prefix .. 'index:' .. collection, id)
  redis.call('ZREM', prefix .. 'expiry', collection .. '\0' .. id)
end
`;

/** All scripts take the prefix as their key, and as their first argument a time or "" for that of Redis. */
export const STORE_SCRIPTS = {
  /** Returns the time in ms since 1970. */
  storeNow: SHARED + "return text(now)",
  /** Arguments: collection and id of each entry. Returns value and version of each, or nils. */
  storeGet: SHARED + String.raw`
local found = {}
for i = 2, #ARGV, 2 do
  local value, version = read(ARGV[i], ARGV[i + 1])
  found[#found + 1] = value
  found[#found + 1] = version
end
return found
`,
  /**
   * Arguments: collection; lower and upper bound, as ZRANGEBYLEX takes them; limit; 1 to reverse.
   * Returns id, value and version of each entry.
   */
  storeList: SHARED + String.raw`
local collection, low, high, limit = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local reverse = ARGV[6] == '1'
local index = prefix .. 'index:' .. collection
local found = {}
while #found < 3 * limit do
  local missing = limit - #found / 3
  local ids
  if reverse then ids = redis.call('ZREVRANGEBYLEX', index, high, low, 'LIMIT', 0, missing)
  else ids = redis.call('ZRANGEBYLEX', index, low, high, 'LIMIT', 0, missing) end
  for _, id in ipairs(ids) do
    local value, version = read(collection, id)
    if value then
      found[#found + 1] = id
      found[#found + 1] = value
      found[#found + 1] = version
    else
      remove(collection, id)
    end
  end
  if #ids < missing then break end
  if reverse then high = '(' .. ids[#ids] else low = '(' .. ids[#ids] end
end
return found
`,
  /**
   * Arguments: the new version, then of each change: collection, id, wanted version ("any", "none"
   * or "=" and the version), "set", "delete" or "check", value, lifetime in ms or "", and 1 to
   * publish the collection. Returns 1, or 0 if a version does not match.
   */
  storeWrite: SHARED + String.raw`
for i = 3, #ARGV, 7 do
  local wanted = ARGV[i + 2]
  if wanted ~= 'any' then
    local _, version = read(ARGV[i], ARGV[i + 1])
    if (version and '=' .. version or 'none') ~= wanted then return 0 end
  end
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'expiry', '-inf', text(now), 'LIMIT', 0, 20)) do
  local nul = string.find(name, '\0', 1, true)
  remove(string.sub(name, 1, nul - 1), string.sub(name, nul + 1))
end
for i = 3, #ARGV, 7 do
  local collection, id, action, life = ARGV[i], ARGV[i + 1], ARGV[i + 3], tonumber(ARGV[i + 5])
  if action == 'delete' or (life and life <= 0) then
    remove(collection, id)
  elseif action == 'set' then
    local key, name = entry_key(collection, id), collection .. '\0' .. id
    local expires = life and text(math.ceil(now + life)) or ''
    redis.call('HSET', key, 'value', ARGV[i + 4], 'version', ARGV[2], 'expires', expires)
    redis.call('ZADD', prefix .. 'index:' .. collection, 0, id)
    if expires == '' then
      redis.call('PERSIST', key)
      redis.call('ZREM', prefix .. 'expiry', name)
    else
      redis.call('PEXPIRE', key, text(math.ceil(life)))
      redis.call('ZADD', prefix .. 'expiry', expires, name)
    end
  end
  -- A user without access to the channel can still write.
  if ARGV[i + 6] == '1' then redis.pcall('PUBLISH', prefix .. collection, '') end
end
return 1
`,
} as const;
