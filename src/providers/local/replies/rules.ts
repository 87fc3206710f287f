import type { LlmRequest } from "../../../agent/llm.ts";
import type { Message, ToolCall, ToolResult } from "../../../agent/model/message.ts";
import { goOn } from "../../../agent/resume/words.ts";
import type { FunctionDeclaration } from "../../../agent/tools/functions.ts";
import { taskEndIn, taskTools } from "../../../agent/tools/task-words.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { barePlaces, furtherPlaces, nearPlace, repaired, timePlaces, weatherPlaces } from "./places.ts";
import { resultText } from "./result-text.ts";
import { askWhere, greeting, smallTalk, type TalkContext } from "./small-talk.ts";
import { chooseTool, nameInWords } from "./tool-choice.ts";

/** The decision of the rules about a request: tools to call, or words to say. */
export interface Decision {
  readonly calls: readonly ToolCall[];
  readonly text: string;
}

/** The text that stands for speech of which only the length is known. */
const wordless = /^\(spoke for ([\d.]+) seconds; there is no speech recognition\)$/;
/** The tools that the built-in agent has, which are asked for in more ways than by their descriptions. */
const ownTools = { weather: "get_weather", time: "get_time" } as const;

/** The places for which each of them is asked; null where a question is not for it. */
const topics: Readonly<Record<string, (text: string, isGoingOn: boolean) => string[] | null>> = {
  [ownTools.weather]: (text, isGoingOn) => weatherPlaces(text) ?? (isGoingOn ? furtherPlaces(text) : null),
  [ownTools.time]: (text, isGoingOn) => timePlaces(text) ?? (isGoingOn ? furtherPlaces(text) : null),
};

export function decide(request: LlmRequest): Decision {
  const { messages, functions, toolChoice } = request;
  const last = messages.at(-1);
  const free = toolChoice === "auto";
  switch (last?.role) {
    case "tools":
      return afterTools(last.results, free ? messages : []);
    case "instruction":
      if (last.text === goOn) return restOfAnswer(request);
      return afterWords(last, request, free ? functions : []);
    case "participant":
      return afterWords(last, request, free ? functions : []);
    default:
      return say(greeting(abilities(functions)));
  }
}

/** Gives the answer that was cut once more, without the words of it that were heard. */
function restOfAnswer(request: LlmRequest): Decision {
  const messages = request.messages.slice(0, -1);
  const place = messages.findLastIndex(({ role }) => role === "agent");
  const cut = messages[place];
  if (cut?.role !== "agent") return decide({ ...request, messages });
  const { calls, text } = decide({ ...request, messages: messages.slice(0, place) });
  const heard = cut.text.trim();
  return { calls, text: text.startsWith(heard) ? text.slice(heard.length).trim() : text };
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
  const ended = role === "instruction" ? taskEndIn(said) : null;
  if (ended !== null) return say(taskText(ended));
  const seconds = wordless.exec(said)?.[1];
  if (seconds !== undefined) {
    return say(
      `I heard you speak for ${seconds} seconds, but I cannot tell words without speech to text. ` +
        "Please type your message, or set a key for Deepgram.",
    );
  }
  const text = repaired(said);
  const seed = messages.length;
  for (const [name, placesOf] of Object.entries(topics)) {
    const tool = functions.find((one) => one.name === name);
    const places = placesOf(text, topicOf(messages) === name);
    if (tool === undefined || places === null) continue;
    if (places.length > 0) return calling(name, byPlace(tool, places), seed);
    if (name === ownTools.time) return calling(name, [{}], seed);
  }
  const others = functions.filter(({ name }) => !Object.hasOwn(topics, name));
  const tool = role === "participant" ? chooseTool(text, others) : null;
  if (tool !== null) {
    const [missing] = tool.missing;
    if (missing === undefined) return calling(tool.name, [tool.arguments], seed);
    return say(`For that I need to know this: ${nameInWords(missing)}. Please ask again, and name it.`);
  }
  const reply = smallTalk(text, {
    ...abilities(all),
    saidBefore: saidBefore(messages),
    asked: messages.flatMap((message) => (message.role === "participant" ? [message.text] : [])),
  });
  if (reply !== null) return say(reply);
  const weather = functions.find(({ name }) => name === ownTools.weather);
  const named = saidBefore(messages)?.startsWith(askWhere.slice(0, 13)) ? barePlaces(text) : null;
  if (weather !== undefined && named !== null) return calling(weather.name, byPlace(weather, named), seed);
  if (role === "instruction")
    return say("I only know a few rules, so I cannot follow that, but I am listening.");
  const { tools, knowsPlaces } = abilities(all);
  const can = tools.length > 0 ? ` I can do this: ${tools.join(", ")}.` : "";
  return say(
    `You said: "${said.trim()}".${knowsPlaces ? " Ask me about the weather somewhere, or for the time." : can}`,
  );
}

/** Returns what the functions of an agent let it be asked for. */
function abilities(functions: readonly FunctionDeclaration[]): Pick<TalkContext, "tools" | "knowsPlaces"> {
  const isTopic = ({ name }: FunctionDeclaration) => Object.hasOwn(topics, name);
  const isForTasks = ({ name }: FunctionDeclaration) => Object.values<string>(taskTools).includes(name);
  return {
    tools: functions.filter((one) => !isTopic(one) && !isForTasks(one)).map(({ name }) => nameInWords(name)),
    knowsPlaces: functions.some(isTopic),
  };
}

/** Says how a task has ended. */
function taskText({ name, ok, output }: Pick<ToolResult, "name" | "ok" | "output">): string {
  const format = isJson(output) ? "json" : "text";
  return `${ok ? "It is done. " : ""}${resultText({ callId: "", name, ok, output, format })}`;
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

/** Returns the arguments of a tool for each place; one call without any where it takes none. */
function byPlace({ parameters }: FunctionDeclaration, places: readonly string[]): JsonObject[] {
  const [parameter] = Object.keys((parameters.properties ?? {}) as object);
  return parameter === undefined ? [{}] : places.map((place) => ({ [parameter]: place }));
}

/** Returns the tool that was called last in the turn before. */
function topicOf(messages: readonly Message[]): string | null {
  const called = messages
    .slice(messages.findLastIndex(({ role }, index) => role === "participant" && index < messages.length - 1))
    .findLast((message) => message.role === "agent" && message.toolCalls.length > 0);
  return called?.role === "agent" ? (called.toolCalls.at(-1)?.name ?? null) : null;
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
  const texts = new Set(results.filter(({ callId }) => !repeated.has(callId)).map(resultText));
  return { calls: again, text: [...texts].join(" ") };
}

function isUnknownPlace({ name, ok, output, format }: ToolResult): boolean {
  if (!Object.hasOwn(topics, name) || !ok || format !== "json") return false;
  const report: unknown = JSON.parse(output);
  return typeof report === "object" && report !== null && "found" in report && report.found === false;
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
