import { script } from "./script.ts";

/** Notes that a node has written again what it knows, after Redis was emptied. ARGV: node. */
export const wroteAgain = script(
  "wroteAgain",
  `local again = KEYS[1] .. ':again'
redis.call('SADD', again, ARGV[1])
redis.call('PEXPIRE', again, 600000)
return 'ok'`,
);

/** → the birth of Redis' data, empty where no node is registered yet; then the nodes that have written again. */
export const whoWroteAgain = script(
  "whoWroteAgain",
  `local p = KEYS[1]
return {redis.call('GET', p .. ':birth') or '', unpack(redis.call('SMEMBERS', p .. ':again'))}`,
);
