import { z } from "zod";
import type { RedisRegistryOptions } from "../api/registry-options.ts";
import type { RedisClient } from "../registry/redis/connection/client.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import { type OptionTable, type RowsOf, shapeOf } from "./option.ts";
import { count, duration, objectWith } from "./values.ts";

/**
 * Returns whether `@redis/client` can read a URL. Its database is a number, and a % in a name or password is written as
 * %25.
 */
function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !["redis:", "rediss:"].includes(url.protocol)) return false;
  try {
    for (const part of [url.username, url.password]) decodeURIComponent(part);
  } catch {
    return false;
  }
  return /^(\/\d*)?$/.test(url.pathname);
}

/** The options of a registry in Redis. */
export const redisTable = {
  url: {
    doc: "`redis://`, or `rediss://` for TLS; user, password and database number as usual. Either this or `client`.",
    schema: z
      .string()
      .refine(isRedisUrl, {
        error:
          "expected a redis:// or rediss:// URL, with at most the number of a database behind the host, and % written as %25",
      })
      .optional(),
    outside: {
      group: "Fleet",
      name: "redisUrl",
      help: "Redis that the fleet shares, redis:// or rediss://; else REDIS_URL",
      secret: true,
      alsoReads: ["REDIS_URL"],
      example: "redis://127.0.0.1:6379",
    },
  },
  client: {
    doc:
      "A client that `createClient` of `@redis/client` made, connected or not, with TLS certificates and all that a URL " +
      "cannot say. The registry makes a connection of its own like it.",
    type: "RedisClient",
    schema: objectWith<RedisClient>(["duplicate"], "expected a client of @redis/client").optional(),
  },
  keyPrefix: {
    doc: "The beginning of every key. It is put in braces as a hash tag, unless it holds one.",
    schema: z
      .string()
      .regex(/^[^\s]{1,128}$/, { error: "expected 1 to 128 characters without spaces" })
      .default("greenroom"),
    outside: {
      group: "Fleet",
      name: "registryKeyPrefix",
      placeholder: "text",
      help: "Begins every key in Redis",
    },
  },
  leaseMs: {
    doc: "A process that has not been heard of for so long, in milliseconds, is held to be dead: its sessions go on in others, or are lost.",
    schema: duration.min(3_000).default(10_000),
    outside: {
      group: "Fleet",
      name: "registryLeaseMs",
      placeholder: "ms",
      help: "A process that is not heard of for this long is held to be dead",
    },
  },
  commandTimeoutMs: {
    doc: "The longest time that a start, or a look at another's session, waits for Redis, in milliseconds.",
    schema: duration.min(50).max(10_000).default(1_000),
    outside: {
      group: "Fleet",
      name: "registryCommandTimeoutMs",
      placeholder: "ms",
      help: "Longest time that a start waits for Redis",
    },
  },
  whileAway: {
    doc:
      "The policy for starts while Redis does not answer. `allow`: limits hold for each process by itself, and no call is " +
      "missed. `refuse`: 503, and no limit is ever exceeded.",
    schema: z.enum(["allow", "refuse"]).default("allow"),
    outside: {
      group: "Fleet",
      name: "registryWhileAway",
      placeholder: "policy",
      help: "What becomes of starts while Redis does not answer: allow or refuse",
    },
  },
  contactTimeoutMs: {
    doc:
      "The longest time that the start waits for Redis to answer for the first time, in milliseconds; then it fails with " +
      "REGISTRY_UNAVAILABLE. Nothing is served before, so that a wrong address never takes the place of a fleet that " +
      "works. `null`: the start does not wait, and serves alone until Redis answers.",
    schema: duration.nullable().default(null),
    outside: {
      group: "Fleet",
      name: "registryContactTimeoutMs",
      placeholder: "ms",
      help: "Serve nothing before Redis has answered once, and give up after this long",
      derived: "60000 with --require-peers",
      example: "60000",
    },
  },
  stateKey: {
    doc:
      "Encrypts what Redis keeps of a conversation, so that another process can go on with it: 32 characters or more, the " +
      "same for all processes. To change it while the fleet runs, give several, with spaces between: the first encrypts, " +
      "all decrypt. Without it the conversations of live calls are in Redis in plain form.",
    schema: z
      .string()
      .regex(/^\s*\S{32,}(\s+\S{32,})*\s*$/, {
        error: "expected 32 characters or more, or several such, separated by spaces",
      })
      .optional(),
    outside: {
      group: "Fleet",
      name: "stateKey",
      help: "Encrypts the conversations that Redis keeps for other replicas; 32 characters or more",
      secret: true,
      example: "",
    },
  },
  maxConcurrentSessions: {
    doc: "The most sessions at a time in all processes together; `null`: the sum of what each can take.",
    schema: count.nullable().default(null),
    outside: {
      group: "Fleet",
      name: "maxFleetSessions",
      placeholder: "number",
      help: "Most sessions at a time in all processes of the fleet together",
      example: "100",
    },
  },
} as const satisfies RowsOf<RedisRegistryOptions>;

