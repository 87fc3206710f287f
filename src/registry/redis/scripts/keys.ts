import { effects, guarded, registered, script } from "./script.ts";

/**
 * Takes a key, unless it is taken. ARGV: deadline, owner, key, body hash, token, ms, caller, most answers of theirs. →
 * first, pending, mismatch or late; or answered and the answer.
 */
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

/**
 * Keeps the answer to a key, or gives the key free. ARGV: key, body hash, token, answer (empty: there is none, forget
 * it), ms.
 */
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
