import { effects, guarded, ownSessions, registered, script } from "./script.ts";
import { adoptable, orphanMs } from "./succession.ts";

/** The most changes that a heartbeat brings; a node that is further behind takes a snapshot. */
export const mostChanges = 500;

/**
 * Takes a heartbeat. ARGV: deadline, owner, lease in ms, state, most to reap, most messages to take, changes known (-1:
 * none), time of the last fence known; then lost sessions that were reported, each with since and message; told
 * messages; messages that find no room here; messages that are held, each with since and text; live sessions, each with
 * call and claim; ended ones. Each of these is a count and so many. → see BeatReply.
 */
export const beat = script(
  "beat",
  `${effects}${guarded}${registered}${ownSessions}${adoptable}
local leaseMs, state = tonumber(nextArgument()), nextArgument()
local most, room = tonumber(nextArgument()), tonumber(nextArgument())
local changesKnown, fenceKnown = tonumber(nextArgument()), nextArgument()
if changesKnown > tonumber(redis.call('GET', p .. ':change-count') or '0') then
  redis.call('SET', p .. ':rolled-back', text(now), 'PX', 5000, 'NX')
end
local rolledBack = redis.call('GET', p .. ':rolled-back') or ''
if rolledBack ~= '' then most = 0 end

-- While Redis was away nobody could renew a lease: of such a time only a second counts.
local lastBeat = redis.call('GET', p .. ':beat')
local awayMs = lastBeat and now - tonumber(lastBeat) - 1000 or 0
if awayMs > 1000 then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', p .. ':nodes', lastBeat, '+inf')) do
    redis.call('ZINCRBY', p .. ':nodes', text(awayMs), node)
    redis.call('ZREM', p .. ':suspects', node)
  end
end
redis.call('SET', p .. ':beat', text(now))
redis.call('ZADD', p .. ':nodes', text(now + leaseMs), me)
redis.call('ZREM', p .. ':suspects', me)
redis.call('HSET', p .. ':states', me, state)

local untold, holds, waiting = p .. ':untold:' .. me, p .. ':holds:' .. me, p .. ':waiting'
for _ = 1, tonumber(nextArgument()) do
  local id, since, body = nextArgument(), nextArgument(), nextArgument()
  redis.call('HDEL', untold, id)
  if body ~= '' then keep(id, since, body) end
end
for _ = 1, tonumber(nextArgument()) do
  local id = nextArgument()
  forgetMessage(id)
  redis.call('SREM', holds, id)
  redis.call('SREM', waiting, id)
end
for _ = 1, tonumber(nextArgument()) do
  local id = nextArgument()
  if redis.call('SREM', holds, id) == 1 then redis.call('SADD', waiting, id) end
end
for _ = 1, tonumber(nextArgument()) do keep(nextArgument(), nextArgument(), nextArgument()) end
local refused = {}
for _ = 1, tonumber(nextArgument()) do
  local id, call, claim = nextArgument(), nextArgument(), nextArgument()
  if not add(id, call, claim) then refused[#refused + 1] = id end
end
local superseded = finishAll()

local suspects = {}
for _, node in ipairs(redis.call('ZRANGEBYSCORE', p .. ':nodes', '-inf', '(' .. text(now), 'LIMIT', 0, 10)) do
  redis.call('ZADD', p .. ':suspects', 'NX', text(now), node)
  suspects[#suspects + 1] = node
  suspects[#suspects + 1] = redis.call('HGET', p .. ':states', node) or ''
  suspects[#suspects + 1] = text(now - redis.call('ZSCORE', p .. ':suspects', node))
end

local function lose(id, data, seen)
  local header, claim = split(data)
  local lost = cjson.encode({header[1], header[2], 'lost', seen}) .. '\\n' .. claim
  remove(id, header[1], header[2], lost)
  redis.call('SET', p .. ':ended:' .. id, lost, 'PX', 600000)
  redis.call('HSET', untold, id, lost)
end

for _ = 1, 10 do
  local dead = redis.call('SRANDMEMBER', p .. ':dead')
  if not dead or most <= 0 then break end
  local inherited = redis.call('HGETALL', p .. ':untold:' .. dead)
  for i = 1, #inherited, 2 do redis.call('HSET', untold, inherited[i], inherited[i + 1]) end
  redis.call('DEL', p .. ':untold:' .. dead)
  redis.call('SUNIONSTORE', waiting, waiting, p .. ':holds:' .. dead)
  redis.call('DEL', p .. ':holds:' .. dead)
  local ids = redis.call('SPOP', p .. ':of:' .. dead, most)
  most = most - #ids
  local seen = redis.call('HGET', p .. ':seen', dead) or text(now)
  for _, id in ipairs(ids) do
    local data = redis.call('HGET', p .. ':live', id)
    if data and split(data)[1] == dead then
      if isAdoptable(id) then
        redis.call('ZADD', p .. ':orphans', text(now), id)
        redis.call('HSET', p .. ':orphan-seen', id, seen)
      else
        lose(id, data, seen)
      end
    end
  end
  if redis.call('SCARD', p .. ':of:' .. dead) == 0 then
    redis.call('SREM', p .. ':dead', dead)
    redis.call('HDEL', p .. ':seen', dead)
  end
end

local orphans = redis.call('ZCARD', p .. ':orphans')
if orphans > 0 and most > 0 then
  local overdue = redis.call('ZRANGEBYSCORE', p .. ':orphans', '-inf', text(now - ${orphanMs}), 'LIMIT', 0, most)
  for _, id in ipairs(overdue) do
    local data, seen = redis.call('HGET', p .. ':live', id), redis.call('HGET', p .. ':orphan-seen', id)
    if data then lose(id, data, seen or text(now)) else redis.call('ZREM', p .. ':orphans', id) end
    orphans = orphans - 1
  end
end

local messages = {}
if room > 0 and redis.call('EXISTS', waiting) == 1 then
  for _, id in ipairs(redis.call('SPOP', waiting, room)) do
    local message = redis.call('GET', p .. ':message:' .. id)
    if message then
      redis.call('SADD', holds, id)
      messages[#messages + 1] = id
      messages[#messages + 1] = message
    else
      redis.call('ZREM', p .. ':since', id)
    end
  end
end
redis.call('ZREMRANGEBYSCORE', p .. ':since', '-inf', text(now - messageMs))
local oldest = redis.call('ZRANGE', p .. ':since', 0, 0, 'WITHSCORES')

local leases = redis.call('ZRANGE', p .. ':nodes', 0, -1, 'WITHSCORES')
local peers, nextEnd = {}, ''
for i = 1, #leases, 2 do
  peers[#peers + 1] = leases[i]
  local leftMs = leases[i + 1] - now
  if nextEnd == '' and leases[i] ~= me and leftMs >= 0 then nextEnd = text(leftMs) end
end
local states = redis.call('HMGET', p .. ':states', unpack(peers))
local others = {}
for i, peer in ipairs(peers) do
  if peer ~= me and states[i] then
    others[#others + 1] = peer
    others[#others + 1] = states[i]
  end
end

local count = tonumber(redis.call('GET', p .. ':change-count') or '0')
local changes = {}
if changesKnown >= 0 and count > changesKnown and count - changesKnown <= ${mostChanges} then
  changes = redis.call('XREVRANGE', p .. ':changes', '+', '-', 'COUNT', count - changesKnown)
end
return {
  'ok', text(now), refused, superseded, redis.call('EXISTS', p .. ':dead'), redis.call('HGETALL', untold), others,
  suspects, messages, {redis.call('ZCARD', p .. ':since'), oldest[2] or ''}, redis.call('GET', p .. ':birth') or '',
  redis.call('ZRANGEBYSCORE', p .. ':fenced', fenceKnown, '+inf', 'WITHSCORES'),
  text(count), changes, redis.call('SCARD', p .. ':of:' .. me), rolledBack, orphans, nextEnd
}`,
);
