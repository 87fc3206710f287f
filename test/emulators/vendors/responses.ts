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

interface InputItem {
  readonly type?: string;
  readonly role?: string;
  readonly id?: string;
  readonly call_id?: string;
  readonly arguments?: string;
  readonly content?: unknown;
}

/** `POST /responses` of OpenAI (platform.openai.com/docs/api-reference/responses-streaming). It stores what it has answered. */
export const openaiResponses: Dialect = {
  path: "/responses",
  problem: ({ body, given }) => {
    const input = body.input as readonly InputItem[];
    const calls = new Set<string>();
    const results = new Set<string>();
    for (const [index, item] of input.entries()) {
      const { type, id, call_id: call = "" } = item;
      if (type === "item_reference") {
        if (!given.has(id ?? "")) return `Item with id '${id}' not found.`;
        if (id?.startsWith("fc_")) calls.add(id);
        const next = input[index + 1];
        const isFollowed = next?.type === "item_reference" || next?.type === "function_call";
        if (id?.startsWith("rs_") && !isFollowed) {
          return `Item '${id}' of type 'reasoning' was provided without its required following item.`;
        }
      }
      if (type === "function_call") {
        if (!/^\s*\{/.test(item.arguments ?? "")) return "arguments must be a JSON object";
        calls.add(call);
      }
      if (type === "function_call_output") {
        // A call that is referred to by its item is known to the server by that item.
        const known = calls.has(call) || [...calls].some((one) => one.startsWith("fc_"));
        if (!known || !/^call_|^[a-zA-Z0-9]{9}$/.test(call)) {
          return `No tool call found for function call output with call_id ${call}.`;
        }
        results.add(call);
      }
    }
    const open = [...calls].find((call) => !call.startsWith("fc_") && !results.has(call));
    return open === undefined ? null : `No tool output found for function call ${open}.`;
  },
  events: responseEvents,
  error: (_status, code, message) => ({
    error: { message, type: "invalid_request_error", param: null, code },
  }),
  streamedError: (code, message) => ({
    event: "error",
    data: { type: "error", sequence_number: 99, code, message, param: null },
  }),
};

function responseEvents(steps: readonly VendorStep[], setting: AnswerSetting): WireEvent[] {
  const { finish, usage } = endOf(steps);
  const events: WireEvent[] = [];
  let sequence = 0;
  let output = -1;
  const add = (type: string, more: object) => {
    events.push({ event: type, data: { type, sequence_number: sequence++, ...more } });
  };
  const response = {
    id: newId("resp_", setting),
    object: "response",
    created_at: 1_700_000_000,
    model: String(setting.body.model),
    service_tier: "default",
  };
  const item = (type: string, fields: object, done: object, between: () => void) => {
    output += 1;
    add("response.output_item.added", { output_index: output, item: { type, ...fields } });
    between();
    add("response.output_item.done", { output_index: output, item: { type, ...fields, ...done } });
  };
  add("response.created", { response });
  add("response.in_progress", { response });
  for (const step of steps) {
    if ("text" in step) {
      const id = newId("msg_", setting);
      const place = { item_id: id, content_index: 0 };
      const part = { type: "output_text", text: step.text, annotations: [], logprobs: [] };
      item(
        "message",
        { id, status: "in_progress", role: "assistant", content: [] },
        { content: [part] },
        () => {
          add("response.content_part.added", { ...place, output_index: output, part: { ...part, text: "" } });
          for (const delta of pieces(step.text)) {
            add("response.output_text.delta", { ...place, output_index: output, delta, logprobs: [] });
          }
          add("response.output_text.done", { ...place, output_index: output, text: step.text, logprobs: [] });
        },
      );
    }
    if ("reasoning" in step) {
      const id = newId("rs_", setting);
      const place = { item_id: id, summary_index: 0 };
      const part = { type: "summary_text", text: step.reasoning };
      item("reasoning", { id, summary: [] }, { summary: [part] }, () => {
        add("response.reasoning_summary_part.added", {
          ...place,
          output_index: output,
          part: { ...part, text: "" },
        });
        for (const delta of pieces(step.reasoning)) {
          add("response.reasoning_summary_text.delta", { ...place, output_index: output, delta });
        }
        add("response.reasoning_summary_part.done", { ...place, output_index: output, part });
      });
    }
    if ("searched" in step) {
      const id = newId("ws_", setting);
      const action = { type: "search", query: step.searched };
      item(
        "web_search_call",
        { id, status: "in_progress" },
        { status: "completed", action },
        () => undefined,
      );
    }
    if ("calls" in step) {
      for (const call of step.calls) {
        const id = newId("fc_", setting);
        const fields = {
          id,
          call_id: newId("call_", setting),
          name: call.name,
          arguments: "",
          status: "in_progress",
        };
        const text = argumentsText(call);
        item("function_call", fields, { arguments: text, status: "completed" }, () => {
          for (const delta of pieces(text)) {
            add("response.function_call_arguments.delta", { item_id: id, output_index: output, delta });
          }
          add("response.function_call_arguments.done", {
            item_id: id,
            output_index: output,
            arguments: text,
          });
        });
      }
    }
  }
  if (finish === null) return events;
  const counts = {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  };
  const reason = { stop: null, length: "max_output_tokens", filter: "content_filter", odd: "tomorrow" }[
    finish
  ];
  const type = reason === null ? "response.completed" : "response.incomplete";
  add(type, {
    response: { ...response, usage: counts, incomplete_details: reason === null ? null : { reason } },
  });
  return events;
}
