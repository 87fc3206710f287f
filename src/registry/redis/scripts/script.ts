import { createHash } from "node:crypto";

/**
 * A script of Redis, which runs in one step that nothing can come between. Redis 6 and later.
 *
 * All keys begin with the prefix, which is KEYS[1] and holds a hash tag, so that they are in one place of a cluster:
 *
 *   :birth           random: whoever finds another one knows that Redis was emptied
 *   :epoch           grows with each registration of a node, and is no smaller than the time, in epoch milliseconds
 *   :nodes           sorted set: node#epoch → when its lease ends, by Redis' own clock
 *   :beat            when any node was last heard of
 *   :states          hash: node#epoch → its address and room, as JSON
 *   :suspects        sorted set: node#epoch whose lease has ended → since when that is known
 *   :fenced          sorted set: node#epoch that was declared dead → when; kept for a week
 *   :dead            set: node#epoch that was declared dead and whose sessions are not all reaped yet
 *   :seen            hash: node#epoch that is not all reaped yet → when it was last known to live
 *   :live            hash: session → owner and call; a line break; the claim as JSON
 *   :hearsay         set: live sessions whose owner another node has told, after Redis was emptied; a node that says it is the owner is
 *                    believed more, since the session may have changed hands after that other node had last heard
 *   :calls           hash: call → its live sessions
 *   :leaving         hash: live session that is on its way out → its call
 *   :state:<id>      what another node needs to go on with a live session, as its node wrote it; gone after a day without a change
 *   :orphans         sorted set: live session of a dead node that may be adopted → since when
 *   :orphan-seen     hash: such a session → when its node was last known to live
 *   :adoptions       hash: live session → how often it was adopted
 *   :of:<owner>      set: the live sessions of a node#epoch
 *   :changes         stream: sessions that began and ended, messages that wait and were told, so that every node knows all of
 *                    them; :change-count numbers it
 *   :again           set: nodes that have written again what they know, after Redis was emptied; kept for 10 minutes
 *   :rolled-back     Redis came back with old data a moment ago: nobody is reaped until all have written what they know
 *   :ended:<id>      the same as in :live, with reason and time; gone after 10 minutes
 *   :untold:<owner>  hash: lost sessions that this node#epoch was given to report, until it says that it has
 *   :message:<id>    what is to be told of an end: since when, a line break, the text; gone once it was told
 *   :since           sorted set: session with such a message → since when
 *   :holds:<owner>   set: the messages that this node#epoch delivers
 *   :waiting         set: the messages that nobody delivers; whoever has room takes them
 *   :once:<key>      who runs the request with this key, or its answer
 *   :once-of:<caller> sorted set: the keys of a caller, by age
 *
 * Claims and messages are opaque to the scripts: Lua's JSON would turn an empty array into an object.
 */
export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Scripts that read the clock may write only after this, before Redis 7. */
export const effects = "if redis.replicate_commands then redis.replicate_commands() end\n";

export const clock = `
local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
local at = 0
local function nextArgument() at = at + 1 return ARGV[at] end
`;

/**
 * Begins a script that has a deadline. ARGV[1] is the time after which nobody waits for the answer: then nothing may be
 * done. ARGV[2] is the node#epoch.
 */
export const guarded = `${clock}
if now > tonumber(ARGV[1]) then return {'late', text(now)} end
local me = ARGV[2]
at = 2
`;

export const registered = `
if not redis.call('ZSCORE', p .. ':nodes', me) then return {'unknown', text(now)} end
`;

