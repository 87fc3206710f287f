import type {
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  JoinRequest,
  LeaveOptions,
  Participant,
} from "../../agent/edge.ts";
import { socketCloseOf } from "../../media/web-socket.ts";
import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import type { AgentEvent } from "../../shared/session/agent-event.ts";
import { CallRoom } from "./call/call-room.ts";
import { spokenRate } from "./call/client.ts";
import { messageOf } from "./call/server-message.ts";
import type { FilledOptions } from "./options.ts";

/** The time from a frame's timestamp until it is in the browser, in milliseconds: half a tick, the codec's look-ahead, and the network. */
const wayMs = 20;
/** The largest custom event, in bytes of JSON. */
const mostEventBytes = 16_384;

/** The agent's connection to a call that people join from browsers. */
export class BrowserConnection implements Connection {
  readonly room: CallRoom;
  readonly audio: ConnectionAudio;
  readonly maxEventBytes = mostEventBytes;
  readonly #signal: AbortSignal;
  readonly #transcripts: boolean;

  constructor(
    { agentUser, signal, hints = null }: JoinRequest,
    { maxParticipants, transcripts }: FilledOptions,
  ) {
    const room = new CallRoom(agentUser, maxParticipants, hints);
    this.room = room;
    this.#signal = signal;
    this.#transcripts = transcripts;
    this.audio = {
      sampleRate: spokenRate,
      // The call's own clock is of the same thread, and late when the agent is.
      aheadFrames: 1,
      get leadMs() {
        return wayMs + room.playoutMs;
      },
      get heard() {
        return room.members.size > 0;
      },
      send: ({ samples }) => room.say(samples),
      listen: (listener) => room.listen(listener),
    };
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.room.members;
  }

  subscribe(listener: (event: ConnectionEvent) => void): () => void {
    return this.room.subscribe(listener);
  }

  happened(event: AgentEvent): void {
    const message = this.#transcripts ? messageOf(event) : null;
    if (message !== null) this.room.tellAll(message);
  }

  async sendEvent(data: JsonObject): Promise<void> {
    this.room.tellAll({ type: "event", data });
  }

  hints(): JsonValue {
    return this.room.hints;
  }

  prepareMove(to: string): Promise<void> {
    return this.room.prepareMove(to);
  }

  takeUp(hints: JsonValue): void {
    this.room.restore(hints);
  }

  async leave({ moved = false }: LeaveOptions = {}): Promise<void> {
    if (moved) await this.room.move();
    await this.room.close(socketCloseOf(this.#signal).reason);
  }
}
