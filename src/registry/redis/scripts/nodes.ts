import { clock, copyLimit, effects, messages, script, sessions } from "./script.ts";

/**
 * Registers a node. ARGV: node, its epoch before (0: none), lease in ms, its state, a random word.
 * → epoch, time, birth of Redis' data, and for how long the life before has been declared dead, in ms; -1: it was not.
 */
export const register = script(
  "register",
  `${effects}${clock}
local node, before, leaseMs, state = nextArgument(), nextArgument(), nextArgument(), nextArgument()
redis.call('SET', p .. ':birth', nextArgument(), 'NX')
-- By the clock, too: a Redis that was emptied, or has old data, would give the number of a dead life again.
local epoch = math.max(tonumber(redis.call('GET', p .. ':epoch') or '0') + 1, tonumber(before) + 1, now)
redis.call('SET', p .. ':epoch', text(epoch))
local me = node .. '#' .. text(epoch)
redis.call('ZADD', p .. ':nodes', text(now + tonumber(leaseMs)), me)
redis.call('HSET', p .. ':states', me, state)
local fenced = redis.call('ZSCORE', p .. ':fenced', node .. '#' .. before)
return {text(epoch), text(now), redis.call('GET', p .. ':birth'), fenced and text(now - fenced) or '-1'}`,
);

/**
 * Writes again what one node knows of the others, where they have not done so themselves, after Redis was emptied, or
 * came back with old data. ARGV: lease in ms; nodes and their states; nodes that were declared dead and when; sessions,
 * each with owner, call and claim; messages that wait, each with since and text; ended sessions, each with owner, call,
 * claim, reason, time, and text of its message; each of the five is a count and so many.
 */
export const restore = script(
  "restore",
  `${effects}${clock}${sessions}${messages}
local until_ = text(now + tonumber(nextArgument()))
local function isFenced(owner) return redis.call('ZSCORE', p .. ':fenced', owner) end
local nodes = {}
for i = 1, tonumber(nextArgument()) do nodes[i] = {nextArgument(), nextArgument()} end
for _ = 1, tonumber(nextArgument()) do
  local owner, when = nextArgument(), nextArgument()
  redis.call('ZADD', p .. ':fenced', 'NX', when, owner)
end
for _, node in ipairs(nodes) do
  local owner, state = node[1], node[2]
  if not isFenced(owner) then
    redis.call('ZADD', p .. ':nodes', 'NX', until_, owner)
    redis.call('HSETNX', p .. ':states', owner, state)
    local epoch = tonumber(string.match(owner, '#(%d+)$'))
    if epoch > tonumber(redis.call('GET', p .. ':epoch') or '0') then redis.call('SET', p .. ':epoch', text(epoch)) end
  end
end
for _ = 1, tonumber(nextArgument()) do
  local id, owner, call, claim = nextArgument(), nextArgument(), nextArgument(), nextArgument()
  local known = redis.call('HEXISTS', p .. ':live', id) == 1 or redis.call('EXISTS', p .. ':ended:' .. id) == 1
  -- Without the node nobody would ever look for the session again.
  if not known and redis.call('ZSCORE', p .. ':nodes', owner) then
    enter(id, owner, call, claim)
    redis.call('SADD', p .. ':hearsay', id)
  elseif not known and isFenced(owner) then
    enter(id, owner, call, claim)
    redis.call('SADD', p .. ':hearsay', id)
    redis.call('SADD', p .. ':dead', owner)
  end
end
for _ = 1, tonumber(nextArgument()) do
  local id, since, body = nextArgument(), nextArgument(), nextArgument()
  if redis.call('EXISTS', p .. ':message:' .. id) == 0 then
    keepMessage(id, since, body)
    redis.call('SADD', p .. ':waiting', id)
  end
end
for _ = 1, tonumber(nextArgument()) do
  local id, owner, call, claim = nextArgument(), nextArgument(), nextArgument(), nextArgument()
  local reason, endedAt, body = nextArgument(), nextArgument(), nextArgument()
  local live = redis.call('HGET', p .. ':live', id)
  local isSaid = redis.call('SISMEMBER', p .. ':hearsay', id) == 0
  local isElsewhere = live and isSaid and nodeOf(split(live)[1]) ~= nodeOf(owner)
  if not isElsewhere and redis.call('EXISTS', p .. ':ended:' .. id) == 0 then
    local data = cjson.encode({owner, call, reason, endedAt}) .. '\\n' .. claim
    if live then
      local header = split(live)
      remove(id, header[1], header[2], data)
    else
      change('session', id, data)
    end
    redis.call('SET', p .. ':ended:' .. id, data, 'PX', 600000)
    if body ~= '' then
      keepMessage(id, endedAt, body)
      redis.call('SADD', p .. ':waiting', id)
    end
  end
end
return 'ok'`,
);