/** Functions that write and remove sessions of any owner, and let the other nodes learn of it. */
export const sessions = `
local function split(data)
  local line = string.find(data, '\\n', 1, true)
  return cjson.decode(string.sub(data, 1, line - 1)), string.sub(data, line + 1)
end

local function change(kind, id, data)
  redis.call('INCR', p .. ':change-count')
  redis.call('XADD', p .. ':changes', 'MAXLEN', '~', 1000, '*', 'kind', kind, 'id', id, 'data', data)
end

local function write(id, owner, call, claim)
  local data = cjson.encode({owner, call}) .. '\\n' .. claim
  redis.call('HSET', p .. ':live', id, data)
  redis.call('SADD', p .. ':of:' .. owner, id)
  redis.call('SREM', p .. ':hearsay', id)
  change('session', id, data)
end

-- Another life of the same node, which registered anew, counts as the same owner.
local function nodeOf(owner) return string.match(owner, '^(.*)#%d+$') end

local function enter(id, owner, call, claim)
  write(id, owner, call, claim)
  redis.call('HINCRBY', p .. ':calls', call, 1)
end

-- With an end, its data; without one it never came to be.
local function remove(id, owner, call, ended)
  redis.call('HDEL', p .. ':live', id)
  redis.call('HDEL', p .. ':leaving', id)
  redis.call('SREM', p .. ':hearsay', id)
  redis.call('SREM', p .. ':of:' .. owner, id)
  redis.call('DEL', p .. ':state:' .. id)
  redis.call('ZREM', p .. ':orphans', id)
  redis.call('HDEL', p .. ':orphan-seen', id)
  redis.call('HDEL', p .. ':adoptions', id)
  change('session', id, ended)
  if redis.call('HINCRBY', p .. ':calls', call, -1) <= 0 then redis.call('HDEL', p .. ':calls', call) end
end
`;

/** The size up to which the other nodes keep a copy of a message, in bytes. */
export const copyLimit = "local mostCopied = 16384";

/** Functions for messages of ends, whichever node delivers them. */
export const messages = `
-- A message is kept a little longer than it is tried to deliver it.
local messageMs = 90000000
${copyLimit}

local function keepMessage(id, since, body)
  local message = since .. '\\n' .. body
  redis.call('SET', p .. ':message:' .. id, message, 'PX', messageMs)
  redis.call('ZADD', p .. ':since', since, id)
  if #body <= mostCopied then change('message', id, message) end
end

local function forgetMessage(id)
  if redis.call('DEL', p .. ':message:' .. id) == 1 then change('message', id, '') end
  redis.call('ZREM', p .. ':since', id)
end
`;

/** Functions for a node's own sessions, and for the messages of their ends. */
export const ownSessions = `${sessions}${messages}
local function keep(id, since, body)
  keepMessage(id, since, body)
  redis.call('SREM', p .. ':waiting', id)
  redis.call('SADD', p .. ':holds:' .. me, id)
end

-- It goes on in another node, as that one has said itself.
local function isElsewhere(id, owner)
  return nodeOf(owner) ~= nodeOf(me) and redis.call('SISMEMBER', p .. ':hearsay', id) == 0
end

-- A session of this node is live. False: it has ended, or goes on in another node, whatever this node knows of it.
local function add(id, call, claim)
  local known = redis.call('HGET', p .. ':live', id)
  if known then
    local header = split(known)
    if isElsewhere(id, header[1]) then return false end
    if header[1] ~= me then
      redis.call('SREM', p .. ':of:' .. header[1], id)
      write(id, me, call, claim)
    end
    return true
  end
  if redis.call('EXISTS', p .. ':ended:' .. id) == 1 then return false end
  enter(id, me, call, claim)
  return true
end

-- A session of this node has ended, or never came to be, where there is no reason. False: another end was written before, or it
-- goes on in another node.
local function finish(id, call, claim, reason, endedAt, keptMs, since, body)
  local known = redis.call('HGET', p .. ':live', id)
  local data = reason == '' and '' or cjson.encode({me, call, reason, endedAt}) .. '\\n' .. claim
  if known then
    local header = split(known)
    if isElsewhere(id, header[1]) then return false end
    remove(id, header[1], header[2], data)
  else
    local ended = redis.call('GET', p .. ':ended:' .. id)
    if ended then
      local header = split(ended)
      if header[3] ~= reason or header[4] ~= endedAt then return false end
    elseif reason ~= '' then
      change('session', id, data)
    end
  end
  if reason == '' then return true end
  redis.call('SET', p .. ':ended:' .. id, data, 'PX', keptMs)
  if body ~= '' then keep(id, since, body) end
  return true
end

-- The ids of those that had another end.
local function finishAll()
  local superseded = {}
  for _ = 1, tonumber(nextArgument()) do
    local id, call, claim = nextArgument(), nextArgument(), nextArgument()
    local reason, endedAt, keptMs = nextArgument(), nextArgument(), nextArgument()
    local since, body = nextArgument(), nextArgument()
    if not finish(id, call, claim, reason, endedAt, keptMs, since, body) then superseded[#superseded + 1] = id end
  end
  return superseded
end
`;

export function script(name: string, source: string): Script {
  return { name, source, sha: createHash("sha1").update(source).digest("hex") };
}