const redisRegistry = z
  .strictObject(shapeOf(redisTable))
  .refine(({ url, client }) => (url === undefined) !== (client === undefined), {
    error: "expected either url or client",
  });

type MethodOf<Owner> = {
  [Name in keyof Owner]: Owner[Name] extends (...args: never) => unknown ? Name : never;
}[keyof Owner];

/** The methods that an object needs to be a registry. */
const registryMethods = {
  open: true,
  claim: true,
  leaving: true,
  end: true,
  withdraw: true,
  told: true,
  find: true,
  isDeclaredDead: true,
  takeIn: true,
  current: true,
  peers: true,
  onceByKey: true,
  close: true,
} as const satisfies Record<MethodOf<SessionRegistry>, true>;

const ownRegistry = objectWith<SessionRegistry>(
  Object.keys(registryMethods),
  "expected { url } or { client } of a Redis, or an object that implements SessionRegistry",
);

/** The address at which peers reach this process. It has no path, since theirs is appended. */
const peerAddress = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url && ["0.0.0.0", "[::]"].includes(url.hostname)) {
    context.addIssue(
      `${url.hostname} is every address of a machine, and none that others reach: name one of its own`,
    );
    return z.NEVER;
  }
  if (url && ["http:", "https:"].includes(url.protocol) && url.pathname === "/" && url.username === "") {
    return url.origin;
  }
  context.addIssue("expected an http or https URL without a path, such as http://10.0.0.7:8000");
  return z.NEVER;
});

/** The options of the launcher of a process among several. */
export const launcherFleet = {
  registry: {
    doc:
      "The registry that knows which process has which session, for a fleet of several. `{ url }` or `{ client }` is a " +
      "Redis that all of them share; an object that implements `SessionRegistry` is used as it is.",
    type: "RedisRegistryOptions | SessionRegistry",
    schema: z.union([ownRegistry, redisRegistry]).optional(),
    derived: "the memory of this process; on the command line, the Redis of `REDIS_URL` where that is set",
  },
  nodeId: {
    doc: "The name of this process in its fleet, which no other one may have.",
    schema: z
      .string()
      .regex(/^[\w.:-]{1,128}$/, { error: "expected 1 to 128 letters, digits, or any of . : _ -" })
      .optional(),
    derived: "the host's name and a random word",
    outside: {
      group: "Fleet",
      placeholder: "name",
      help: "Name of this process in its fleet, which no other one has",
      example: "replica-1",
    },
  },
  revision: {
    doc:
      "The version of the deployment that this process belongs to. While processes of several are in the fleet, as in a rolling update, " +
      "starts and the calls of processes that drain go to those of the newest one that have room.",
    schema: z
      .string()
      .regex(/^[\w.:+-]{1,128}$/, { error: "expected 1 to 128 letters, digits, or any of . : _ + -" })
      .optional(),
    outside: {
      group: "Fleet",
      placeholder: "version",
      help: "Version of the deployment: starts prefer the newest one while several are in the fleet",
      example: "2026-11-30",
    },
  },
  advertisedAddress: {
    doc:
      "The address at which the other processes of the fleet reach this one, such as `http://10.0.0.7:8000`. `null`: " +
      "nowhere, and its sessions can be asked for only here.",
    type: "string | URL | null",
    schema: z
      .union([z.string(), z.instanceof(URL).transform(String)])
      .pipe(peerAddress)
      .nullable()
      .default(null),
    outside: {
      group: "Fleet",
      placeholder: "url",
      help: "Where the others of its fleet reach it, such as http://10.0.0.7:8000",
      example: "http://10.0.0.7:8000",
    },
  },
} as const satisfies OptionTable;
