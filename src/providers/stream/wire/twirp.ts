import { setTimeout as delay } from "node:timers/promises";
import { throughProxy } from "../../../network/dispatcher.ts";
import { retryAfter } from "../../../shared/retry-after.ts";
import { errorText, jsonObject, reasonIn, textOrNone } from "../../error-text.ts";
import { passing, StreamError, sfuError, unreachable } from "../error.ts";
import { type SfuFault, signalServer, signalServerPath } from "./messages.ts";
import {
  decode,
  encode,
  type Fields,
  type Input,
  type Message,
  ProtobufError,
  type Value,
} from "./protobuf.ts";

export type Method = keyof typeof signalServer;
export type Request<M extends Method> = Input<(typeof signalServer)[M][0]>;
export type Answer<M extends Method> = Value<(typeof signalServer)[M][1]>;

export interface SignalClientOptions {
  /** Root of the service, without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Ends what is under way, and allows nothing after it. */
  readonly signal: AbortSignal;
}

/** The longest wait for one answer, in milliseconds, as in Stream's own clients. */
const answerTimeoutMs = 5_000;

/** The most times that a request is sent, while the SFU, or the network, says that trying again can help. */
const attempts = 4;
const firstDelayMs = 100;

/** The SFU's signalling over HTTP, for one session. */
export class SignalClient {
  readonly #options: SignalClientOptions;

  constructor(options: SignalClientOptions) {
    this.#options = options;
  }

  /** Rejects with a {@link StreamError}, also where the SFU answers with an error. */
  async call<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#once(method, request);
      } catch (error) {
        const { signal } = this.#options;
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof StreamError && error.retryable) || failures >= attempts) throw error;
        await delay(firstDelayMs * 2 ** (failures - 1), undefined, { signal });
      }
    }
  }

  async #once<M extends Method>(method: M, request: Request<M>): Promise<Answer<M>> {
    const { url, token, signal } = this.#options;
    const [requestType, answerType] = signalServer[method] as readonly [Message<Fields>, Message<Fields>];
    const body = encode(requestType, request as Input<Message<Fields>>);
    let answer: { readonly error?: SfuFault };
    try {
      const response = await fetch(`${url}/${signalServerPath}/${method}`, {
        method: "POST",
        headers: {
          "content-type": "application/protobuf",
          accept: "application/protobuf",
          authorization: `Bearer ${token}`,
        },
        body,
        ...throughProxy(url),
        signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)]),
      });
      if (!response.ok) throw await refusal(method, response);
      answer = decode(answerType, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      if (error instanceof StreamError) throw error;
      if (error instanceof ProtobufError) throw badAnswer(method, error);
      throw unreachable(method, error);
    }
    if (answer.error !== undefined && answer.error.code !== 0) throw sfuError(method, answer.error);
    return answer as Answer<M>;
  }
}

/** Twirp's own errors are JSON, with a code in words. */
async function refusal(method: Method, response: Response): Promise<StreamError> {
  const { status } = response;
  const said = await response.text().catch(() => "");
  const { code, msg } = jsonObject(said);
  const reason = errorText(textOrNone(msg) ?? reasonIn(said)) || "no reason";
  return new StreamError(`${method}: the SFU refused with ${status}: ${reason}`, {
    status,
    code: textOrNone(code),
    retryable: passing(status),
    retryAfterMs: retryAfter(response.headers.get("retry-after")),
  });
}

function badAnswer(method: Method, cause: ProtobufError): StreamError {
  return new StreamError(`${method}: the SFU's answer cannot be read: ${cause.message}`, {
    code: "BAD_ANSWER",
    retryable: true,
    cause,
  });
}
