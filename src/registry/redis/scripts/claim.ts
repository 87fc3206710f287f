import { effects, guarded, ownSessions, registered, script } from "./script.ts";

/**
 * Registers a session, unless a limit is reached. ARGV: deadline, owner, most sessions in a call, most of all (0: no
 * limit), id, call, claim, ends that are written before. → ok, call_full, fleet_full, unknown (the node's lease is
 * gone) or late; time; where it is full, 1 if a session that holds a place is on its way out; the ids of those that had
 * ended otherwise.
 */
export const claim = script(
  "claim",
  `${effects}${guarded}${registered}${ownSessions}
local mostInCall, mostOfAll = tonumber(nextArgument()), tonumber(nextArgument())
local id, call, claim = nextArgument(), nextArgument(), nextArgument()
local superseded = finishAll()
if redis.call('HEXISTS', p .. ':live', id) == 1 then return {'ok', text(now), 0, superseded} end
if mostOfAll > 0 and redis.call('HLEN', p .. ':live') >= mostOfAll then
  return {'fleet_full', text(now), redis.call('EXISTS', p .. ':leaving'), superseded}
end
if mostInCall > 0 and tonumber(redis.call('HGET', p .. ':calls', call) or '0') >= mostInCall then
  local leaving = 0
  for _, its in ipairs(redis.call('HVALS', p .. ':leaving')) do
    if its == call then leaving = 1 end
  end
  return {'call_full', text(now), leaving, superseded}
end
add(id, call, claim)
return {'ok', text(now), 0, superseded}`,
);

/**
 * Notes that a session that is known to live is on its way out. ARGV: deadline, owner, id, call. → ok, unknown or late;
 * time.
 */
export const leaving = script(
  "leaving",
  `${effects}${guarded}${registered}
local id, call = nextArgument(), nextArgument()
if redis.call('HEXISTS', p .. ':live', id) == 1 then redis.call('HSET', p .. ':leaving', id, call) end
return {'ok', text(now)}`,
);

/** Finds a session. ARGV: id. → what is known of it, and the state of its owner; either may be nil. */
export const find = script(
  "find",
  `local p = KEYS[1]
local known = redis.call('HGET', p .. ':live', ARGV[1]) or redis.call('GET', p .. ':ended:' .. ARGV[1])
if not known then return {} end
local header = cjson.decode(string.sub(known, 1, string.find(known, '\\n', 1, true) - 1))
return {known, redis.call('HGET', p .. ':states', header[1])}`,
);
