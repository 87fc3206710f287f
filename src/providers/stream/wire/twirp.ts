import { throughProxy } from "../../../network/dispatcher.ts";
import { BackOff } from "../../../shared/back-off.ts";
import { retryAfter } from "../../../shared/retry-after.ts";
import { errorText, isPassingStatus, jsonObject, reasonIn, textOrNone } from "../../http/error-text.ts";
import { StreamError, sfuError, unreachable } from "../error.ts";
import { type SfuError, signalServer, signalServerPath } from "./messages.ts";
import {
  decode,
  encode,
  type MessageFields,
  type MessageInput,
  type MessageType,
  type MessageValue,
  ProtobufError,
} from "./protobuf.ts";

export type SignalMethod = keyof typeof signalServer;
export type SignalRequest<M extends SignalMethod> = MessageInput<(typeof signalServer)[M][0]>;
export type SignalResponse<M extends SignalMethod> = MessageValue<(typeof signalServer)[M][1]>;

export interface SignalClientOptions {
  /** The root address of the service, without a slash at its end. */
  readonly url: string;
  readonly token: string;
  /** Aborts the requests under way, and prevents further ones. */
  readonly signal: AbortSignal;
}

/** The longest wait for one response, in milliseconds, as in Stream's own clients. */
const responseTimeoutMs = 5_000;

/** The number of attempts of a request, while the SFU or the network failed in a way that passes. */
const attempts = 4;
const backOff = new BackOff({ firstMs: 100 });

/** The client of an SFU's signalling over HTTP, for one session. */
export class SignalClient {
  readonly #options: SignalClientOptions;

  constructor(options: SignalClientOptions) {
    this.#options = options;
  }

  /**
   * Makes a request. It rejects with a {@link StreamError}, also where the SFU responds with an error, or
   * with the reason of the signal.
   */
  async call<M extends SignalMethod>(method: M, request: SignalRequest<M>): Promise<SignalResponse<M>> {
    for (let failures = 1; ; failures++) {
      try {
        return await this.#once(method, request);
      } catch (error) {
        const { signal } = this.#options;
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof StreamError && error.retryable) || failures >= attempts) throw error;
        await backOff.pause(failures, { signal });
      }
    }
  }

  async #once<M extends SignalMethod>(method: M, request: SignalRequest<M>): Promise<SignalResponse<M>> {
    const { url, token, signal } = this.#options;
    const [requestType, answerType] = signalServer[method] as readonly [
      MessageType<MessageFields>,
      MessageType<MessageFields>,
    ];
    const body = encode(requestType, request as MessageInput<MessageType<MessageFields>>);
    let decoded: { readonly error?: SfuError };
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
        signal: AbortSignal.any([signal, AbortSignal.timeout(responseTimeoutMs)]),
      });
      if (!response.ok) throw await refusal(method, response);
      decoded = decode(answerType, new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      if (error instanceof StreamError) throw error;
      if (error instanceof ProtobufError) throw unreadableResponse(method, error);
      throw unreachable(method, error);
    }
    if (decoded.error !== undefined && decoded.error.code !== 0) throw sfuError(method, decoded.error);
    return decoded as SignalResponse<M>;
  }
}

/** Makes an error of a refusal. Twirp writes errors as JSON, with a code in words. */
async function refusal(method: SignalMethod, response: Response): Promise<StreamError> {
  const { status } = response;
  const body = await response.text().catch(() => "");
  const { code, msg } = jsonObject(body);
  const reason = errorText(textOrNone(msg) ?? reasonIn(body)) || "no reason";
  return new StreamError(`${method}: the SFU refused with ${status}: ${reason}`, {
    status,
    code: textOrNone(code),
    retryable: isPassingStatus(status),
    retryAfterMs: retryAfter(response.headers.get("retry-after")),
  });
}

function unreadableResponse(method: SignalMethod, cause: ProtobufError): StreamError {
  return new StreamError(`${method}: the SFU's response cannot be read: ${cause.message}`, {
    code: "BAD_ANSWER",
    retryable: true,
    cause,
  });
}
