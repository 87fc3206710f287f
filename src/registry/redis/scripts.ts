import { createHash } from "node:crypto";

/**
 * What Redis does, each in one step that nothing can come between. Redis 6 and later.
 *
 * All keys begin with the prefix, which is KEYS[1] and holds a hash tag, so that they are in one place of a cluster:
 *
 *   :epoch          grows with each registration of a node
 *   :nodes          sorted set: node#epoch → when its lease ends, by Redis' own clock
 *   :beat           when any node was last heard of
 *   :states         hash: node#epoch → its address and room, as JSON
 *   :dead           set: node#epoch whose lease ended and whose sessions are not all reaped yet
 *   :live           hash: session → owner, call, recoveries; a line break; the claim as JSON
 *   :calls          hash: call → its live sessions
 *   :leaving        hash: live session that is on its way out → its call
 *   :of:<owner>     set: the live sessions of a node#epoch
 *   :ended:<id>     the same as in :live, with reason and time; gone after 10 minutes
 *   :untold:<owner> hash: lost sessions that this node#epoch was given to report, until it says that it has
 *   :once:<key>     who runs the request with this key, or its answer
 *
 * Claims are opaque to the scripts: Lua's JSON would turn an empty array into an object.
 */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Scripts that read the clock may write only after this, before Redis 7. */
const effects = "if redis.replicate_commands then redis.replicate_commands() end\n";

const clock = `
local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
`;

/** ARGV[1] is the time after which nobody waits for the answer: then nothing may be done. ARGV[2] is the node#epoch. */
const guarded = `${clock}
if now > tonumber(ARGV[1]) then return {'late', text(now)} end
local me = ARGV[2]
local at = 2
local function nextArgument() at = at + 1 return ARGV[at] end
`;

const registered = `
if not redis.call('ZSCORE', p .. ':nodes', me) then return {'unknown', text(now)} end
`;

const sessions = `
local function split(data)
  local line = string.find(data, '\\n', 1, true)
  return cjson.decode(string.sub(data, 1, line - 1)), string.sub(data, line + 1)
end

local function write(id, call, claim, recoveries)
  redis.call('HSET', p .. ':live', id, cjson.encode({me, call, recoveries}) .. '\\n' .. claim)
  redis.call('SADD', p .. ':of:' .. me, id)
end

local function remove(id, owner, call)
  redis.call('HDEL', p .. ':live', id)
  redis.call('HDEL', p .. ':leaving', id)
  redis.call('SREM', p .. ':of:' .. owner, id)
  if redis.call('HINCRBY', p .. ':calls', call, -1) <= 0 then redis.call('HDEL', p .. ':calls', call) end
end

-- A session of this node is live, whatever is known of it. 1: it was held to be lost.
local function add(id, call, claim, recoveries)
  local known = redis.call('HGET', p .. ':live', id)
  if known then
    local header = split(known)
    if header[1] ~= me then
      redis.call('SREM', p .. ':of:' .. header[1], id)
      write(id, call, claim, header[3])
    end
    return 0
  end
  local recovered = 0
  local ended = redis.call('GET', p .. ':ended:' .. id)
  if ended then
    local header = split(ended)
    if header[4] ~= 'lost' then return 0 end
    recovered = 1
    recoveries = header[3] + 1
    redis.call('DEL', p .. ':ended:' .. id)
  end
  write(id, call, claim, recoveries)
  redis.call('HINCRBY', p .. ':calls', call, 1)
  return recovered
end

-- A session of this node has ended, or never came to be, where there is no reason.
local function release(id, call, claim, recoveries, reason, endedAt, keptMs)
  local known = redis.call('HGET', p .. ':live', id)
  if known then
    local header = split(known)
    remove(id, header[1], header[2])
    recoveries = header[3]
  else
    local ended = redis.call('GET', p .. ':ended:' .. id)
    if ended then
      local header = split(ended)
      if header[4] ~= 'lost' then return end
      recoveries = header[3] + 1
    end
  end
  if reason == '' then
    redis.call('DEL', p .. ':ended:' .. id)
  else
    local header = cjson.encode({me, call, recoveries, reason, endedAt})
    redis.call('SET', p .. ':ended:' .. id, header .. '\\n' .. claim, 'PX', keptMs)
  end
end

local function releaseAll()
  for _ = 1, tonumber(nextArgument()) do
    local id, call, claim, recoveries = nextArgument(), nextArgument(), nextArgument(), tonumber(nextArgument())
    release(id, call, claim, recoveries, nextArgument(), nextArgument(), nextArgument())
  end
end
`;