/** Gives another lease to a node whose lease has ended, which was asked, and lives. ARGV: owner, lease in ms. */
export const vouch = script(
  "vouch",
  `${effects}${clock}
local owner, leaseMs = nextArgument(), nextArgument()
if redis.call('ZSCORE', p .. ':nodes', owner) then
  redis.call('ZADD', p .. ':nodes', text(now + tonumber(leaseMs)), owner)
  redis.call('ZREM', p .. ':suspects', owner)
end
return 'ok'`,
);

/**
 * Declares a node dead that was asked, and found gone or silent. ARGV: owner, the time in ms that it must have been a
 * suspect for. → 1: it is declared dead; 0: it has a lease, or others have not had the time to vouch for it.
 */
export const declareDead = script(
  "declareDead",
  `${effects}${clock}
local owner, suspectMs, leaseMs = nextArgument(), tonumber(nextArgument()), tonumber(nextArgument())
local lease = redis.call('ZSCORE', p .. ':nodes', owner)
-- Another node was first: its sessions wait for this one as well.
if not lease and redis.call('ZSCORE', p .. ':fenced', owner) then return 1 end
local since = redis.call('ZSCORE', p .. ':suspects', owner)
if not lease or tonumber(lease) >= now or not since or now - tonumber(since) < suspectMs then return 0 end
redis.call('ZREM', p .. ':nodes', owner)
redis.call('HDEL', p .. ':states', owner)
redis.call('ZREM', p .. ':suspects', owner)
redis.call('SADD', p .. ':dead', owner)
redis.call('HSET', p .. ':seen', owner, text(tonumber(lease) - leaseMs))
redis.call('ZADD', p .. ':fenced', text(now), owner)
redis.call('ZREMRANGEBYSCORE', p .. ':fenced', '-inf', text(now - 604800000))
return 1`,
);

/**
 * Removes a node that leaves, unless sessions of it are left: then its lease runs out. Others deliver the messages that
 * it held. ARGV: owner.
 */
export const leave = script(
  "leave",
  `local p, me = KEYS[1], ARGV[1]
redis.call('SUNIONSTORE', p .. ':waiting', p .. ':waiting', p .. ':holds:' .. me)
redis.call('DEL', p .. ':holds:' .. me)
if redis.call('EXISTS', p .. ':of:' .. me, p .. ':untold:' .. me) == 0 then
  redis.call('ZREM', p .. ':nodes', me)
  redis.call('HDEL', p .. ':states', me)
end
return 'ok'`,
);

/**
 * Takes a snapshot. ARGV: most messages. → the number of changes so far; all live sessions, and the messages that have waited
 * for longest, but for large ones: ids and data in turn.
 */
export const snapshot = script(
  "snapshot",
  `local p = KEYS[1]
${copyLimit}
local waiting = {}
for _, id in ipairs(redis.call('ZRANGE', p .. ':since', 0, ARGV[1] - 1)) do
  local message = redis.call('GET', p .. ':message:' .. id)
  if message and #message <= mostCopied then
    waiting[#waiting + 1] = id
    waiting[#waiting + 1] = message
  end
end
return {redis.call('GET', p .. ':change-count') or '0', redis.call('HGETALL', p .. ':live'), waiting}`,
);

/** Finds out which sessions are known. ARGV: sessions. → those of them that live, or whose end is known. */
export const known = script(
  "known",
  `local p = KEYS[1]
local known = {}
for _, id in ipairs(ARGV) do
  if redis.call('HEXISTS', p .. ':live', id) == 1 or redis.call('EXISTS', p .. ':ended:' .. id) == 1 then
    known[#known + 1] = id
  end
end
return known`,
);

/** Lists the sessions of a node. ARGV: owner. → the live sessions of this node#epoch. */
export const sessionsOf = script("sessionsOf", `return redis.call('SMEMBERS', KEYS[1] .. ':of:' .. ARGV[1])`);
