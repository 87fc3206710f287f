import {
  isRecord,
  type JsonRecord,
  type MessageReader,
  noSignals,
  secondsIn,
  type TurnMark,
  type TurnSignal,
  type TurnSignals,
  textIn,
} from "../../listening/turn-signal.ts";
import type { ErrorOwner } from "../error.ts";
import { eventFailure } from "./failure.ts";

/** A turn, which OpenAI calls an item. Times are in seconds of the connection's sound. */
interface Item {
  /** Null until the service has named it. */
  id: string | null;
  start: number | null;
  end: number | null;
  speaking: boolean;
  text: string;
  /** The text that was signalled last. */
  told: string | null;
  outcome: "open" | "completed" | Error;
}

/** The prefix of the events' names, which is the same for all of a transcription. */
const transcription = "conversation.item.input_audio_transcription.";

/**
 * Reads the events of one session. Words of a turn come when it is over, and those of the next one may come before: the turns are
 * told one after the other, as they were spoken.
 */
export class TranscriptReader implements MessageReader {
  readonly #owner: ErrorOwner;
  /** The quiet at the end of each turn, in seconds; null where that is not known. */
  readonly #quietSeconds: number | null;
  readonly #items: Item[] = [];
  readonly #errors: Error[] = [];

  constructor(owner: ErrorOwner, quietSeconds: number | null) {
    this.#owner = owner;
    this.#quietSeconds = quietSeconds;
  }

  read(message: unknown): TurnSignals {
    if (!isRecord(message)) return noSignals;
    this.#note(message);
    return this.#told();
  }

  mark(mark: TurnMark, sent: number): TurnSignals {
    if (mark === "start") this.#add(null, { start: sent, speaking: true });
    else {
      const item = this.#items.findLast(({ end }) => end === null) ?? this.#add(null, { start: 0 });
      item.end = sent;
    }
    return this.#told();
  }

  #note(message: JsonRecord): void {
    const id = textIn(message.item_id);
    switch (message.type) {
      case "input_audio_buffer.speech_started":
        Object.assign(this.#named(id), { start: milliseconds(message.audio_start_ms), speaking: true });
        return;
      case "input_audio_buffer.speech_stopped":
        this.#named(id).end = milliseconds(message.audio_end_ms);
        return;
      case "input_audio_buffer.committed":
        this.#named(id);
        return;
      case `${transcription}delta`:
        this.#named(id).text += textIn(message.delta);
        return;
      case `${transcription}completed`:
        Object.assign(this.#named(id), { text: textIn(message.transcript), outcome: "completed" });
        return;
      case `${transcription}failed`:
        this.#named(id).outcome = eventFailure(this.#owner, isRecord(message.error) ? message.error : {});
        return;
      case "error":
        this.#noteError(isRecord(message.error) ? message.error : {});
        return;
      default:
      // Unknown events are skipped, since the protocol is extended.
    }
  }

  /** Notes an error. A commit that was refused, since it held too little sound, is the end of a turn without words. */
  #noteError(error: JsonRecord): void {
    const isCommit = /commit/.test(`${textIn(error.code)} ${textIn(error.event_id)}`);
    const item = isCommit ? this.#items.find(({ id, end }) => id === null && end !== null) : undefined;
    if (item !== undefined) item.outcome = "completed";
    else if (!isCommit) this.#errors.push(eventFailure(this.#owner, error));
  }

  /** Returns the item of this name. The first without a name gets it: items are named in their order. */
  #named(id: string): Item {
    const known = this.#items.find((item) => item.id === id);
    if (known !== undefined) return known;
    const next = this.#items.find((item) => item.id === null);
    if (next === undefined) return this.#add(id);
    next.id = id;
    return next;
  }

  #add(id: string | null, known: Partial<Item> = {}): Item {
    const item: Item = {
      id,
      start: null,
      end: null,
      speaking: false,
      text: "",
      told: null,
      outcome: "open",
      ...known,
    };
    this.#items.push(item);
    return item;
  }

  #told(): TurnSignals {
    const signals: TurnSignal[] = this.#errors.splice(0).map((error) => ({ type: "error", error }));
    let heardUntil: number | null = null;
    for (let item = this.#items[0]; item !== undefined; item = this.#items[0]) {
      const speechEnd = this.#speechEnd(item);
      const text = item.text.trim();
      if (item.told === null && item.speaking) signals.push({ type: "start" });
      if (text !== (item.told ?? "")) signals.push({ type: "text", text, speechEnd });
      item.told = item.speaking || text !== "" ? text : null;
      if (item.outcome === "open") break;
      this.#items.shift();
      heardUntil = item.end ?? heardUntil;
      if (item.outcome === "completed") signals.push({ type: "end", text, speechEnd });
      else {
        const speechMs = item.start === null || speechEnd === null ? null : (speechEnd - item.start) * 1_000;
        signals.push({ type: "failed", error: item.outcome, speechMs });
      }
    }
    return { signals, heardUntil };
  }

  #speechEnd({ start, end }: Item): number | null {
    if (end === null || this.#quietSeconds === null) return null;
    return Math.max(start ?? 0, end - this.#quietSeconds);
  }
}

function milliseconds(value: unknown): number | null {
  const ms = secondsIn(value);
  return ms === null ? null : ms / 1_000;
}
