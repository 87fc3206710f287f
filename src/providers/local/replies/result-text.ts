import type { ToolResult } from "../../../agent/model/message.ts";
import { unknownOutcome } from "../../../agent/resume/words.ts";
import { roleHandedTo } from "../../../agent/role/handoff-words.ts";
import { isTaskKept } from "../../../agent/tools/task-words.ts";
import { weatherSentence } from "../weather/weather.ts";
import { nameInWords } from "./tool-choice.ts";

/** The most fields of a result that are told. */
const mostFields = 6;

/** Returns the result of a tool as it is said. */
export function resultText({ name, ok, output, format }: ToolResult): string {
  if (output === unknownOutcome) return "I was cut off while I looked that up. Shall I try it again?";
  const role = roleHandedTo(output);
  if (role === null) return "You speak with me again. How can I help?";
  if (role !== undefined) return `You speak with ${nameInWords(role)} now. How can I help?`;
  if (isTaskKept(output)) return "I am on it, and tell you when it is done.";
  if (!ok) return `I could not use ${name}: ${output}`;
  const value: unknown = format === "json" ? JSON.parse(output) : output;
  if (name === "get_weather") return weatherSentence(value) ?? sentence(inWords(value));
  if (name === "get_time") {
    if (typeof value === "string") return `It is ${value}.`;
    const { found, location } = (value ?? {}) as { readonly found?: unknown; readonly location?: unknown };
    if (found === false) return `I do not know the time in ${location}.`;
  }
  return sentence(inWords(value));
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

function inWords(value: unknown): string {
  if (Array.isArray(value))
    return value.length === 0 ? "nothing" : value.slice(0, mostFields).map(inWords).join("; ");
  if (typeof value !== "object" || value === null) return value === null ? "nothing" : String(value);
  return Object.entries(value)
    .slice(0, mostFields)
    .map(([name, field]) => `${nameInWords(name)}: ${inWords(field)}`)
    .join(", ");
}
