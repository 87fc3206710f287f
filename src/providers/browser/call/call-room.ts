import { type AgentUser, type ConnectionEvent, EdgeRefusal, type Participant } from "../../../agent/edge.ts";
import { frameLength, frameMs, mix } from "../../../audio/pcm.ts";
import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import { Pacer } from "../../../audio/playback/pacer.ts";
import { burst } from "../../../media/voice-packets.ts";
import { within } from "../../../shared/deadline.ts";
import type { JsonObject, JsonValue } from "../../../shared/protocol.ts";
import { type Client, type ClientEnd, heardRate, spokenRate } from "./client.ts";
import { readMessage } from "./client-message.ts";
import { Member } from "./member.ts";
import { Returns } from "./returns.ts";

/** The largest number of the agent's frames that wait to be sent; more than are handed over at once. */
const mostWaiting = 12;

/**
 * The participants of a call, with one clock: every 20 ms it reads the sound of all participants, passes each
 * to the agent, and sends every participant a mix of the agent and the others.
 */
export class CallRoom {
  readonly members = new Map<string, Member>();
  readonly #agentUser: AgentUser;
  readonly #most: number;
  readonly #pacer: Pacer;
  readonly #returns = new Returns();
  readonly #subscribers = new Set<(event: ConnectionEvent) => void>();
  readonly #listeners = new Set<(participantId: string, frame: PcmFrame) => void>();
  #said: Int16Array[] = [];
  #closed = false;
  /** Called when a participant is ready for a move, or has left; null while none is prepared. */
  #onReady: (() => void) | null = null;
  /** Resolves once the last participant of a call that has moved is gone. */
  readonly #emptied = Promise.withResolvers<void>();

  /** @param hints Those of the agent before, whose call this one takes up; null where the call begins. */
  constructor(agentUser: AgentUser, mostMembers: number, hints: JsonValue = null) {
    this.#agentUser = agentUser;
    this.#most = mostMembers;
    this.#returns.restore(hints);
    this.#pacer = new Pacer({ intervalMs: frameMs, ahead: 0, burst, beat: () => this.#beat() });
  }

  /** Returns the longest time that sound waits in a client until it is played, in milliseconds. */
  get playoutMs(): number {
    const known = [...this.members.values()].flatMap(({ playoutMs }) => playoutMs ?? []);
    return known.length === 0 ? usualPlayoutMs : Math.max(...known);
  }

