import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import type { World } from "../world.ts";
import { readToken, tokenFaults } from "./token.ts";

interface Watcher {
  readonly socket: WebSocket;
  readonly userId: string;
  /** The calls whose events are sent to it. */
  readonly calls: Set<string>;
}

/** The coordinator's websockets, on which clients receive events that are not about media. */
export class CoordinatorSockets {
  readonly #world: World;
  readonly #watchers = new Map<string, Watcher>();

  constructor(world: World) {
    this.#world = world;
  }

  accept(socket: WebSocket): void {
    const connectionId = randomUUID();
    socket.on("error", () => {});
    socket.on("close", (code) => {
      this.#watchers.delete(connectionId);
      this.#world.log.add("coordinator_close", { connectionId, code });
    });
    socket.on("message", (data: Buffer) => {
      try {
        this.#read(socket, connectionId, data.toString());
      } catch (error) {
        this.#world.log.add("failed", { message: (error as Error).message });
        socket.close(1003);
      }
    });
  }

  /** Sends a connection the events of a call from here on. */
  watch(connectionId: string | null, cid: string): void {
    if (connectionId !== null) this.#watchers.get(connectionId)?.calls.add(cid);
  }

  emit(type: string, cid: string, details: Readonly<Record<string, unknown>>): void {
    const event = { type, call_cid: cid, created_at: new Date().toISOString(), ...details };
    this.#world.log.add("coordinator_event", { event });
    for (const { socket, calls } of this.#watchers.values()) {
      if (calls.has(cid)) socket.send(JSON.stringify(event));
    }
  }

  #read(socket: WebSocket, connectionId: string, text: string): void {
    const parsed = JSON.parse(text);
    const message = Array.isArray(parsed) ? parsed[0] : parsed;
    const created_at = new Date().toISOString();
    const send = (answer: object) => socket.send(JSON.stringify({ created_at, ...answer }));
    this.#world.log.add("coordinator_message", { connectionId, message });
    if (message.type === "health.check") send({ type: "health.check", connection_id: connectionId, cid: "" });
    if (message.token === undefined) return;
    const claims = readToken(message.token, this.#world.apiSecret, this.#world.now());
    if (typeof claims === "string" || claims.user_id === undefined) {
      const [code, said] = typeof claims === "string" ? tokenFaults[claims] : tokenFaults.malformed;
      send({ type: "connection.error", connection_id: "", error: { code, StatusCode: 401, message: said } });
      socket.close();
      return;
    }
    const user = { id: claims.user_id, ...message.user_details };
    this.#world.users.set(user.id, { ...this.#world.users.get(user.id), ...user });
    this.#watchers.set(connectionId, { socket, userId: user.id, calls: new Set() });
    const rest = {
      role: "user",
      created_at,
      updated_at: created_at,
      custom: {},
      devices: [],
      language: "",
      teams: [],
    };
    send({ type: "connection.ok", connection_id: connectionId, me: { ...rest, online: true, ...user } });
  }
}
