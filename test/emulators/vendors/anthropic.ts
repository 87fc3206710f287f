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

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly tool_use_id?: string;
  readonly text?: string;
  readonly input?: unknown;
  readonly signature?: string;
}

interface WireMessage {
  readonly role: string;
  readonly content: readonly Block[];
}

const reasons = {
  stop: "end_turn",
  length: "max_tokens",
  filter: "refusal",
  odd: "a_reason_of_tomorrow",
} as const;

/** `POST /messages` of Anthropic (docs.anthropic.com/en/api/messages-streaming). */
export const anthropic: Dialect = {
  path: "/messages",
  problem: ({ body, given }) => {
    const messages = body.messages as readonly WireMessage[];
    if (messages[0]?.role !== "user") return 'messages: first message must use the "user" role';
    const tools = (body.tools ?? []) as readonly { readonly name: string }[];
    const badName = tools.find(({ name }) => !/^[a-zA-Z0-9_-]{1,128}$/.test(name));
    if (badName !== undefined) return `tools: name ${badName.name} does not match the pattern`;
    for (const [index, { role, content }] of messages.entries()) {
      if (content.length === 0) return `messages.${index}: all messages must have non-empty content`;
      if (content.some(({ type, text }) => type === "text" && text?.trim() === "")) {
        return `messages.${index}: text content blocks must contain non-whitespace text`;
      }
      const unsigned = content.find(
        ({ type, signature }) => type === "thinking" && !given.has(signature ?? ""),
      );
      if (unsigned !== undefined) return `messages.${index}: Invalid \`signature\` in \`thinking\` block`;
      const calls = role === "assistant" ? content.filter(({ type }) => type === "tool_use") : [];
      if (calls.some(({ input }) => typeof input !== "object" || input === null || Array.isArray(input))) {
        return `messages.${index}: tool_use.input: Input should be a valid dictionary`;
      }
      const results = (messages[index + 1]?.content ?? []).filter(({ type }) => type === "tool_result");
      const open = calls.find(({ id }) => !results.some(({ tool_use_id: of }) => of === id));
      if (open !== undefined) return `\`tool_use\` ids were found without \`tool_result\` blocks: ${open.id}`;
      const own = messages[index - 1]?.content ?? [];
      const stray = content.find(
        ({ type, tool_use_id: of }) => type === "tool_result" && !own.some(({ id }) => id === of),
      );
      if (stray !== undefined)
        return `unexpected \`tool_use_id\` found in \`tool_result\`: ${stray.tool_use_id}`;
    }
    const thinks = (body.thinking as { readonly type?: string } | undefined)?.type === "enabled";
    const last = messages.findLast(({ role }) => role === "assistant")?.content ?? [];
    if (thinks && last.some(({ type }) => type === "tool_use") && !/thinking$/.test(last[0]?.type ?? "")) {
      return "When `thinking` is enabled, a final `assistant` message must start with a thinking block";
    }
    return null;
  },
  events: messageEvents,
  error: (_status, code, message) => ({ type: "error", error: { type: code, message }, request_id: "req_1" }),
  streamedError: (code, message) => ({
    event: "error",
    data: { type: "error", error: { type: code, message } },
  }),
};

function messageEvents(steps: readonly VendorStep[], setting: AnswerSetting): WireEvent[] {
  const { finish, usage } = endOf(steps);
  const events: WireEvent[] = [];
  const add = (type: string, more: object = {}) => {
    events.push({ event: type, data: { type, ...more } });
  };
  let index = -1;
  const block = (content: object, deltas: readonly object[]) => {
    index += 1;
    add("content_block_start", { index, content_block: content });
    for (const delta of deltas) add("content_block_delta", { index, delta });
    add("content_block_stop", { index });
  };
  const message = {
    id: newId("msg_", setting),
    type: "message",
    role: "assistant",
    model: String(setting.body.model),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: usage.input, output_tokens: 1 },
  };
  let called = false;
  add("message_start", { message });
  add("ping");
  for (const step of steps) {
    if ("text" in step) {
      block(
        { type: "text", text: "" },
        pieces(step.text).map((text) => ({ type: "text_delta", text })),
      );
    }
    if ("reasoning" in step) {
      block({ type: "thinking", thinking: "", signature: "" }, [
        ...pieces(step.reasoning).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: newId("signature", setting) },
      ]);
    }
    if ("calls" in step) {
      called = true;
      for (const call of step.calls) {
        block(
          { type: "tool_use", id: newId("toolu_", setting), name: call.name, input: {} },
          pieces(argumentsText(call)).map((json) => ({ type: "input_json_delta", partial_json: json })),
        );
      }
    }
  }
  if (finish === null) return events;
  const reason = finish === "stop" && called ? "tool_use" : reasons[finish];
  add("message_delta", {
    delta: { stop_reason: reason, stop_sequence: null },
    usage: { output_tokens: usage.output },
  });
  add("message_stop");
  return events;
}