  subscribe(listener: (event: ConnectionEvent) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  listen(listener: (participantId: string, frame: PcmFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Returns what the edge of another agent needs to take up the call. */
  get hints(): JsonValue {
    return this.#returns.hints(this.members.values());
  }

  /** Throws an {@link EdgeRefusal} where no other participant can join. */
  checkRoom({ id }: Participant): void {
    if (this.#closed) throw new EdgeRefusal("The agent has left the call");
    if (this.members.has(id) || this.members.size < this.#most) return;
    throw new EdgeRefusal(`The call has ${this.#most} participants, as many as it may have`);
  }

  /**
   * Adds a participant, or resumes one whose connection broke and whose secret is `resume`. A former
   * participant of the same id is removed. Returns the member, or null where the call is full.
   */
  enter(guest: Participant, client: Client, resume: string | null): Member | null {
    const present = resume === null ? undefined : this.#bySecret(resume);
    // The former connection may be dead without that having been noticed.
    if (present !== undefined) this.drop(present, "replaced");
    const back = this.#returns.back(resume);
    const participant = back?.participant ?? guest;
    const same = this.members.get(participant.id);
    if (same !== undefined) this.drop(same, "replaced");
    if (this.#closed || this.members.size >= this.#most) return null;
    const member = new Member(participant, client, this.#returns.newSecret());
    if (back !== null) member.cameBackBy = resume;
    const others = [...this.members.values()];
    this.members.set(member.id, member);
    this.#pacer.start();
    const { id, name } = member;
    for (const other of others) other.tell({ type: "participant_joined", participant: { id, name } });
    this.#tell({ type: "participant_joined", participant: { id, name } });
    member.missed = back?.missed ?? [];
    return member;
  }

  /** Sends a member its own identity and the other participants. */
  greet(member: Member): void {
    const { id, name, resume, missed } = member;
    const agent = { id: this.#agentUser.id, name: this.#agentUser.name };
    const others = [...this.members.values()].filter((other) => other !== member);
    member.tell({
      type: "joined",
      participant: { id, name },
      resume,
      agent,
      participants: others.map((other) => ({ id: other.id, name: other.name })),
    });
    for (const message of missed) member.tell(message);
    member.missed = [];
  }

  /** Handles a message of a member. An invalid one ends its connection. */
  take(member: Member, text: string): void {
    const message = readMessage(text);
    if (message === null || message.type === "hello" || member.floods()) {
      this.drop(member, "protocol_error");
      return;
    }
    switch (message.type) {
      case "text":
        this.#tell({ type: "message", participantId: member.id, text: message.text });
        return;
      case "ping":
        if (message.playoutMs !== null) member.playoutMs = message.playoutMs;
        member.tell({ type: "pong", id: message.id });
        return;
      case "ready":
        member.isReady = true;
        this.#onReady?.();
        return;
      case "leave":
        this.drop(member, "left");
        return;
      case "received":
        // This message is handled by the connection.
        return;
      default:
        message satisfies never;
    }
  }

  /** Removes a member from the call, and closes its connection. */
  drop(member: Member, end: ClientEnd): void {
    void member.client.close(end, end);
    if (this.members.get(member.id) !== member) return;
    this.members.delete(member.id);
    if (this.members.size === 0) this.#emptied.resolve();
    this.#onReady?.();
    const { id, name } = member;
    if (end === "vanished" || end === "replaced")
      for (const secret of member.secrets) this.#returns.dropped(secret, { id, name });
    this.#tell({ type: "participant_left", participant: { id, name } });
    for (const other of this.members.values())
      other.tell({ type: "participant_left", participant: { id, name } });
  }

  /** Adds 20 ms of the agent's sound, to be played after those before. */
  say(samples: Int16Array): void {
    if (this.members.size === 0 || samples.length !== frameLength(spokenRate)) return;
    this.#said.push(samples);
    if (this.#said.length > mostWaiting) this.#said.shift();
  }

  /** Sends a message to all participants. Final transcripts are kept for those whose connection broke. */
  tellAll(message: JsonObject): void {
    if (message.final === true && message.text !== undefined) this.#returns.said(message);
    for (const member of this.members.values()) member.tell(message);
  }

  /** Ends the call for everybody. `reason` is sent to the clients. */
  async close(reason: string): Promise<void> {
    this.#end();
    await this.#closeClients("call_ended", reason);
  }

  /**
   * Has all participants connect to the agent that takes up the call, beside their connection to this one. Resolves once they have, and
   * after 3 s at the latest: those who have not connect anew when the call has moved.
   * @param to The name of that agent's replica.
   */
  async prepareMove(to: string): Promise<void> {
    if (this.members.size === 0) return;
    const ready = Promise.withResolvers<void>();
    this.#onReady = () => {
      if ([...this.members.values()].every(({ isReady }) => isReady)) ready.resolve();
    };
    for (const member of this.members.values()) member.isReady = false;
    this.tellAll({ type: "moving", to });
    await within(ready.promise, mostPreparingMs, "The participants").catch(() => undefined);
    this.#onReady = null;
  }

  /** Takes the hints of the agent before anew, since somebody may have come meanwhile. */
  restore(hints: JsonValue): void {
    this.#returns.restore(hints, this.members.values());
  }

  /** Has all participants connect anew, since another agent goes on with the call. Those who have are not waited for any more. */
  async move(): Promise<void> {
    this.#end();
    this.tellAll({ type: "moved" });
    if (this.members.size > 0)
      await within(this.#emptied.promise, mostMovingMs, "The participants").catch(() => undefined);
    await this.#closeClients("moved", "moved");
  }

  #end(): void {
    this.#closed = true;
    this.#pacer.stop();
    this.#subscribers.clear();
    this.#listeners.clear();
  }

  async #closeClients(end: ClientEnd, reason: string): Promise<void> {
    const members = [...this.members.values()];
    this.members.clear();
    await Promise.all(members.map(({ client }) => client.close(end, reason)));
  }

  #bySecret(secret: string): Member | undefined {
    return [...this.members.values()].find(({ secrets }) => secrets.includes(secret));
  }

  /** Processes 20 ms of the call. Returns false where it has no participant. */
  #beat(): boolean {
    const agent = this.#said.shift() ?? null;
    const members = [...this.members.values()];
    const voices = new Map<Member, Int16Array>();
    for (const member of members) {
      const samples = member.client.pull();
      if (samples === null) continue;
      const voice = members.length > 1 ? member.forOthers(samples) : null;
      if (voice !== null) voices.set(member, voice);
      for (const listener of this.#listeners) listener(member.id, { samples, sampleRate: heardRate });
    }
    for (const member of members) {
      const others = [...voices].filter(([other]) => other !== member).map(([, voice]) => voice);
      const parts = agent === null ? others : [agent, ...others];
      member.client.send(parts.length === 0 ? null : parts.reduce(mix));
    }
    return this.members.size > 0;
  }

  #tell(event: ConnectionEvent): void {
    for (const subscriber of [...this.#subscribers]) subscriber(event);
  }
}

/** The longest time that participants who are to connect anew are waited for, in milliseconds. */
const mostMovingMs = 1_500;

/** The longest time that participants who connect to the next agent are waited for, in milliseconds. */
const mostPreparingMs = 3_000;

/** The time that sound waits in a browser that has not reported it, in milliseconds. */
const usualPlayoutMs = 50;
