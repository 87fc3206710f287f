import type { WebSocket } from "ws";
import {
  ErrorCode,
  TrackType,
  WebsocketReconnectStrategy,
} from "../../../../src/providers/stream/wire/enums.ts";
import { SfuEvent, type SfuJoinRequest, SfuRequest } from "../../../../src/providers/stream/wire/messages.ts";
import { decode, encode } from "../../../../src/providers/stream/wire/protobuf.ts";
import type { Call } from "../call.ts";
import { readToken } from "../coordinator/token.ts";
import type { JoinFault } from "../faults.ts";
import { type EventInput, Participant } from "../participant.ts";
import type { Edge } from "./edge.ts";
import { EdgeConnection } from "./edge-connection.ts";

const publishOptions = [
  {
    id: 1,
    trackType: TrackType.AUDIO,
    bitrate: 64_000,
    codec: {
      name: "opus",
      payloadType: 111,
      clockRate: 48_000,
      encodingParameters: "2",
      fmtp: "minptime=10;useinbandfec=1",
    },
  },
];

interface Admitted {
  readonly call: Call;
  readonly userId: string;
}

/** A client's websocket to an SFU. */
export class SfuSocket {
  /** True while nothing is sent or read, although the socket remains open. */
  silent = false;
  readonly #socket: WebSocket;
  readonly #edge: Edge;
  readonly #fault: JoinFault;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #idle: NodeJS.Timeout;
  #connection: EdgeConnection | null = null;

  constructor(socket: WebSocket, edge: Edge, fault: JoinFault) {
    this.#socket = socket;
    this.#edge = edge;
    this.#fault = fault;
    this.#idle = setTimeout(() => this.terminate(), edge.world.rules.signalTimeoutMs);
    socket.on("message", (data: Buffer) => {
      this.#idle.refresh();
      if (this.silent) return;
      try {
        this.#read(new Uint8Array(data));
      } catch (error) {
        this.#log("failed", { message: (error as Error).message });
        this.close(1003);
      }
    });
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      clearTimeout(this.#idle);
      for (const timer of this.#timers) clearTimeout(timer);
      edge.sockets.delete(this);
      this.#log("close", { code, reason: reason.toString() });
      this.#connection?.detach(this, code);
    });
  }

  send(event: EventInput): void {
    if (this.silent || this.#socket.readyState !== 1) return;
    this.#socket.send(encode(SfuEvent, event));
    this.#log("sent", { event: Object.keys(event)[0], details: event });
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Cuts the socket without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  #read(bytes: Uint8Array): void {
    const { joinRequest, healthCheckRequest, leaveCallRequest } = decode(SfuRequest, bytes);
    if (joinRequest) {
      this.#log("join", { request: joinRequest, bytes });
      if (this.#fault.delayMs === undefined) this.#join(joinRequest);
      else this.#timers.push(setTimeout(() => this.#join(joinRequest), this.#fault.delayMs));
    } else if (healthCheckRequest) {
      this.#log("health", { bytes });
      const total = this.#connection?.participant.call.sessions.size ?? 0;
      this.send({ healthCheckResponse: { participantCount: { total } } });
    } else if (leaveCallRequest) {
      this.#log("leave", { reason: leaveCallRequest.reason, bytes });
      this.#connection?.free("left");
    } else {
      this.#log("unknown", { bytes });
    }
  }

  #join(request: SfuJoinRequest): void {
    const fault = this.#fault;
    if (fault.hangs) return;
    if (fault.cuts) {
      this.terminate();
      return;
    }
    const admitted = this.#judge(request.token ?? "");
    if (!("call" in admitted)) {
      this.#refuse(admitted);
      return;
    }
    const former = this.#edge.connections.get(request.sessionId ?? "");
    const resumes = request.fastReconnect && !fault.forgets;
    if (resumes && former) this.#resume(former);
    else if (resumes)
      this.#refuse({ code: ErrorCode.PARTICIPANT_RECONNECT_FAILED, message: "session is gone" });
    else this.#enter(admitted.call, admitted.userId, request);
  }

  /** Decides whether a client may join, and into which session. */
  #judge(token: string): Admitted | JoinFault {
    const { world, full, shuttingDown, name } = this.#edge;
    if (this.#fault.code !== undefined) return this.#fault;
    if (full) return { code: ErrorCode.SFU_FULL, message: "the SFU is full" };
    if (shuttingDown) return { code: ErrorCode.SFU_SHUTTING_DOWN, message: "the SFU is shutting down" };
    const claims = readToken(token, world.apiSecret, world.now());
    const { DISCONNECT, REJOIN } = WebsocketReconnectStrategy;
    if (typeof claims === "string") {
      // With an expired token another join at the coordinator helps.
      const reconnectStrategy = claims === "expired" ? REJOIN : DISCONNECT;
      return { code: ErrorCode.UNAUTHENTICATED, message: `token: ${claims}`, reconnectStrategy };
    }
    const call = world.calls.get(claims.call_cid ?? "");
    const open = call !== undefined && call.endedAt === null && claims.edge === name;
    if (open && claims.user_id !== undefined) return { call, userId: claims.user_id };
    return {
      code: ErrorCode.CALL_NOT_FOUND,
      message: "no such call here",
      reconnectStrategy: DISCONNECT,
    };
  }

  /** Resumes a session (FAST) over this socket. */
  #resume(connection: EdgeConnection): void {
    const previous = connection.socket;
    this.#connection = connection;
    connection.attach(this);
    previous?.terminate();
    this.#welcome(true);
    connection.subscriber.offer(true);
  }

