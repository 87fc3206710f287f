import { setMaxListeners } from "node:events";
import type { ServerLog } from "../log/log.ts";
import { answerTimeoutMs } from "../shared/protocol.ts";
import type { Session } from "../supervisor/session/session.ts";
import type { Supervisor } from "../supervisor/supervisor.ts";
import { watchKeys } from "./access/api-keys/watch-keys.ts";
import { Permissions } from "./access/permissions.ts";
import { OpenLimit, RateLimit } from "./access/rate-limit.ts";
import { SessionTokens } from "./access/session-token.ts";
import { FleetView } from "./fleet/fleet-view.ts";
import { Answering } from "./http/request-notes.ts";
import { UnknownFields } from "./http/unknown-fields.ts";
import { peerSecrets } from "./peers/connection/peer-secret.ts";
import { SessionLocator } from "./peers/locate.ts";
import { Peers } from "./peers/peers.ts";
import type { FilledServeOptions } from "./serve-options.ts";
import { LocalListener } from "./sockets/local-listener.ts";

/** The number of callbacks that one request may call one after another: for the caller, for viewing, and for the action. */
const mostCallbacks = 3;
/** The time that a peer may take besides its callbacks, in milliseconds: it may have to ask a session. */
const spareMs = 5_000 + answerTimeoutMs;

/** The most WebSockets that are open to one session. */
const mostSocketsOfSession = 16;

/** The parts that all requests share. There is one for each application. */
export class ControlPlane {
  readonly supervisor: Supervisor;
  readonly options: FilledServeOptions;
  readonly log: ServerLog;
  readonly answering: Answering;
  readonly permissions: Permissions;
  readonly tokens: SessionTokens;
  readonly starts: RateLimit;
  readonly messages: RateLimit;
  readonly joinTokens: RateLimit;
  readonly streams: OpenLimit;
  readonly socketsOfCaller: OpenLimit;
  readonly socketsOfSession = new OpenLimit("open WebSockets of this session", mostSocketsOfSession);
  readonly localListener: LocalListener;
  readonly unknownFields: UnknownFields;
  readonly peers: Peers;
  readonly locator: SessionLocator;
  readonly fleet: FleetView;
  /**
   * The longest times that a peer may take to answer a request, and to answer a start, in milliseconds: those that it may
   * take at home.
   */
  readonly peerTimeouts: { readonly answerMs: number; readonly startMs: number };

  constructor(supervisor: Supervisor, options: FilledServeOptions) {
    this.supervisor = supervisor;
    this.options = options;
    this.log = supervisor.log.child(
      { component: "http" },
      { level: options.httpLogLevel ?? supervisor.log.level },
    );
    for (const warning of options.warnings) {
      this.log.warn(
        { event: "access_check_doubtful" },
        `${warning}. A callback that asks it lets nobody in; if none does, it can be removed`,
      );
    }
    watchKeys(options.keyRings, supervisor, this.log);
    this.answering = new Answering(supervisor, this.log);
    this.permissions = new Permissions(options, this.log);
    this.unknownFields = new UnknownFields(options.strictBodies, this.log);
    this.tokens = SessionTokens.of(options);
    this.peers = new Peers(supervisor, peerSecrets(options.peerSecret), this.log);
    this.locator = new SessionLocator(this.peers);
    this.fleet = new FleetView(this);
    const { threadWaitTimeoutMs, createTimeoutMs } = supervisor.options;
    const answerMs = mostCallbacks * options.permissionTimeoutMs + spareMs;
    // A start may wait for a place, and then for a thread.
    this.peerTimeouts = { answerMs, startMs: answerMs + 2 * threadWaitTimeoutMs + createTimeoutMs };
    this.starts = new RateLimit("starts", options.startsPerSecond, options.startBurst);
    this.messages = new RateLimit("messages", options.messagesPerSecond, options.messageBurst);
    this.joinTokens = new RateLimit("join tokens", options.messagesPerSecond, options.messageBurst);
    // Each open stream has a listener, so the number is not limited.
    setMaxListeners(0, supervisor.sessionsEnded);
    this.streams = new OpenLimit("open event streams", options.maxEventStreams);
    this.socketsOfCaller = new OpenLimit("open WebSockets", options.maxMediaSockets);
    this.localListener = new LocalListener(supervisor.sessionsEnded);
  }

  /** Returns a session by its id; with a call, only where it belongs to that call. */
  findSession(sessionId: string, callId?: string): Session | undefined {
    const session = this.supervisor.getSession(sessionId);
    return callId === undefined || session?.callId === callId ? session : undefined;
  }
}
