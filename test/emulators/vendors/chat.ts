import {
  type AnswerSetting,
  argumentsText,
  type Dialect,
  endOf,
  newId,
  pieces,
  type VendorStep,
  type WireEvent,
} from "./script.ts";

interface ChatMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
  readonly tool_call_id?: string;
}

const reasons = {
  stop: "stop",
  length: "length",
  filter: "content_filter",
  odd: "a_reason_of_tomorrow",
} as const;

/** `POST /chat/completions` of OpenAI (platform.openai.com/docs/api-reference/chat). */
export const openaiChat: Dialect = {
  path: "/chat/completions",
  problem: ({ body }) => historyProblem(body.messages as readonly ChatMessage[]),
  events: (steps, setting) =>
    chatEvents(steps, setting, { idPrefix: "call_", cutsArguments: true, usageInEnd: false }),
  error: (_status, code, message) => ({ error: { message, type: "api_error", param: null, code } }),
  streamedError: (code, message) => ({ data: { error: { message, type: code, param: null, code } } }),
};

/** The same of Mistral (docs.mistral.ai/api), which is strict about the order of messages and about ids. */
export const mistralChat: Dialect = {
  path: "/chat/completions",
  problem: ({ body }) => {
    const messages = body.messages as readonly ChatMessage[];
    for (const [index, { role }] of messages.entries()) {
      const before = messages[index - 1]?.role;
      if (role === "user" && before === "tool") return "Unexpected role 'user' after role 'tool'";
      if (role === "system" && index > 0) return "Unexpected role 'system'";
    }
    const ids = messages.flatMap(({ tool_calls: calls = [] }) => calls.map(({ id }) => id));
    const wrong = ids.find((id) => !/^[a-zA-Z0-9]{9}$/.test(id));
    if (wrong !== undefined) {
      return `Tool call id was ${wrong} but must be a-z, A-Z, 0-9, with a length of 9.`;
    }
    return historyProblem(messages);
  },
  events: (steps, setting) =>
    chatEvents(steps, setting, { idPrefix: "m", cutsArguments: false, usageInEnd: true }),
  error: (_status, code, message) => ({ object: "error", message, type: code, param: null, code }),
  streamedError: (code, message) => ({ data: { object: "error", message, type: code, param: null, code } }),
};

/** Every call has its result right behind it, every result its call, and arguments are JSON objects. */
function historyProblem(messages: readonly ChatMessage[]): string | null {
  let open = new Set<string>();
  for (const { role, content, tool_calls: calls = [], tool_call_id: id } of messages) {
    if (role === "tool") {
      if (!open.delete(String(id)))
        return "messages with role 'tool' must be a response to a preceding 'tool_calls'";
      continue;
    }
    if (open.size > 0) return "An assistant message with 'tool_calls' must be followed by tool messages";
    if (role === "user" && (content === "" || (Array.isArray(content) && content.length === 0)))
      return "empty content";
    for (const call of calls) {
      if (!/^\s*\{/.test(call.function.arguments)) return "arguments must be a JSON object";
    }
    open = new Set(calls.map((call) => call.id));
  }
  return open.size > 0 ? "An assistant message with 'tool_calls' must be followed by tool messages" : null;
}

function chatEvents(
  steps: readonly VendorStep[],
  setting: AnswerSetting,
  form: { readonly idPrefix: string; readonly cutsArguments: boolean; readonly usageInEnd: boolean },
): WireEvent[] {
  const { finish, usage } = endOf(steps);
  const base = {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: String(setting.body.model),
  };
  const chunk = (delta: object, reason: string | null = null, more: object = {}): WireEvent => ({
    data: { ...base, choices: [{ index: 0, delta, finish_reason: reason }], ...more },
  });
  const counts = {
    usage: {
      prompt_tokens: usage.input,
      completion_tokens: usage.output,
      total_tokens: usage.input + usage.output,
    },
  };
  let called = false;
  const events = [chunk({ role: "assistant", content: "" })];
  for (const step of steps) {
    if ("text" in step) events.push(...pieces(step.text).map((content) => chunk({ content })));
    if ("reasoning" in step && form.usageInEnd) {
      const thinking = [{ type: "text", text: step.reasoning }];
      events.push(chunk({ content: [{ type: "thinking", thinking }] }));
    }
    if ("calls" in step) {
      called = true;
      for (const [index, call] of step.calls.entries()) {
        const id = newId(form.idPrefix, setting);
        const text = argumentsText(call);
        const whole = { index, id, type: "function", function: { name: call.name, arguments: text } };
        if (!form.cutsArguments) events.push(chunk({ tool_calls: [whole] }));
        else {
          events.push(chunk({ tool_calls: [{ ...whole, function: { name: call.name, arguments: "" } }] }));
          for (const part of pieces(text))
            events.push(chunk({ tool_calls: [{ index, function: { arguments: part } }] }));
        }
      }
    }
  }
  if (finish === null) return events;
  const reason = finish === "stop" && called ? "tool_calls" : reasons[finish];
  events.push(chunk({}, reason, form.usageInEnd ? counts : {}));
  if (!form.usageInEnd) events.push({ data: { ...base, choices: [], ...counts } });
  return [...events, { data: "[DONE]" }];
}
