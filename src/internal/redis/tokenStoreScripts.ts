/** Scripts of the token store, which Redis runs one at a time. */

/**
 * The generation of tags: a digest of their values. A tag without a value receives one, so a lost value invalidates what had it. A tag
 * is kept for `life` milliseconds at least. The tags are the keys from `first` on.
 */
const generation = `
local function generation(first, seed, life)
  local values = {}
  for index = first, #KEYS do
    local value = redis.call('GET', KEYS[index])
    if not value then
      value = seed
      redis.call('SET', KEYS[index], value, 'PX', life)
    elseif redis.call('PTTL', KEYS[index]) < life then
      redis.call('PEXPIRE', KEYS[index], life)
    end
    values[#values + 1] = value
  end
  return redis.sha1hex(table.concat(values, ' '))
end
`

/** Keys: token, lease, tags. Arguments: seed, life of tags, id of the lease, life of the lease, id that is not accepted. */
export const find = `${generation}
local current = generation(3, ARGV[1], tonumber(ARGV[2]))
local token = redis.call('HMGET', KEYS[1], 'id', 'generation', 'sealed')
if token[1] and token[2] == current and token[1] ~= ARGV[5] then return { 'found', current, token[1], token[3] } end
local lease = redis.call('HMGET', KEYS[2], 'id', 'generation')
if lease[1] and lease[2] == current then return { 'busy', current } end
redis.call('HSET', KEYS[2], 'id', ARGV[3], 'generation', current)
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return { 'leased', current }`

const release = `
local function release(key, id, channel, message)
  if id == '' then return end
  if redis.call('HGET', key, 'id') == id then redis.call('DEL', key) end
  redis.call('PUBLISH', channel, message)
end
`

/** Keys: token, lease, tags. Arguments: seed, life of tags, generation, id, sealed token, its life, id of the lease, channel, message. */
export const put = `${generation}${release}
local isCurrent = generation(3, ARGV[1], tonumber(ARGV[2])) == ARGV[3]
if isCurrent then
  redis.call('HSET', KEYS[1], 'id', ARGV[4], 'generation', ARGV[3], 'sealed', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
release(KEYS[2], ARGV[7], ARGV[8], ARGV[9])
return isCurrent and 1 or 0`

/** Key: lease. Arguments: id of the lease, its life. */
export const renew = `
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])`

/** Key: lease. Arguments: id of the lease, channel, message. */
export const end = `${release}
release(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
return 1`

/** Keys: tags. Arguments: seed, life of tags. */
export const read = `${generation}
return generation(1, ARGV[1], tonumber(ARGV[2]))`

/**
 * Changes the first tag, if the token has the given id or none is given. Keys: token, tags. Arguments: seed, life of tags, next value,
 * id, channel, message.
 */
export const change = `${generation}
if ARGV[4] ~= '' and redis.call('HGET', KEYS[1], 'id') ~= ARGV[4] then return {} end
local life = tonumber(ARGV[2])
local before = generation(2, ARGV[1], life)
redis.call('SET', KEYS[2], ARGV[3], 'PX', life)
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[5], ARGV[6])
return { before, generation(2, ARGV[1], life) }`

/** Changes all tags. Keys: tags. Arguments: life of tags, next value, channel, message. */
export const invalidate = `
for index = 1, #KEYS do redis.call('SET', KEYS[index], ARGV[2], 'PX', ARGV[1]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`