/** ARGV: node, its epoch before (0: none), lease in ms, its state. → epoch, time. */
export const register = script(
  "register",
  `${effects}${clock}
local epoch = math.max(tonumber(redis.call('GET', p .. ':epoch') or '0'), tonumber(ARGV[2])) + 1
redis.call('SET', p .. ':epoch', text(epoch))
local me = ARGV[1] .. '#' .. text(epoch)
redis.call('ZADD', p .. ':nodes', text(now + tonumber(ARGV[3])), me)
redis.call('HSET', p .. ':states', me, ARGV[4])
return {text(epoch), text(now)}`,
);

/**
 * ARGV: deadline, owner, most sessions in a call, most of all (0: no limit), id, call, claim, releases.
 * → ok, call_full, fleet_full, unknown (the node's lease is gone) or late; time; where it is full, 1 if a session that holds a
 * place is on its way out.
 */
export const claim = script(
  "claim",
  `${effects}${guarded}${registered}${sessions}
local mostInCall, mostOfAll = tonumber(nextArgument()), tonumber(nextArgument())
local id, call, claim = nextArgument(), nextArgument(), nextArgument()
releaseAll()
if redis.call('HEXISTS', p .. ':live', id) == 1 then return {'ok', text(now)} end
if mostOfAll > 0 and redis.call('HLEN', p .. ':live') >= mostOfAll then
  return {'fleet_full', text(now), redis.call('EXISTS', p .. ':leaving')}
end
if mostInCall > 0 and tonumber(redis.call('HGET', p .. ':calls', call) or '0') >= mostInCall then
  local leaving = 0
  for _, its in ipairs(redis.call('HVALS', p .. ':leaving')) do
    if its == call then leaving = 1 end
  end
  return {'call_full', text(now), leaving}
end
add(id, call, claim, 0)
return {'ok', text(now)}`,
);

/** ARGV: deadline, owner, id, call. A session that is known to live is on its way out. → ok, unknown or late; time. */
export const leaving = script(
  "leaving",
  `${effects}${guarded}${registered}
local id, call = nextArgument(), nextArgument()
if redis.call('HEXISTS', p .. ':live', id) == 1 then redis.call('HSET', p .. ':leaving', id, call) end
return {'ok', text(now)}`,
);

/**
 * ARGV: deadline, owner, lease in ms, state, most to reap, acknowledged, added, released; each of the last three is a
 * count and so many. → ok, unknown or late; time; recovered; 1 where more is to be reaped; lost sessions to report; peers.
 */
export const beat = script(
  "beat",
  `${effects}${guarded}${registered}${sessions}
-- While Redis was away nobody could renew a lease: of such a time only a second counts.
local lastBeat = redis.call('GET', p .. ':beat')
local awayMs = lastBeat and now - tonumber(lastBeat) - 1000 or 0
if awayMs > 1000 then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', p .. ':nodes', lastBeat, '+inf')) do
    redis.call('ZINCRBY', p .. ':nodes', text(awayMs), node)
  end
end
redis.call('SET', p .. ':beat', text(now))
redis.call('ZADD', p .. ':nodes', text(now + tonumber(nextArgument())), me)
redis.call('HSET', p .. ':states', me, nextArgument())
local most = tonumber(nextArgument())
local untold = p .. ':untold:' .. me

for _ = 1, tonumber(nextArgument()) do redis.call('HDEL', untold, nextArgument()) end
local recovered = {}
for _ = 1, tonumber(nextArgument()) do
  local id, call, claim, recoveries = nextArgument(), nextArgument(), nextArgument(), tonumber(nextArgument())
  if add(id, call, claim, recoveries) == 1 then recovered[#recovered + 1] = id end
end
releaseAll()

for _, dead in ipairs(redis.call('ZRANGEBYSCORE', p .. ':nodes', '-inf', '(' .. text(now), 'LIMIT', 0, 10)) do
  redis.call('ZREM', p .. ':nodes', dead)
  redis.call('HDEL', p .. ':states', dead)
  redis.call('SADD', p .. ':dead', dead)
end
for _ = 1, 10 do
  local dead = redis.call('SRANDMEMBER', p .. ':dead')
  if not dead or most <= 0 then break end
  local inherited = redis.call('HGETALL', p .. ':untold:' .. dead)
  for i = 1, #inherited, 2 do redis.call('HSET', untold, inherited[i], inherited[i + 1]) end
  redis.call('DEL', p .. ':untold:' .. dead)
  local ids = redis.call('SPOP', p .. ':of:' .. dead, most)
  most = most - #ids
  for _, id in ipairs(ids) do
    local data = redis.call('HGET', p .. ':live', id)
    local header, claim
    if data then header, claim = split(data) end
    if header and header[1] == dead then
      remove(id, dead, header[2])
      local lost = cjson.encode({dead, header[2], header[3], 'lost', text(now)}) .. '\\n' .. claim
      redis.call('SET', p .. ':ended:' .. id, lost, 'PX', 600000)
      redis.call('HSET', untold, id, lost)
    end
  end
  if redis.call('SCARD', p .. ':of:' .. dead) == 0 then redis.call('SREM', p .. ':dead', dead) end
end

local peers = redis.call('ZRANGE', p .. ':nodes', 0, -1)
local states = redis.call('HMGET', p .. ':states', unpack(peers))
local others = {}
for i, peer in ipairs(peers) do
  if peer ~= me and states[i] then
    others[#others + 1] = peer
    others[#others + 1] = states[i]
  end
end
return {
  'ok', text(now), recovered, redis.call('EXISTS', p .. ':dead'), redis.call('HGETALL', untold), others
}`,
);

