import type { SpeechChunk } from "../../../audio/speech-chunk.ts";
import { within } from "../../../shared/deadline.ts";
import { decoded } from "../../http/body.ts";
import { SoundFormError, SoundReader } from "../../sound/sound-reader.ts";
import type { Endpoint } from "../endpoint.ts";
import { asFailure, OpenAICompatibleError, streamedError, wrongContent } from "../error.ts";
import { type FilledTtsOptions, formatFields } from "../voice-options.ts";

/** The longest text of a response without sound that is read, in bytes. */
const longestText = 65_536;
const textTimeoutMs = 2_000;

export interface SpeechRequest {
  readonly endpoint: Endpoint;
  readonly model: string;
  readonly options: FilledTtsOptions;
  readonly text: string;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

/**
 * Makes one request, and yields the sound as it arrives. Ending the iteration closes its connection. It throws an
 * {@link OpenAICompatibleError}, a `DeadlineError`, or the reason of the signal.
 */
export async function* requestSpeech(request: SpeechRequest): AsyncGenerator<SpeechChunk, void, void> {
  const { endpoint, options, signal } = request;
  const incoming = await endpoint.post("/audio/speech", {
    body: JSON.stringify(bodyOf(request)),
    contentType: "application/json",
    accept: "*/*",
    signal,
  });
  const type = incoming.headers["content-type"] ?? "";
  const body = decoded(incoming);
  const pieces: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  const next = (ms: number) => {
    const piece = pieces.next().catch((error: unknown) => {
      signal.throwIfAborted();
      throw asFailure(endpoint, error);
    });
    return within(piece, ms, `The next piece of ${endpoint.title}'s speech`, undefined, "idleTimeoutMs");
  };
  try {
    if (/^(text\/|application\/(json|xml))/i.test(type)) throw await withoutSound(endpoint, type, next);
    const sound = new SoundReader(options.sampleRate);
    for (;;) {
      const { done, value } = await next(options.idleTimeoutMs);
      const chunk = done ? sound.end() : sound.read(value);
      if (chunk !== null) yield chunk;
      if (done) return;
    }
  } catch (error) {
    throw error instanceof SoundFormError ? otherForm(request, error.message) : error;
  } finally {
    body.destroy();
    incoming.destroy();
  }

  function bodyOf({ model, text }: SpeechRequest): object {
    const { voice = endpoint.service.voice ?? "alloy", speed, instructions } = options;
    return {
      model,
      input: text,
      voice,
      ...formatFields(options, endpoint.service),
      ...(speed === undefined ? {} : { speed }),
      ...(instructions === undefined ? {} : { instructions }),
      ...options.body,
    };
  }
}

/** Makes an error of a response that has text in place of sound: the service's own, where it tells one. */
async function withoutSound(
  endpoint: Endpoint,
  type: string,
  next: (ms: number) => Promise<IteratorResult<Uint8Array>>,
): Promise<Error> {
  const read: Uint8Array[] = [];
  for (let length = 0; length < longestText; ) {
    const { done, value } = await next(textTimeoutMs);
    if (done) break;
    read.push(value);
    length += value.length;
  }
  try {
    const error = streamedError(endpoint, JSON.parse(Buffer.concat(read).toString("utf8")));
    if (error !== undefined) return error;
  } catch {
    // It is no JSON.
  }
  return wrongContent(endpoint, type, "sound");
}

/** Makes the error of a service that speaks in a form that it was not asked for. */
function otherForm({ endpoint, options }: SpeechRequest, form: string): OpenAICompatibleError {
  const { response_format: asked } = formatFields(options, endpoint.service);
  const other = asked === "pcm" ? 'format: "wav"' : 'format: "pcm"';
  return new OpenAICompatibleError(
    `${endpoint.title} was asked for ${asked} and answered with ${form}, which is not read: try ${other}`,
    { kind: "invalid", code: "wrong_form" },
  );
}
