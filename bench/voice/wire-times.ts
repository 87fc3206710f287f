import type { DeepgramEmulator } from "../../test/emulators/deepgram.ts";
import type { ElevenlabsEmulator } from "../../test/emulators/elevenlabs.ts";
import type { Emulator } from "../../test/emulators/emulator.ts";
import { cuts } from "./replies.ts";

/** The times at which the services saw the events of one call, turn after turn, as epoch milliseconds. */
export interface WireTimes {
  readonly starts: number[];
  /** The first words of each turn that cut an agent. */
  readonly words: { readonly at: number }[];
  readonly ends: { readonly at: number; readonly lastSpeechAt: number }[];
  readonly answers: {
    readonly askedAt: number;
    readonly chunks: readonly { readonly at: number; readonly text: string }[];
  }[];
  /** The speech of the first sentence of each answer. */
  readonly speeches: { readonly askedAt: number; readonly firstByteAt: number }[];
}

/** Marks what belongs to a call: the caller says it, the model repeats it, the voice speaks it. */
export const markOf = (connection: number): string => `call${connection}`;
const mark = /call(\d+)/;

/** Returns times by the number of the recogniser's connection: each call has one. */
export function wireTimes(
  deepgram: DeepgramEmulator,
  model: Emulator,
  elevenlabs: ElevenlabsEmulator,
): ReadonlyMap<number, WireTimes> {
  const calls = new Map<number, WireTimes>();
  const of = (connection: number): WireTimes => {
    const known = calls.get(connection) ?? { starts: [], words: [], ends: [], answers: [], speeches: [] };
    calls.set(connection, known);
    return known;
  };
  for (const { at, connection, message, lastSpeechAt } of deepgram.log.of("sent")) {
    const { event, transcript } = message as { readonly event?: string; readonly transcript?: string };
    if (event === "StartOfTurn") of(connection as number).starts.push(at);
    const { starts, words } = of(connection as number);
    if (words.length < starts.length && cuts(transcript ?? "")) words.push({ at });
    if (event === "EndOfTurn")
      of(connection as number).ends.push({ at, lastSpeechAt: lastSpeechAt as number });
  }
  const chunks = Map.groupBy(model.log.of("token"), ({ request }) => request);
  for (const { at, request, body } of model.log.of("request")) {
    const { contents, messages } = body as Readonly<
      Record<"contents" | "messages", readonly unknown[] | undefined>
    >;
    const connection = marked((contents ?? messages)?.at(-1));
    const written = chunks.get(request)?.map((chunk) => ({ at: chunk.at, text: String(chunk.text) })) ?? [];
    if (connection !== null) of(connection).answers.push({ askedAt: at, chunks: written });
  }
  const firstBytes = new Map(elevenlabs.log.of("first_byte").map(({ at, request }) => [request, at]));
  for (const { at, request, body, speech } of elevenlabs.log.of("request")) {
    const connection = speech === true ? marked((body as { readonly text?: string }).text) : null;
    const firstByteAt = firstBytes.get(request);
    if (connection !== null && firstByteAt !== undefined)
      of(connection).speeches.push({ askedAt: at, firstByteAt });
  }
  return calls;
}

function marked(what: unknown): number | null {
  const found = mark.exec(JSON.stringify(what) ?? "")?.[1];
  return found === undefined ? null : Number(found);
}
