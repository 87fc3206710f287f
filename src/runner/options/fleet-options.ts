import { z } from "zod";
import { launcherOptions, peerAddress, redisRegistry } from "../../supervisor/launcher-options.ts";
import { duration, limit, type OptionTable, oneOf, toggle, wholeNumberOrNone } from "./option-table.ts";

const { shape } = launcherOptions;
const { shape: redisShape } = redisRegistry;

/** The options of a process among several. The last seven make the launcher's `registry`. */
export const fleetOptions = {
  requirePeers: {
    description: "Do not start without what a fleet needs: a Redis, a peer secret and an advertised address",
    schema: toggle,
  },
  nodeId: {
    placeholder: "name",
    description: "Name of this process in its fleet, which no other one has",
    default: "the host's and a random word",
    schema: z.string().pipe(shape.nodeId.unwrap()),
  },
  advertisedAddress: {
    placeholder: "url",
    description: "Where the others of its fleet reach it, such as http://10.0.0.7:8000",
    default: "none",
    schema: peerAddress,
  },
  redisUrl: {
    description: "Redis that the fleet shares; redis:// or rediss://",
    secret: true,
    alsoReads: ["REDIS_URL"],
    schema: z.string().pipe(redisShape.url.unwrap()),
  },
  registryContactTimeoutMs: {
    placeholder: "ms",
    description: "Serve nothing before Redis has answered once, and give up after this long",
    default: "60000 with --require-peers",
    schema: duration,
  },
  registryKeyPrefix: {
    placeholder: "text",
    description: "Begins every key in Redis",
    default: redisShape.keyPrefix.def.defaultValue,
    schema: z.string().pipe(redisShape.keyPrefix.unwrap()),
  },
  registryLeaseMs: limit(
    "ms",
    "A process that is not heard of for this long is held to be dead",
    redisShape.leaseMs,
  ),
  registryCommandTimeoutMs: limit(
    "ms",
    "Longest time that a start waits for Redis",
    redisShape.commandTimeoutMs,
  ),
  registryWhileAway: {
    placeholder: "policy",
    description: "What becomes of starts while Redis does not answer: allow or refuse",
    default: redisShape.whileAway.def.defaultValue,
    schema: oneOf("allow", "refuse"),
  },
  maxFleetSessions: {
    placeholder: "number",
    description: "Most sessions at a time in all processes of the fleet together",
    default: "none",
    schema: wholeNumberOrNone.pipe(redisShape.maxConcurrentSessions.unwrap()),
  },
} as const satisfies OptionTable;
