import {
  type CompatibleService,
  type CompatibleServiceName,
  compatibleServices,
  isServiceName,
} from "./compatible-services.ts";
import { fromEnvironment, type ProviderPart, type ProviderRow, providers } from "./provider-table.ts";

/** A part of the built-in agent that the environment chooses. */
export type ChosenPart = Exclude<ProviderPart, "tools" | "edge">;

/** The service of one part of the built-in agent, as a variable of the environment names it. */
export interface ServiceChoice {
  readonly provider: OwnProvider | "openai-compatible";
  /** The service behind `openai-compatible`, where it is one that is known by its name. */
  readonly service: CompatibleServiceName | null;
  readonly baseUrl: string | null;
  /** True for transcription over a WebSocket, in place of a request a turn; only of a choice for recognition. */
  readonly realtime: boolean;
  readonly model: string | null;
  /** The voice; only of a choice for speech. */
  readonly voice: string | null;
}

interface VariableRow {
  readonly name: string;
  readonly help: string;
  readonly example: string;
}

/** The variables by which the services of the built-in agent are chosen. */
export const choiceVariables = {
  llm: {
    name: "GREENROOM_LLM",
    help: "The model of the built-in agent: local, gemini#MODEL, SERVICE#MODEL or openai-compatible:ADDRESS#MODEL",
    example: "groq#llama-3.3-70b-versatile",
  },
  stt: {
    name: "GREENROOM_STT",
    help: "What recognises speech for it: local, deepgram#MODEL, cartesia#MODEL, openai-realtime#MODEL, SERVICE#MODEL or openai-compatible:ADDRESS#MODEL",
    example: "groq#whisper-large-v3-turbo",
  },
  tts: {
    name: "GREENROOM_TTS",
    help: "What speaks for it, with the voice at the end: local, elevenlabs#MODEL@VOICE, cartesia#MODEL@VOICE, SERVICE#MODEL@VOICE and so on",
    example: "openai#gpt-4o-mini-tts@coral",
  },
} as const satisfies Record<ChosenPart, VariableRow>;

/** The providers that know a model of their own. */
const ownProviders = ["local", "gemini", "deepgram", "elevenlabs", "cartesia"] as const;
type OwnProvider = (typeof ownProviders)[number];

/** The name of OpenAI's realtime transcription, which needs no address, and may have another one. */
const realtimeName = "openai-realtime";

const form = /^(?<name>[\w.-]+)(?::(?<address>[^#\s]+))?(?:#(?<model>[\x21-\x7e]+))?$/;

/**
 * Reads a choice: `NAME`, `NAME#MODEL` or `NAME:ADDRESS#MODEL`, for speech with `@VOICE` at the end. Throws an `Error` whose message
 * follows the name of the variable.
 */
export function readServiceChoice(part: ChosenPart, text: string): ServiceChoice {
  const { name = "", address, model: given } = form.exec(text.trim())?.groups ?? {};
  const names = namesFor(part);
  if (!names.includes(name)) {
    throw new Error(`must begin with one of ${names.join(", ")}, such as ${choiceVariables[part].example}`);
  }
  const at = part === "tts" && given !== undefined ? given.lastIndexOf("@") : -1;
  const model = (at < 0 ? given : given?.slice(0, at)) || null;
  const voice = at < 0 ? null : given?.slice(at + 1) || null;
  const realtime = name === realtimeName;
  const choice = { baseUrl: address ?? null, realtime, model, voice };
  const isOwn = ownProviders.find((one) => one === name);
  if (isOwn !== undefined) {
    if (address !== undefined) throw new Error(`takes no address for ${name}`);
    if (name === "local" && given !== undefined) throw new Error("takes no model for local");
    return { ...choice, provider: isOwn, service: null };
  }
  const service = realtime ? "openai" : isServiceName(name) ? name : null;
  const row: CompatibleService | null = service === null ? null : compatibleServices[service];
  if (model === null) {
    const where = address ?? ((row?.baseUrl ?? null) === null ? "https://…" : null);
    throw new Error(`must name a model after #, such as ${name}${where === null ? "" : `:${where}`}#MODEL`);
  }
  if (address === undefined && (row?.baseUrl ?? null) === null) {
    throw new Error(`must have the address of the service: ${name}:https://…#${model}`);
  }
  if (address !== undefined && !isAddress(address)) {
    throw new Error(`must have an http or https address without a query after ${name}:`);
  }
  return { ...choice, provider: "openai-compatible", service };
}

/**
 * Returns what the environment chooses for a part; null where it chooses nothing. Throws an `Error` with a message of one line where
 * that cannot be.
 */
export function serviceChoice(part: ChosenPart): ServiceChoice | null {
  const variable = choiceVariables[part];
  const text = fromEnvironment(variable);
  if (text === undefined) return null;
  try {
    return readServiceChoice(part, text);
  } catch (error) {
    throw new Error(`${variable.name} ${(error as Error).message}, not ${JSON.stringify(text)}`);
  }
}

/** Returns the names with which a choice for a part may begin. A provider whose model the agent's code makes is none of them. */
function namesFor(part: ChosenPart): string[] {
  const known = [...ownProviders, "openai-compatible"] as const;
  const parts: readonly (readonly [string, ProviderRow | CompatibleService])[] = [
    ...known.map((name) => [name, providers[name]] as const),
    ...Object.entries(compatibleServices),
  ];
  const names = parts
    .filter(([, row]) => (row.parts as readonly string[]).includes(part))
    .map(([name]) => name);
  return part === "stt" ? [...names, realtimeName] : names;
}

function isAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:\/\/[^/?#]+[^?#]*$/.test(address);
}
