import { TrackType, TrackUnpublishReason } from "../../../../src/providers/stream/wire/enums.ts";
import { Call } from "../call.ts";
import type { Edge } from "../sfu/edge.ts";
import type { User, World } from "../world.ts";
import { callJson, userJson } from "./call-json.ts";
import { type Claims, signToken } from "./token.ts";

/** A request to the coordinator with a valid token. */
export interface Asked {
  readonly method: string;
  /** The path, without `/api/v2`. */
  readonly path: string;
  readonly query: URLSearchParams;
  // biome-ignore lint/suspicious/noExplicitAny: the body is unchecked JSON of the client; each handler reads its own fields.
  readonly body: any;
  readonly claims: Claims;
}

/** The response to a request that is refused. `code` is Stream's own. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const notFound = 16;
const badInput = 4;
const notAllowed = 17;
const capabilities = ["join-call", "send-audio", "send-video", "mute-users", "read-call", "create-call"];

/** Resolves with the coordinator's response: its status and body. It rejects with a {@link Refusal}. */
export function coordinate(world: World, asked: Asked): readonly [status: number, body: object] {
  const { method, path } = asked;
  if (path === "/users" && method === "POST") return [201, { users: upsert(world, asked.body.users ?? {}) }];
  if (path === "/app" && method === "GET") return [200, { app: { name: "emulated" } }];
  const [, type = "", id = "", action = ""] =
    /^\/video\/call\/([^/]+)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
  if (type === "") throw new Refusal(404, notFound, "not found");
  const cid = `${decodeURIComponent(type)}:${decodeURIComponent(id)}`;
  const { call_cids } = asked.claims;
  if (call_cids !== undefined && !call_cids.includes(cid)) {
    throw new Refusal(403, notAllowed, `the token is not for call ${cid}`);
  }
  switch (`${method} ${action}`) {
    case "POST ":
      return getOrCreate(world, asked, cid);
    case "GET ":
      return [200, told(world, watched(world, asked, known(world, cid)))];
    case "POST join":
      return join(world, asked, cid);
    case "POST event":
      return customEvent(world, asked, known(world, cid));
    case "POST mute_users":
      return muteUsers(asked, known(world, cid));
    case "POST user_permissions":
      return changePermissions(asked, known(world, cid));
    case "POST kick":
      known(world, cid).kick(asked.body.user_id);
      return [201, {}];
    case "POST mark_ended":
      known(world, cid).end();
      world.coordinatorSockets.emit("call.ended", cid, { call: told(world, known(world, cid)).call });
      return [201, {}];
    default:
      throw new Refusal(404, notFound, "not found");
  }
}

function upsert(world: World, users: Readonly<Record<string, User>>): object {
  const kept = Object.entries(users).map(([id, user]) => {
    const whole = { ...world.users.get(id), ...user, id };
    world.users.set(id, whole);
    return [id, userJson(whole)] as const;
  });
  return Object.fromEntries(kept);
}

function known(world: World, cid: string): Call {
  const call = world.calls.get(cid);
  if (call === undefined) throw new Refusal(404, notFound, `call ${cid} not found`);
  return call;
}

/** Returns the call, and sends its events to the websocket that `connection_id` names from here on. */
function watched(world: World, { query }: Asked, call: Call): Call {
  world.coordinatorSockets.watch(query.get("connection_id"), call.cid);
  return call;
}

function create(world: World, { body, claims }: Asked, cid: string): Call {
  const createdBy = body.data?.created_by_id ?? body.data?.created_by?.id ?? claims.user_id;
  if (createdBy === undefined) {
    throw new Refusal(400, badInput, "either data.created_by or data.created_by_id must be provided");
  }
  const [type = "", id = ""] = cid.split(/:(.*)/s);
  const call = new Call(type, id, createdBy);
  call.custom = body.data?.custom ?? {};
  world.calls.set(cid, call);
  return call;
}

function told(world: World, call: Call) {
  const creator = world.users.get(call.createdBy) ?? { id: call.createdBy };
  const own = { members: [], own_capabilities: capabilities };
  return { call: callJson(call, creator, world.rules.opusDtx), ...own };
}

function getOrCreate(world: World, asked: Asked, cid: string): readonly [number, object] {
  const created = !world.calls.has(cid);
  const call = created ? create(world, asked, cid) : known(world, cid);
  return [created ? 201 : 200, { ...told(world, watched(world, asked, call)), created }];
}

function join(world: World, asked: Asked, cid: string): readonly [number, object] {
  const { body, claims } = asked;
  if (claims.user_id === undefined) throw new Refusal(400, badInput, "a user token is required");
  if (typeof body.location !== "string") throw new Refusal(400, badInput, "location is a required field");
  const created = !world.calls.has(cid) && body.create === true;
  const call = created ? create(world, asked, cid) : known(world, cid);
  if (call.endedAt !== null) throw new Refusal(403, notAllowed, `call ${cid} has ended`);
  const edge = chooseEdge(world, [body.migrating_from, ...(body.migrating_from_list ?? [])]);
  const seconds = Math.floor(world.now() / 1_000);
  const token = signToken(
    {
      user_id: claims.user_id,
      call_cid: cid,
      edge: edge.name,
      iat: seconds,
      exp: seconds + world.rules.sfuTokenSeconds,
    },
    world.apiSecret,
  );
  return [
    201,
    {
      ...told(world, watched(world, asked, call)),
      created,
      stats_options: { enable_rtc_stats: false, reporting_interval_ms: 0 },
      credentials: {
        token,
        server: { edge_name: edge.name, url: edge.url, ws_endpoint: edge.webSocketUrl },
        ice_servers: world.rules.iceServers,
      },
    },
  ];
}

/** Returns the first SFU that the client does not leave; the first of all where there is none. */
function chooseEdge(world: World, left: readonly unknown[]): Edge {
  return world.edges.find(({ name }) => !left.includes(name)) ?? world.edges[0]!;
}

function customEvent(world: World, { body, claims }: Asked, call: Call): readonly [number, object] {
  const id = body.user_id ?? body.user?.id ?? claims.user_id;
  if (id === undefined) throw new Refusal(400, badInput, "user or user_id is required with server side auth");
  if (Buffer.byteLength(JSON.stringify(body.custom ?? {})) > 5 * 1_024) {
    throw new Refusal(400, badInput, "custom data exceeds 5KB");
  }
  const user = userJson(world.users.get(id) ?? { id });
  world.coordinatorSockets.emit("custom", call.cid, { custom: body.custom ?? {}, user });
  return [201, {}];
}

function muteUsers({ body }: Asked, call: Call): readonly [number, object] {
  for (const participant of call.participants) {
    if (body.audio === false) continue;
    if (body.mute_all_users !== true && !(body.user_ids ?? []).includes(participant.userId)) continue;
    participant.setMuted(TrackType.AUDIO, true, TrackUnpublishReason.MODERATION);
  }
  return [201, {}];
}

function changePermissions({ body }: Asked, call: Call): readonly [number, object] {
  const { user_id, grant_permissions = [], revoke_permissions = [] } = body;
  for (const participant of call.participants) {
    if (participant.userId !== user_id) continue;
    if (revoke_permissions.includes("send-audio")) participant.setGrants({ canPublishAudio: false });
    if (grant_permissions.includes("send-audio")) participant.setGrants({ canPublishAudio: true });
  }
  return [201, {}];
}
