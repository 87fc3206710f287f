import type { ConnectionListeners, Recogniser } from "../listening/recogniser.ts";
import type { MessageReader } from "../listening/turn-signal.ts";
import { DeepgramConnection, type DeepgramConnectionOptions } from "./connection/deepgram-connection.ts";
import { DeepgramError } from "./error.ts";

type Setting = Pick<DeepgramConnectionOptions, "sdk" | "settings" | "protocol">;

/** Deepgram, as a stream of sound uses it. */
export class DeepgramRecogniser implements Recogniser {
  readonly title = "Deepgram";
  readonly timed = true;
  readonly turnsBy = "service";
  readonly resampledTo = null;
  readonly #setting: Setting;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  takes(sampleRate: number): boolean {
    return this.#setting.protocol.takes(sampleRate);
  }

  connect(sampleRate: number, listeners: ConnectionListeners): DeepgramConnection {
    return new DeepgramConnection({ ...this.#setting, ...listeners, sampleRate });
  }

  reader(): MessageReader {
    return this.#setting.protocol.reader();
  }

  failure(message: string, code: string, retryable: boolean): DeepgramError {
    return new DeepgramError(message, { code, retryable });
  }
}
