import type { DeepgramClient } from "@deepgram/sdk";
import {
  isRecord,
  type MessageReader,
  noSignals,
  secondsIn,
  type TurnSignal,
  type TurnSignals,
  textIn,
} from "../../listening/turn-signal.ts";
import type { FilledDeepgramOptions } from "../options.ts";
import { lastWordEnd, type OpenSocket, type Protocol } from "./protocol.ts";

const sampleRates = new Set([8_000, 16_000, 24_000, 44_100, 48_000]);

/**
 * The protocol of Flux, `/v2/listen`, whose model detects turns. See developers.deepgram.com/docs/flux/state.
 */
export class Flux implements Protocol {
  readonly #options: FilledDeepgramOptions;

  constructor(options: FilledDeepgramOptions) {
    this.#options = options;
  }

  takes(sampleRate: number): boolean {
    return sampleRates.has(sampleRate);
  }

  async open(
    client: DeepgramClient,
    sampleRate: number,
    connectionTimeoutInSeconds: number,
  ): Promise<OpenSocket> {
    const { model, keyterms, languageHints, tags, mipOptOut, ...options } = this.#options;
    const socket = await client.listen.v2.connect({
      model,
      encoding: "linear16",
      sample_rate: sampleRate,
      ...(options.eotThreshold === null ? {} : { eot_threshold: options.eotThreshold }),
      ...(options.eagerEotThreshold === null ? {} : { eager_eot_threshold: options.eagerEotThreshold }),
      ...(options.eotTimeoutMs === null ? {} : { eot_timeout_ms: options.eotTimeoutMs }),
      ...(keyterms.length === 0 ? {} : { keyterm: [...keyterms] }),
      ...(languageHints.length === 0 ? {} : { language_hint: [...languageHints] }),
      ...(tags.length === 0 ? {} : { tag: tags }),
      ...(mipOptOut ? { mip_opt_out: true } : {}),
      reconnectAttempts: 0,
      connectionTimeoutInSeconds,
    });
    // The KeepAlive message of Nova would end a connection to Flux.
    return { socket, keepAlive: (transport) => transport.ping() };
  }

  reader(): MessageReader {
    return new FluxReader();
  }
}

class FluxReader implements MessageReader {
  #text = "";
  /** The end of the sound when the text last changed, which is about the end of its last word. */
  #textEnd: number | null = null;
  /** Says whether Deepgram has reported the start of the turn; its words may come before that. */
  #started = false;

  read(message: unknown): TurnSignals {
    if (!isRecord(message) || message.type !== "TurnInfo") return noSignals;
    const heardUntil = secondsIn(message.audio_window_end);
    const text = textIn(message.transcript).trim();
    if (message.event === "StartOfTurn") this.#started = true;
    // Words before the start of a turn were withdrawn: there was no turn, and no end of it will follow.
    const withdrawn = text === "" && this.#text !== "" && message.event === "Update" && !this.#started;
    if (text !== this.#text) {
      this.#text = text;
      this.#textEnd = heardUntil;
    }
    const speechEnd = text === "" ? null : (lastWordEnd(message.words) ?? this.#textEnd);
    if (message.event === "EndOfTurn") {
      this.#text = "";
      this.#textEnd = null;
      this.#started = false;
    }
    return { signals: signalsOf(withdrawn ? "EndOfTurn" : message.event, text, speechEnd), heardUntil };
  }
}

/** Returns the signals of an event. Unknown events are skipped, since the protocol may be extended. */
function signalsOf(event: unknown, text: string, speechEnd: number | null): TurnSignal[] {
  switch (event) {
    case "StartOfTurn":
      return [{ type: "start" }, { type: "text", text, speechEnd }];
    case "Update":
      return [{ type: "text", text, speechEnd }];
    case "EagerEndOfTurn":
      return [{ type: "eager", text, speechEnd }];
    case "TurnResumed":
      return [{ type: "resumed" }, { type: "text", text, speechEnd }];
    case "EndOfTurn":
      return [{ type: "end", text, speechEnd }];
    default:
      return [];
  }
}