/** ARGV: owner. A node leaves, unless something of it is left: then its lease runs out. */
export const leave = script(
  "leave",
  `local p, me = KEYS[1], ARGV[1]
if redis.call('EXISTS', p .. ':of:' .. me, p .. ':untold:' .. me) == 0 then
  redis.call('ZREM', p .. ':nodes', me)
  redis.call('HDEL', p .. ':states', me)
end
return 'ok'`,
);

/** ARGV: id. → what is known of it, and the state of its owner; either may be nil. */
export const find = script(
  "find",
  `local p = KEYS[1]
local known = redis.call('HGET', p .. ':live', ARGV[1]) or redis.call('GET', p .. ':ended:' .. ARGV[1])
if not known then return {} end
local header = cjson.decode(string.sub(known, 1, string.find(known, '\\n', 1, true) - 1))
return {known, redis.call('HGET', p .. ':states', header[1])}`,
);

/** ARGV: deadline, owner, key, body hash, token, ms, caller, most answers of theirs. → first, pending, mismatch or late; or answered and the answer. */
export const takeKey = script(
  "takeKey",
  `${effects}${guarded}${registered}
local key, bodyHash, token = p .. ':once:' .. nextArgument(), nextArgument(), nextArgument()
local known = redis.call('GET', key)
if known then
  local line = string.find(known, '\\n', 1, true)
  local header = cjson.decode(string.sub(known, 1, line - 1))
  if header[1] ~= bodyHash then return {'mismatch', text(now)} end
  if not header[2] then return {'answered', text(now), string.sub(known, line + 1)} end
  local lease = redis.call('ZSCORE', p .. ':nodes', header[3])
  if header[2] ~= token and lease and tonumber(lease) > now then return {'pending', text(now)} end
end
local keptMs, budget, most = nextArgument(), p .. ':once-of:' .. nextArgument(), tonumber(nextArgument())
redis.call('SET', key, cjson.encode({bodyHash, token, me}) .. '\\n', 'PX', keptMs)
redis.call('ZADD', budget, text(now), key)
redis.call('PEXPIRE', budget, keptMs)
local surplus = redis.call('ZCARD', budget) - most
if surplus > 0 then
  for _, oldest in ipairs(redis.call('ZRANGE', budget, 0, surplus - 1)) do redis.call('DEL', oldest) end
  redis.call('ZREMRANGEBYRANK', budget, 0, surplus - 1)
end
return {'first', text(now)}`,
);

/** ARGV: key, body hash, token, answer (empty: there is none, forget it), ms. */
export const settleKey = script(
  "settleKey",
  `local key = KEYS[1] .. ':once:' .. ARGV[1]
local known = redis.call('GET', key)
if known then
  local header = cjson.decode(string.sub(known, 1, string.find(known, '\\n', 1, true) - 1))
  if header[2] ~= ARGV[3] then return 'other' end
end
if ARGV[4] == '' then
  redis.call('DEL', key)
else
  redis.call('SET', key, cjson.encode({ARGV[2]}) .. '\\n' .. ARGV[4], 'PX', ARGV[5])
end
return 'ok'`,
);

function script(name: string, source: string): Script {
  return { name, source, sha: createHash("sha1").update(source).digest("hex") };
}
