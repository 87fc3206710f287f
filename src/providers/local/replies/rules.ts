import type { LlmRequest } from "../../../agent/llm.ts";
import type { Message, ToolCall, ToolResult } from "../../../agent/model/message.ts";
import type { FunctionDeclaration } from "../../../agent/tools/functions.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { resultText } from "./result-text.ts";
import { greeting, smallTalk } from "./small-talk.ts";
import { chooseTool, nameInWords } from "./tool-choice.ts";
import { asksForWeather, nearPlace, placesIn, repaired } from "./weather-places.ts";

/** The decision of the rules about a request: tools to call, or words to say. */
export interface Decision {
  readonly calls: readonly ToolCall[];
  readonly text: string;
}

/** The text that stands for speech of which only the length is known. */
const wordless = /^\(spoke for ([\d.]+) seconds; there is no speech recognition\)$/;
/** The tools that the built-in agent has, which are asked for in more ways than by their descriptions. */
const ownTools = { weather: "get_weather", time: "get_time" };

export function decide(request: LlmRequest): Decision {
  const { messages, functions, toolChoice } = request;
  const last = messages.at(-1);
  const free = toolChoice === "auto";
  switch (last?.role) {
    case "tools":
      return afterTools(last.results, free ? messages : []);
    case "participant":
    case "instruction":
      return afterWords(last, request, free ? functions : []);
    default:
      return say(greeting);
  }
}

const say = (text: string): Decision => ({ calls: [], text });

function calling(name: string, all: readonly JsonObject[], seed: number): Decision {
  return {
    calls: all.map((one, index) => ({ id: `call_${seed}_${index}`, name, arguments: one })),
    text: "",
  };
}

function afterWords(
  { role, text: said }: Extract<Message, { role: "participant" | "instruction" }>,
  { messages, functions: all }: LlmRequest,
  functions: readonly FunctionDeclaration[],
): Decision {
  const seconds = wordless.exec(said)?.[1];
  if (seconds !== undefined) {
    return say(
      `I heard you speak for ${seconds} seconds, but I cannot tell words without speech to text. ` +
        "Please type your message, or set a key for Deepgram.",
    );
  }
  const text = repaired(said);
  const seed = messages.length;
  const weather = functions.find(({ name }) => name === ownTools.weather);
  if (weather !== undefined && asksForWeather(text)) {
    const places = placesIn(text);
    const parameter = parameterOf(weather);
    if (places.length > 0)
      return calling(
        weather.name,
        places.map((place) => ({ [parameter]: place })),
        seed,
      );
  }
  const time = functions.some(({ name }) => name === ownTools.time);
  if (time && /\btime\b(?! to\b)/i.test(text)) return calling(ownTools.time, [{}], seed);
  const others = functions.filter(({ name }) => !Object.values(ownTools).includes(name));
  const tool = role === "participant" ? chooseTool(text, others) : null;
  if (tool !== null) {
    const [missing] = tool.missing;
    if (missing === undefined) return calling(tool.name, [tool.arguments], seed);
    return say(`For that I need to know this: ${nameInWords(missing)}. Please ask again, and name it.`);
  }
  const names = all.map(({ name }) => name).filter((name) => !Object.values(ownTools).includes(name));
  const reply = smallTalk(text, { tools: names.map(nameInWords), saidBefore: saidBefore(messages) });
  if (reply !== null) return say(reply);
  if (role === "instruction")
    return say("I only know a few rules, so I cannot follow that, but I am listening.");
  return say(`You said: "${said.trim()}". Ask me about the weather somewhere, or for the time.`);
}

/** Says the results. A place that nobody knows, and that sounds like one of the table, is asked for again under that name, once. */
function afterTools(results: readonly ToolResult[], messages: readonly Message[]): Decision {
  const calls = lastCalls(messages);
  const again = results.flatMap((result): ToolCall[] => {
    const call = calls.find(({ id }) => id === result.callId);
    const [name, place] = Object.entries((call?.arguments ?? {}) as JsonObject)[0] ?? [];
    const near = typeof place === "string" && isUnknownPlace(result) ? nearPlace(place) : null;
    if (
      call === undefined ||
      name === undefined ||
      near === null ||
      near.toLowerCase() === String(place).toLowerCase()
    )
      return [];
    return [{ id: `${call.id}_near`, name: call.name, arguments: { [name]: near } }];
  });
  const repeated = new Set(again.map(({ id }) => id.replace(/_near$/, "")));
  const text = results.filter(({ callId }) => !repeated.has(callId)).map(resultText);
  return { calls: again, text: text.join(" ") };
}

function isUnknownPlace({ name, ok, output, format }: ToolResult): boolean {
  if (name !== ownTools.weather || !ok || format !== "json") return false;
  const weather: unknown = JSON.parse(output);
  return typeof weather === "object" && weather !== null && "found" in weather && weather.found === false;
}

function lastCalls(messages: readonly Message[]): readonly ToolCall[] {
  const before = messages.at(-2);
  return before?.role === "agent" ? before.toolCalls : [];
}

/** Returns what the agent said last. */
function saidBefore(messages: readonly Message[]): string | null {
  const said = messages.findLast((message) => message.role === "agent" && message.text.trim() !== "");
  return said?.role === "agent" ? said.text : null;
}

const parameterOf = ({ parameters }: FunctionDeclaration): string =>
  Object.keys((parameters.properties ?? {}) as object)[0] ?? "location";
