import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import { GoAwayReason } from "../../../../src/providers/stream/wire/enums.ts";
import type { JoinFault } from "../faults.ts";
import type { World } from "../world.ts";
import type { EdgeConnection } from "./edge-connection.ts";
import { SfuSocket } from "./sfu-socket.ts";
import { answerTwirp } from "./twirp.ts";

/** One SFU. All edges of the fake forward to each other what is said in a call. */
export class Edge {
  readonly world: World;
  /** The name of the edge, such as `sfu-1`. */
  readonly name: string;
  /** Joins are refused with SFU_FULL. The coordinator goes on to hand it out to clients that do not ask for another one. */
  full = false;
  /** Joins are refused with SFU_SHUTTING_DOWN. */
  shuttingDown = false;
  /** The connections by session id. */
  readonly connections = new Map<string, EdgeConnection>();
  /** Open websockets, also those that were refused. */
  readonly sockets = new Set<SfuSocket>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  /** Root of its requests, as a join tells it. */
  get url(): string {
    return `${this.world.url}/edges/${this.name}/twirp`;
  }

  get webSocketUrl(): string {
    return `${this.world.url.replace("http", "ws")}/edges/${this.name}/ws`;
  }

  /** Asks everybody on it to go to another edge. */
  goAway(reason: number = GoAwayReason.REBALANCE): void {
    for (const connection of this.connections.values()) connection.send({ goAway: { reason } });
  }

  accept(webSocket: WebSocket, query: Readonly<Record<string, string>>, fault: JoinFault): void {
    this.world.log.add("open", { edge: this.name, query });
    this.sockets.add(new SfuSocket(webSocket, this, fault));
  }

  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    body: Buffer,
  ): Promise<void> {
    await answerTwirp(this, request, response, path, body);
  }

  close(): void {
    for (const connection of [...this.connections.values()]) connection.free("closed");
    for (const socket of this.sockets) socket.terminate();
  }
}
