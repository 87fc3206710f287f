import type { ConnectionListeners, Recogniser } from "../../listening/recogniser.ts";
import {
  isRecord,
  type MessageReader,
  noSignals,
  type TurnSignal,
  type TurnSignals,
  textIn,
} from "../../listening/turn-signal.ts";
import { CartesiaError } from "../error.ts";
import type { FilledSttOptions } from "../stt-options.ts";
import { InkConnection, inkRate } from "./ink-connection.ts";

/** Ink, as a stream of sound uses it. Its messages have no times. */
export class InkRecogniser implements Recogniser {
  readonly title = "Cartesia";
  readonly timed = false;
  readonly turnsBy = "service";
  readonly resampledTo = inkRate;
  readonly #options: FilledSttOptions;

  constructor(options: FilledSttOptions) {
    this.#options = options;
  }

  takes(sampleRate: number): boolean {
    return sampleRate === inkRate;
  }

  connect(_sampleRate: number, listeners: ConnectionListeners): InkConnection {
    return new InkConnection(this.#options, listeners);
  }

  reader(): MessageReader {
    const { eagerTurnDetection } = this.#options;
    return { read: (message) => signalsOf(message, eagerTurnDetection) };
  }

  failure(message: string, code: string, retryable: boolean): CartesiaError {
    return new CartesiaError(message, { kind: retryable ? "network" : "invalid", code });
  }
}

/** Returns the signals of an event. Unknown events are skipped, since the protocol may be extended. */
function signalsOf(message: unknown, eager: boolean): TurnSignals {
  if (!isRecord(message)) return noSignals;
  const text = textIn(message.transcript).trim();
  const one = (signal: TurnSignal): TurnSignals => ({ signals: [signal], heardUntil: null });
  switch (message.type) {
    case "turn.start":
      return one({ type: "start" });
    case "turn.update":
      return one({ type: "text", text, speechEnd: null });
    case "turn.eager_end":
      return one({ type: eager ? "eager" : "text", text, speechEnd: null });
    case "turn.resume":
      return eager ? one({ type: "resumed" }) : noSignals;
    case "turn.end":
      return one({ type: "end", text, speechEnd: null });
    default:
      return noSignals;
  }
}
