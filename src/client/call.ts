import { Api, type SessionReference } from "./api.ts";
import { asCallError, CallError } from "./call-error.ts";
import type { AgentState, CallEnd, CallEvents, CallState, Person, TurnReport } from "./call-events.ts";
import type { CallOptions } from "./call-options.ts";
import { connect } from "./connect.ts";
import { Emitter } from "./events.ts";
import { NextLink } from "./next-link.ts";
import { type OpeningMicrophone, Sound } from "./sound.ts";
import { Transcript, type TranscriptEntry } from "./transcript.ts";
import type { Message, Transport, TransportEvents } from "./transport.ts";
import { Watch } from "./watch.ts";

/** The agent's replica may be dead: others take over its calls within half that time. */
const usualReconnectMs = 30_000;
const longestPauseMs = 1_000;
/** The most texts that wait while the call moves. */
const mostUnsent = 32;

/**
 * A call with an agent, from a page. `start()` begins it, within a click of the user; it then reconnects by itself, as the same
 * participant, until `end()`.
 */
export class Call extends Emitter<CallEvents> {
  readonly #options: CallOptions;
  readonly #api: Api;
  readonly #transcript = new Transcript();
  readonly #over = new AbortController();
  #state: CallState = "idle";
  #agentState: AgentState = "listening";
  #session: SessionReference | null = null;
  #sound: Sound | null = null;
  #microphone: OpeningMicrophone | null = null;
  #transport: Transport | null = null;
  #resume: string | null = null;
  #participants: readonly Person[] = [];
  #me: Person | null = null;
  #agent: Person | null = null;
  #muted = false;
  /** True once WebRTC has passed. */
  #passes = false;
  /** The connection whose messages count: the one that was let in last. */
  #link: object | null = null;
  #watch: Watch | null = null;
  /** True while the call moves to another agent. The texts that are typed meanwhile wait. */
  #moving = false;
  /** The connection to the agent that is about to take up the call; null where none is. */
  #next: NextLink | null = null;
  #unsent: string[] = [];
  #end: CallEnd | null = null;

  constructor(options: CallOptions = {}) {
    super();
    this.#options = options;
    this.#api = new Api(options.url ?? location.origin, options.headers ?? {});
  }

  get state(): CallState {
    return this.#state;
  }
  get agentState(): AgentState {
    return this.#agentState;
  }
  get transcript(): readonly TranscriptEntry[] {
    return this.#transcript.entries;
  }
  /** Returns everybody in the call, except the user of the page and the agent. */
  get participants(): readonly Person[] {
    return this.#participants;
  }
  /** Returns the user of the page as a participant; null before the call is connected. */
  get me(): Person | null {
    return this.#me;
  }
  get agent(): Person | null {
    return this.#agent;
  }
  /** Returns the session, once it is started. */
  get session(): SessionReference | null {
    return this.#session;
  }
  /** Returns the transport of the call; null while there is none. */
  get transport(): "webrtc" | "websocket" | null {
    return this.#transport?.kind ?? null;
  }
  /** Returns the end of the call; null before. */
  get ended(): CallEnd | null {
    return this.#end;
  }
  get muted(): boolean {
    return this.#muted;
  }

