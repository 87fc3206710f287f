import type { LlmRequest } from "../../agent/llm.ts";
import type { ToolCall, ToolResult } from "../../agent/model/message.ts";
import type { FunctionDeclaration } from "../../agent/tools/functions.ts";
import { weatherSentence } from "./weather/weather.ts";

/** The decision of the rules about a request: tools to call, or text to say. */
export interface Decision {
  readonly calls: readonly ToolCall[];
  readonly text: string;
}

const greeting =
  "Hello! I am the built-in agent of Greenroom, with rules in place of a language model. " +
  'Ask me "What is the weather in Paris and Rome?" or "What time is it?"';

/** The text that replaces speech of which only the length is known. */
const wordless = /^\(spoke for ([\d.]+) seconds; there is no speech recognition\)$/;

export function decide({ messages, functions, toolChoice }: LlmRequest): Decision {
  const last = messages.at(-1);
  switch (last?.role) {
    case "tools":
      return say(last.results.map(phrase).join(" "));
    case "participant":
    case "instruction": {
      const calls = toolChoice === "auto" ? callsFor(last.text, functions, messages.length) : [];
      return calls.length > 0 ? { calls, text: "" } : say(answer(last.text, last.role));
    }
    default:
      return say(greeting);
  }
}

function say(text: string): Decision {
  return { calls: [], text };
}

function callsFor(text: string, functions: readonly FunctionDeclaration[], seed: number): ToolCall[] {
  const named = (name: string) => functions.find((declaration) => declaration.name === name);
  const id = (index: number) => `call_${seed}_${index}`;
  const weather = named("get_weather");
  if (weather !== undefined && /\bweather\b/i.test(text)) {
    const parameter = Object.keys(weather.parameters.properties ?? {})[0] ?? "location";
    return placesIn(text).map((place, index) => ({
      id: id(index),
      name: weather.name,
      arguments: { [parameter]: place },
    }));
  }
  const time = named("get_time");
  if (time !== undefined && /\btime\b/i.test(text)) return [{ id: id(0), name: time.name, arguments: {} }];
  return [];
}

/** Returns the places in a question, such as Paris and Rome in "weather in Paris and Rome tomorrow?". */
function placesIn(text: string): string[] {
  const named = /\bweather\b.*?\b(?:in|at|for|of)\s+(.+)/is.exec(text)?.[1];
  if (named === undefined) return [];
  return named
    .split(/[?!.;\n]/, 1)[0]!
    .split(/,|\band\b|&/i)
    .map((place) =>
      place.replace(/^\s*(?:in|at|for)\b|\b(?:right now|now|today|tomorrow|please)\b/gi, "").trim(),
    )
    .filter((place) => place !== "")
    .reduce<string[]>(withRegion, [])
    .slice(0, 8);
}

/** Joins a region in capitals with the place before it, as in "Boulder, CO". */
function withRegion(places: readonly string[], part: string): string[] {
  const previous = places.at(-1);
  return previous !== undefined && /^(?:[A-Z]{2}|USA|U\.S\.A?|U\.K\.|UAE)$/.test(part)
    ? [...places.slice(0, -1), `${previous}, ${part}`]
    : [...places, part];
}

function phrase({ name, ok, output, format }: ToolResult): string {
  if (!ok) return `I could not use ${name}: ${output}`;
  const value: unknown = format === "json" ? JSON.parse(output) : output;
  if (name === "get_weather") return weatherSentence(value) ?? `${name} says: ${output}`;
  if (name === "get_time" && typeof value === "string") return `It is ${value}.`;
  return `${name} says: ${output}`;
}

function answer(text: string, role: "participant" | "instruction"): string {
  const seconds = wordless.exec(text)?.[1];
  if (seconds !== undefined) {
    return (
      `I heard you speak for ${seconds} seconds, but I cannot tell words without speech to text. ` +
      "Please type your message, or set a key for Deepgram."
    );
  }
  if (/\bweather\b/i.test(text)) return 'Tell me where, for example: "What is the weather in Lisbon?"';
  if (/\b(hi|hello|hey|greet|welcome|introduce)\b/i.test(text)) return greeting;
  if (/\b(interesting|fact|story)\b/i.test(text)) {
    return "Here is something interesting: a day on Venus is longer than its year.";
  }
  if (/\b(thanks|thank you)\b/i.test(text)) return "You are welcome!";
  if (/\b(bye|goodbye)\b/i.test(text)) return "Goodbye!";
  if (role === "instruction") return "I only know a few rules, so I cannot follow that, but I am listening.";
  return `You said: "${text.trim()}". Ask me about the weather somewhere, or for the time.`;
}
