import { effects, guarded, ownSessions, registered, script } from "./script.ts";

/** The time for which a session of a dead node waits for a node that adopts it, in milliseconds; then it is lost. */
export const orphanMs = 30_000;
/** The most times that a session is adopted: it may be what ends its nodes. */
const mostAdoptions = 3;
/** The time after which a state that is never written again is gone, in milliseconds. */
const stateKeptMs = 86_400_000;

/** A function that says whether a session of a dead node may go on in another one. */
export const adoptable = `
local function isAdoptable(id)
  local adoptions = tonumber(redis.call('HGET', p .. ':adoptions', id) or '0')
  return adoptions < ${mostAdoptions} and redis.call('EXISTS', p .. ':state:' .. id) == 1
end
`;

/**
 * Keeps what another node needs to go on with sessions of this one. ARGV: deadline, owner, a count, and so many sessions, each with
 * its state; empty: there is none any more. → ok, unknown or late; time.
 */
export const keepStates = script(
  "keepStates",
  `${effects}${guarded}${registered}${ownSessions}
for _ = 1, tonumber(nextArgument()) do
  local id, state = nextArgument(), nextArgument()
  local known = redis.call('HGET', p .. ':live', id)
  if known and split(known)[1] == me then
    if state == '' then redis.call('DEL', p .. ':state:' .. id)
    else redis.call('SET', p .. ':state:' .. id, state, 'PX', ${stateKeptMs}) end
  end
end
return {'ok', text(now)}`,
);

/**
 * Makes this node the owner of sessions whose node is dead, those that have waited longest first. ARGV: deadline, owner, most, a
 * count, and so many sessions that are left to others. → ok, unknown or late; time; the sessions, each with its data before, its state,
 * and since when it has waited.
 */
export const adopt = script(
  "adopt",
  `${effects}${guarded}${registered}${ownSessions}${adoptable}
local most, adopted, skipped = tonumber(nextArgument()), {}, {}
local skips = tonumber(nextArgument())
for _ = 1, skips do skipped[nextArgument()] = true end
local waiting = redis.call('ZRANGEBYSCORE', p .. ':orphans', text(now - ${orphanMs}), '+inf', 'LIMIT', 0, most + skips)
for _, id in ipairs(waiting) do
  local known = redis.call('HGET', p .. ':live', id)
  if skipped[id] or #adopted >= 4 * most then
    -- It is left to others, or to the next time.
  elseif known and isAdoptable(id) then
    local header, claim = split(known)
    local since = redis.call('ZSCORE', p .. ':orphans', id)
    redis.call('ZREM', p .. ':orphans', id)
    redis.call('HINCRBY', p .. ':adoptions', id, 1)
    write(id, me, header[2], claim)
    adopted[#adopted + 1] = id
    adopted[#adopted + 1] = known
    adopted[#adopted + 1] = redis.call('GET', p .. ':state:' .. id)
    adopted[#adopted + 1] = text(since)
  else
    -- The next heartbeat of any node reports it as lost.
    redis.call('ZADD', p .. ':orphans', '0', id)
  end
end
return {'ok', text(now), adopted}`,
);

/**
 * Lets other nodes adopt sessions that this node was given, and cannot go on with or does not know of. ARGV: deadline, owner, a
 * count, and so many sessions, each with the owner before it, and since when it has waited; empty: that is not known. → ok, unknown or late;
 * time.
 */
export const disown = script(
  "disown",
  `${effects}${guarded}${registered}${ownSessions}
for _ = 1, tonumber(nextArgument()) do
  local id, before, since = nextArgument(), nextArgument(), nextArgument()
  local known = redis.call('HGET', p .. ':live', id)
  if known and split(known)[1] == me then
    local header, claim = split(known)
    redis.call('SREM', p .. ':of:' .. me, id)
    redis.call('HINCRBY', p .. ':adoptions', id, -1)
    if before ~= '' then
      write(id, before, header[2], claim)
      redis.call('SREM', p .. ':of:' .. before, id)
    end
    redis.call('ZADD', p .. ':orphans', since ~= '' and since or text(now), id)
    redis.call('HSETNX', p .. ':orphan-seen', id, text(now))
  end
end
return {'ok', text(now)}`,
);

/**
 * Makes this node the owner of a session that another node hands over. ARGV: deadline, owner, id, the owner before, call, claim.
 * → ok, other (it has ended, or the other node does not have it), unknown or late; time.
 */
export const takeOver = script(
  "takeOver",
  `${effects}${guarded}${registered}${ownSessions}
local id, from, call, claim = nextArgument(), nextArgument(), nextArgument(), nextArgument()
local known = redis.call('HGET', p .. ':live', id)
local owner = known and split(known)[1]
if owner == me then return {'ok', text(now)} end
if owner ~= from then return {'other', text(now)} end
redis.call('SREM', p .. ':of:' .. from, id)
write(id, me, call, claim)
return {'ok', text(now)}`,
);
