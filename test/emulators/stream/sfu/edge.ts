import type { IncomingMessage, ServerResponse } from "node:http";
import type { WebSocket } from "ws";
import { GoAwayReason } from "../../../../src/providers/stream/wire/enums.ts";
import type { JoinFault } from "../faults.ts";
import type { World } from "../world.ts";
import type { EdgeConnection } from "./edge-connection.ts";
import { SfuSocket } from "./sfu-socket.ts";
import { answerTwirp } from "./twirp.ts";

/** One SFU. The SFUs of the emulator forward the sound of a call to each other. */
export class Edge {
  readonly world: World;
  /** The name of the SFU, such as `sfu-1`. */
  readonly name: string;
  /** Refuses joins with SFU_FULL. The coordinator still returns it to clients that do not ask for another one. */
  full = false;
  /** Refuses joins with SFU_SHUTTING_DOWN. */
  shuttingDown = false;
  /** The connections by session id. */
  readonly connections = new Map<string, EdgeConnection>();
  /** The open websockets, those of refused joins included. */
  readonly sockets = new Set<SfuSocket>();

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  /** The root address of its requests, as a join returns it. */
  get url(): string {
    return `${this.world.url}/edges/${this.name}/twirp`;
  }

  get webSocketUrl(): string {
    return `${this.world.url.replace("http", "ws")}/edges/${this.name}/ws`;
  }

  /** Asks all participants on it to move to another SFU. */
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