  /** Makes another connection: for a join, a rejoin, or a migration from another SFU. */
  #enter(
    call: Call,
    userId: string,
    { sessionId = "", unifiedSessionId, reconnectDetails }: SfuJoinRequest,
  ): void {
    const { world, connections } = this.#edge;
    const known = call.sessions.get(sessionId);
    const origin =
      reconnectDetails?.strategy === WebsocketReconnectStrategy.MIGRATE ? known?.connection : null;
    if (!origin) known?.connection?.free("superseded");
    call.sessions.get(reconnectDetails?.previousSessionId ?? "")?.connection?.free("superseded");
    if (world.rules.oneSessionPerUser) call.replace(userId, sessionId);
    const name = world.users.get(userId)?.name ?? userId;
    const participant =
      origin?.participant ?? new Participant(call, userId, sessionId, unifiedSessionId ?? "", name);
    const connection = new EdgeConnection(this.#edge, participant);
    participant.connection = connection;
    this.#connection = connection;
    connection.attach(this);
    connections.set(sessionId, connection);
    call.sessions.set(sessionId, participant);
    this.#welcome(false);
    if (origin) this.#migrated(origin);
    else {
      const joined = { callCid: call.cid, participant: participant.describe() };
      call.broadcast({ participantJoined: joined }, participant);
    }
    connection.subscriber.reconcile();
  }

  #welcome(reconnected: boolean): void {
    const connection = this.#connection!;
    const { call } = connection.participant;
    this.#log("joined", { reconnected });
    this.send({
      joinResponse: {
        reconnected,
        fastReconnectDeadlineSeconds: Math.ceil(this.#edge.world.rules.fastReconnectDeadlineSeconds),
        publishOptions,
        callState: {
          participants: call.participants.map((participant) => participant.describe()),
          startedAt: { seconds: Math.floor(call.createdAt / 1_000) },
          participantCount: { total: call.sessions.size },
        },
      },
    });
  }

  /** Makes the former SFU report the end of the migration. The client closes that socket. */
  #migrated(origin: EdgeConnection): void {
    const { migrationMs } = this.#edge.world.rules;
    if (migrationMs === null) return;
    this.#timers.push(setTimeout(() => origin.send({ participantMigrationComplete: {} }), migrationMs));
  }

  #refuse({
    code = 0,
    message = "refused by a test",
    reconnectStrategy,
    shouldRetry = false,
  }: JoinFault): void {
    this.#log("join_refused", { code });
    this.send({
      error: {
        error: { code, message, shouldRetry },
        reconnectStrategy: reconnectStrategy ?? WebsocketReconnectStrategy.REJOIN,
      },
    });
  }

  #log(kind: string, details: Readonly<Record<string, unknown>>): void {
    if (this.#connection) this.#connection.log(kind, details);
    else this.#edge.world.log.add(kind, { edge: this.#edge.name, ...details });
  }
}
