import type Koa from "koa";
import { z } from "zod";
import type { Dependency, Permission } from "../api/scope.ts";
import type { ServeOptions } from "../api/serve-options.ts";
import { allowedHost, isOrigin, originHint } from "./host-names.ts";
import { httpLimits } from "./http-limits.ts";
import type { OptionRow, OptionTable, RowsOf } from "./option.ts";
import { type PermissionName, permissions } from "./permissions.ts";
import { callback, duration, objectWith, port } from "./values.ts";

const listening = {
  app: {
    doc:
      "A ready Koa application to serve instead of the own one. Nothing is configured on it: mount {@link routes} in it " +
      "where you want them. The launcher is started and drained around it.",
    type: "Koa",
    schema: objectWith<Koa>(["callback"], "expected a Koa application").optional(),
  },
  configureApp: {
    doc:
      "Adds to the own application: `(app) => app.use(router.routes())`. It gets what the API does not know, behind the " +
      "checks of Host and Origin, CORS and the request log; what it throws is answered as the API's errors are. Nobody is " +
      "asked who they are there. Not together with `app`.",
    type: "(app: Koa) => void | Promise<void>",
    schema: callback<(app: Koa) => void | Promise<void>>().optional(),
  },
  host: {
    doc: "The address to listen on. It is also a name that the Host check accepts.",
    schema: z.string().min(1).default("127.0.0.1"),
    outside: {
      group: "Server",
      placeholder: "address",
      help: "Address to listen on; 0.0.0.0 is every one of the machine",
    },
  },
  port: {
    doc: "The port to listen on; 0 takes any free one.",
    schema: port.default(8_000),
    outside: {
      group: "Server",
      placeholder: "number",
      help: "Port to listen on; 0 takes a free one",
      alsoReads: ["PORT"],
    },
  },
  metricsPort: {
    doc: "Serves `GET /metrics` on a port of its own, and then not on `port`.",
    schema: port.nullable().default(null),
    outside: {
      group: "Server",
      placeholder: "number",
      help: "Serve /metrics on this port, and on no other",
      example: "9100",
    },
  },
  corsAllowOrigins: {
    doc:
      'Web origins that may call, such as `https://app.example.com`; `["*"]` for all. Where no callback decides who may ' +
      "do what, the Host header is checked as well, whatever is named here: see `allowedHosts`.",
    schema: z
      .array(z.string().refine(isOrigin, { error: originHint }))
      .readonly()
      .optional(),
    derived: "own and localhost; every origin once callers authenticate",
    outside: {
      group: "Server",
      placeholder: "origins",
      help: "Web origins that may call, separated by commas",
      example: "https://app.example.com",
    },
  },
  corsAllowMethods: {
    doc: 'The methods that other origins may use; `["*"]` are the methods that the API has.',
    schema: z
      .array(z.string().regex(/^(\*|[A-Za-z]+)$/))
      .readonly()
      .default(["*"]),
  },
  corsAllowHeaders: {
    doc: 'The headers that other origins may send; `["*"]` is whatever the browser asks for, `Authorization` included.',
    schema: z
      .array(z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/))
      .readonly()
      .default(["*"]),
  },
  corsAllowCredentials: {
    doc: "Lets browsers send cookies. Needs `corsAllowOrigins` without a wildcard.",
    schema: z.boolean().default(false),
  },
  allowedHosts: {
    doc: "Further names that the Host check accepts, such as the one of a Kubernetes Service or of a tunnel.",
    schema: z.array(z.string().transform(allowedHost)).readonly().default([]),
    derived: "none",
    outside: {
      group: "Server",
      placeholder: "names",
      help: "Further names that the server is called by, separated by commas",
      example: "agents.example.com",
    },
  },
  trustedProxyCount: {
    doc: "Proxies in front of the server whose `X-Forwarded-For` is believed; 0: the address of the connection counts.",
    schema: z.int().min(0).max(16).default(0),
    outside: {
      group: "Server",
      placeholder: "number",
      help: "Proxies in front whose X-Forwarded-For is believed",
    },
  },
} as const satisfies OptionTable;

type PermissionOption = OptionRow<z.ZodOptional<z.ZodCustom<Permission, Permission>>>;