  /** Mutes the microphone, or opens it again. */
  mute(muted = true): void {
    this.#muted = muted;
    if (this.#sound) this.#sound.muted = muted;
  }

  /** Returns how loud the microphone and the agent are at the moment, from 0 to 1. To be asked for each picture of a meter. */
  levels(): { readonly microphone: number; readonly agent: number } {
    return this.#sound?.levels() ?? { microphone: 0, agent: 0 };
  }

  /** Opens the microphone and connects. Resolves once the agent can be heard. Rejects with a {@link CallError}. */
  async start(): Promise<void> {
    if (this.#state !== "idle") throw new Error("A call is started once");
    this.#change("connecting");
    addEventListener("pagehide", this.#leave);
    try {
      const { microphone = true, audio } = this.#options;
      this.#sound = new Sound(audio);
      this.#sound.muted = this.#muted;
      this.#microphone = await this.#sound.open(microphone);
      this.#throwIfOver();
      await this.#connect(this.#startSession());
    } catch (error) {
      const failure = asCallError(error);
      this.#finish({ reason: failure.code, error: failure });
      void this.#closeSession();
      throw failure;
    }
  }

  /** Sends a text to the agent, as if it were said. Returns false where the call is not connected. */
  sendText(text: string): boolean {
    if (text.trim() === "") return false;
    if (this.#moving) return this.#unsent.length < mostUnsent && this.#unsent.push(text) > 0;
    if (this.#state !== "connected" || !this.#transport) return false;
    this.#transport.send({ type: "text", text });
    return true;
  }

  /** Leaves the call. A session that this call started is closed. */
  async end(): Promise<void> {
    if (this.#state === "ended") return;
    this.#leave();
    await this.#closeSession();
  }

  readonly #leave = (): void => {
    this.#transport?.send({ type: "leave" });
    this.#finish({ reason: "left", error: null });
  };

  /** Starts the session, unless there is one. */
  #startSession(): Promise<SessionReference> {
    const { session, start = {} } = this.#options;
    const starting = session ? Promise.resolve(session) : this.#api.start(start);
    const started = starting.then((reference) => {
      this.#session = reference;
      return reference;
    });
    started.catch(() => undefined);
    return started;
  }

  /** Closes the session, where this call started it. It never rejects. */
  async #closeSession(): Promise<void> {
    if (this.#options.session || !this.#session) return;
    await this.#api.close(this.#session).catch(() => undefined);
  }

  async #connect(session: Promise<SessionReference>): Promise<void> {
    const link = {};
    const transport = await this.#open(session, null, {
      onMessage: (message: Message) => {
        if (message.type === "joined") this.#link = link;
        if (link === this.#link) this.#take(message);
      },
      onDown: () => {
        if (link === this.#link) this.#down();
      },
    });
    if (transport) this.#use(transport);
  }

  /** Opens a connection. `successor`: the replica whose agent takes up the call; null: the one that has it. */
  async #open(
    session: Promise<SessionReference>,
    successor: string | null,
    events: TransportEvents,
  ): Promise<Transport | null> {
    const [sound, microphone] = [this.#sound, this.#microphone];
    if (!sound || !microphone) return null;
    const options = {
      api: this.#api,
      session,
      sound,
      microphone,
      name: this.#options.userName,
      resume: this.#resume,
      successor,
      events,
    };
    const usesSocket = this.#resume !== null && !this.#passes;
    const choice = { ...this.#options, ...(usesSocket && { transport: "websocket" as const }) };
    const transport = await connect(options, choice, this.#over.signal);
    if (this.#over.signal.aborted) transport.close();
    this.#throwIfOver();
    return transport;
  }

  #use(transport: Transport): void {
    this.#transport = transport;
    // Where WebRTC did not pass at first it is not tried again.
    this.#passes ||= transport.kind === "webrtc";
    this.#watch?.close();
    this.#watch = new Watch(transport, () => this.#lost(transport));
    if (this.#state !== "connected") this.#change("connected");
    for (const text of this.#unsent.splice(0)) transport.send({ type: "text", text });
  }

  #throwIfOver(): void {
    if (this.#over.signal.aborted) throw new CallError("connection_failed", "The call was ended.");
  }

  #lost(transport: Transport): void {
    if (transport !== this.#transport) return;
    transport.close();
    this.#down();
  }

  #down(): void {
    if (this.#state !== "connected") return;
    this.#transport = null;
    this.#watch?.close();
    this.#change("reconnecting");
    // A call that moves is connected anew already.
    if (!this.#moving) void this.#reconnect();
  }

  /** Connects to the agent that is about to take up the call, beside the connection to the one that has it, and says so. */
  async #prepare(successor: string): Promise<void> {
    const [before, session] = [this.#transport, this.#session];
    if (!before || !session) return;
    this.#next?.close();
    const next = new NextLink();
    this.#next = next;
    const events = {
      onMessage: (message: Message) => {
        if (this.#link === next.link) this.#take(message);
        else next.onMessage(message);
      },
      onDown: () => {
        if (this.#link === next.link) this.#down();
        else next.close();
      },
    };
    try {
      const transport = await this.#open(Promise.resolve(session), successor, events);
      if (transport && next.connected(transport)) before.send({ type: "ready" });
    } catch {
      // The call connects anew once it has moved.
    }
  }

  /** Goes over to the agent that has taken up the call: by the connection to it that there is, or else by a new one. */
  async #move(): Promise<void> {
    const [before, session, next] = [this.#transport, this.#session, this.#next];
    if (!before || !session || this.#moving) return;
    const prepared = next?.take() ?? null;
    this.#next = null;
    if (next && prepared) {
      this.#link = next.link;
      prepared.transport.hear();
      this.#use(prepared.transport);
      for (const message of prepared.messages) this.#take(message);
      before.close();
      return;
    }
    this.#moving = true;
    this.#watch?.close();
    const moved = await this.#connect(Promise.resolve(session)).then(
      () => true,
      () => false,
    );
    this.#moving = false;
    before.close();
    if (moved || this.#state === "ended") return;
    if (this.#state === "connected") this.#down();
    else void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { reconnectTimeoutMs = usualReconnectMs } = this.#options;
    const until = performance.now() + reconnectTimeoutMs;
    let pauseMs = 250;
    let last: CallError = new CallError("connection_failed", "The connection broke, and did not come back.");
    while (performance.now() < until && !this.#over.signal.aborted) {
      try {
        if (!this.#session) break;
        await this.#api.check(this.#session);
        await this.#connect(Promise.resolve(this.#session));
        return;
      } catch (error) {
        last = asCallError(error);
        if ((last.code === "not_found" && !last.passes) || last.code === "forbidden") break;
      }
      // All calls of a replica that died come back at once.
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.75 + Math.random() / 2)));
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
    if (last.endReason !== null) this.#finish({ reason: last.endReason, error: null });
    else this.#finish({ reason: last.code, error: last });
  }

  #take(message: Message): void {
    this.#watch?.heard();
    switch (message.type) {
      case "joined":
        this.#resume = String(message.resume);
        this.#me = message.participant as Person;
        this.#agent = message.agent as Person;
        this.#setParticipants(message.participants as readonly Person[]);
        this.#transcript.reconnected();
        this.emit("transcript", this.#transcript.entries);
        return;
      case "moving":
        void this.#prepare(String(message.to));
        return;
      case "moved":
        void this.#move();
        return;
      case "participant_joined":
        this.#setParticipants([...this.#participants, message.participant as Person]);
        return;
      case "participant_left": {
        const { id } = message.participant as Person;
        this.#setParticipants(this.#participants.filter((one) => one.id !== id));
        return;
      }
      case "transcript":
        this.#transcript.take(message);
        if (message.role === "agent" && message.delta) this.#agentIs("speaking");
        if (message.role === "user" && message.text && !message.backchannel) this.#agentIs("thinking");
        this.emit("transcript", this.#transcript.entries);
        return;
      case "turn":
        this.#agentIs("listening");
        this.emit("turn", {
          turnId: String(message.turn_id),
          outcome: String(message.outcome),
          latency: message.latency as TurnReport["latency"],
        });
        return;
      case "event":
        this.emit("event", message.data);
        return;
      case "ended":
        // Of one that vanished, or that the server takes for broken, the client knows better.
        if (message.end === "call_ended" || message.end === "replaced")
          this.#finish({ reason: String(message.reason), error: null });
        return;
    }
  }

  #setParticipants(participants: readonly Person[]): void {
    this.#participants = participants;
    this.emit("participants", participants);
  }

  #agentIs(state: AgentState): void {
    if (state === this.#agentState) return;
    this.#agentState = state;
    this.emit("agentState", state);
  }

  #change(state: CallState): void {
    this.#state = state;
    this.emit("state", state);
  }

  #finish(end: CallEnd): void {
    if (this.#state === "ended") return;
    this.#over.abort();
    this.#watch?.close();
    this.#next?.close();
    removeEventListener("pagehide", this.#leave);
    this.#transport?.close();
    this.#transport = null;
    this.#sound?.close();
    this.#end = end;
    this.#change("ended");
    this.emit("ended", end);
  }
}