/** The option of each permission, which is made of its row. */
const permissionOptions = Object.fromEntries(
  Object.entries(permissions).map(([name, { doc, otherwise }]): [string, PermissionOption] => [
    name,
    {
      doc,
      type: "Permission",
      schema: callback<Permission>().optional(),
      derived: otherwise === null ? "everybody may" : `as \`${otherwise}\``,
    },
  ]),
) as Record<PermissionName, PermissionOption>;

const access = {
  getCurrentUser: {
    doc:
      "Returns the caller: JSON of at most 4 KiB, which becomes the session's `created_by`. Throws `HttpError(401, …)` for " +
      "strangers. Each permission below judges by itself: who may close a session need not be one who may view it. A " +
      "request with a session_token is judged as if who started the session had sent it.",
    type: "Dependency<unknown>",
    schema: callback<Dependency<unknown>>().optional(),
    derived: "nobody is asked",
  },
  ...permissionOptions,
  permissionTimeoutMs: {
    doc: "The longest time that one of these callbacks may take, in milliseconds; then 503.",
    schema: duration.default(10_000),
  },
  strictBodies: {
    doc:
      "Refuses requests to start a session, or with a message, that have fields which are not known: 422 names them. " +
      "Otherwise such a field is ignored, and the log says so.",
    schema: z.boolean().default(false),
    outside: {
      group: "Server",
      help: "Refuse starts and messages with fields that are not known, which are otherwise ignored",
    },
  },
  talkPage: {
    doc:
      "Where the page on which a person talks to the agent is served, at `/talk` of the own application: `local` only while `host` is an " +
      "address of this machine alone, `always`, or `never`. The page may do what its caller may: callbacks and keys hold for it too.",
    schema: z.enum(["local", "always", "never"]).default("local"),
    outside: {
      group: "Server",
      placeholder: "where",
      help: "Serve the page to talk to the agent: local (while the host is a loopback address), always or never",
    },
  },
  consolePage: {
    doc:
      "Where the operations page is served, at `/console` of the own application: as `talkPage`. It shows what its caller may view: " +
      "callbacks and keys hold for it too.",
    schema: z.enum(["local", "always", "never"]).default("local"),
    outside: {
      group: "Server",
      placeholder: "where",
      help: "Serve the operations page: local (while the host is a loopback address), always or never",
    },
  },
  sessionTokens: {
    doc: "Hands out a `session_token` with each started session, and accepts it as `?token=`.",
    schema: z.boolean().default(true),
  },
  sessionTokenSecret: {
    doc: "Signs the session tokens: 32 characters or more, the same in every process that shares sessions.",
    schema: z.string().min(32).optional(),
    derived: "`GREENROOM_SESSION_TOKEN_SECRET`, else a random one for the life of the process",
    outside: {
      group: "Server",
      help: "Signs session tokens; 32 characters or more",
      secret: true,
      example: "",
    },
  },
  peerSecret: {
    doc:
      "Shared by the replicas of a fleet, 32 characters or more: with it they pass requests on to each other, and know " +
      "each other's session tokens where `sessionTokenSecret` is not given. To change it while the fleet runs, give " +
      "several, with spaces between: the first signs, all are accepted. Without it nothing is passed on.",
    schema: z
      .string()
      .regex(/^\s*\S{32,}(\s+\S{32,})*\s*$/, {
        error: "expected 32 characters or more, or several such, separated by spaces",
      })
      .optional(),
    derived: "`GREENROOM_PEER_SECRET`",
    outside: {
      group: "Fleet",
      help: "Shared by the replicas of a fleet; 32 characters or more",
      secret: true,
      example: "",
    },
  },
} as const satisfies OptionTable;

/** The options of how the server speaks HTTP. */
export const httpTable = { ...listening, ...access, ...httpLimits } as const satisfies RowsOf<ServeOptions>;

/** The options that are read from the environment also where no command line is: secrets, by their variables. */
export const secretVariables = {
  sessionTokenSecret: "GREENROOM_SESSION_TOKEN_SECRET",
  peerSecret: "GREENROOM_PEER_SECRET",
} as const satisfies Partial<Record<keyof ServeOptions, string>>;
