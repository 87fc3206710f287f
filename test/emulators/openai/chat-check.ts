import type { Dialect } from "./dialects.ts";
import { Refusal } from "./refusal.ts";
import type { ChatMessage, ChatRequest } from "./script.ts";

/** The fields of a request that are known (platform.openai.com/docs/api-reference/chat/create). */
const fields = new Set(
  (
    "model messages stream stream_options temperature top_p n max_tokens max_completion_tokens tools tool_choice parallel_tool_calls " +
    "stop seed user presence_penalty frequency_penalty logit_bias logprobs top_logprobs response_format reasoning_effort verbosity " +
    "store metadata modalities prediction service_tier prompt_cache_key safety_identifier"
  ).split(" "),
);
const roles = ["system", "assistant", "user", "function", "tool", "developer"];
/** The models that reason take neither `max_tokens` nor a temperature. */
const reasons = /^(o\d|gpt-5)/;

const invalid = (message: string, param: string, code = "invalid_value") =>
  new Refusal(400, message, { code, param });

/** Throws the refusal with which a service answers a request that it does not take. */
export function checkChat(
  request: ChatRequest,
  dialect: Dialect,
  models: readonly string[],
  contextTokens: number,
): void {
  checkFields(request, dialect);
  const { model, messages } = request;
  if (typeof model !== "string" || model === "") throw new Refusal(400, "you must provide a model parameter");
  if (!models.includes(model)) {
    const message =
      dialect.errors === "ollama"
        ? `model "${model}" not found, try pulling it first`
        : `The model \`${model}\` does not exist or you do not have access to it.`;
    throw new Refusal(404, message, { code: "model_not_found" });
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    throw invalid(
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      "messages",
      "empty_array",
    );
  }
  messages.forEach((message: ChatMessage, index) => {
    checkMessage(message, index, dialect);
    checkOrder(messages, index, dialect);
  });
  checkTools(request);
  checkNumbers(request, model);
  const tokens = Math.ceil(JSON.stringify(messages).length / 4);
  if (tokens > contextTokens) {
    throw new Refusal(
      400,
      `This model's maximum context length is ${contextTokens} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`,
      { code: "context_length_exceeded", param: "messages" },
    );
  }
}

function checkFields(request: ChatRequest, { refuses, errors }: Dialect): void {
  for (const name of Object.keys(request)) {
    if (refuses.includes(name)) {
      const message =
        errors === "openai"
          ? `property '${name}' is unsupported`
          : `Extra inputs are not permitted: body -> ${name}`;
      throw new Refusal(errors === "mistral" ? 422 : 400, message, { param: name });
    }
    if (!fields.has(name)) throw new Refusal(400, `Unrecognized request argument supplied: ${name}`);
  }
}

function checkMessage(
  { role, content, tool_calls: calls, tool_call_id: id }: ChatMessage,
  index: number,
  dialect: Dialect,
): void {
  const at = `messages[${index}]`;
  if (role === undefined || !roles.includes(role)) {
    const supported = roles.map((one) => `'${one}'`).join(", ");
    throw invalid(`Invalid value: '${role}'. Supported values are: ${supported}.`, `${at}.role`);
  }
  const isText = typeof content === "string";
  const isParts = Array.isArray(content) && content.length > 0;
  if (!isText && !isParts && !(role === "assistant" && calls !== undefined)) {
    throw invalid(`Invalid value for 'content': expected a string, got ${content}.`, `${at}.content`);
  }
  if (isParts) {
    for (const [place, part] of content.entries()) checkPart(part, role, `${at}.content[${place}]`);
  }
  if (role === "assistant" && calls === undefined && content === "" && dialect.answersAfterTools) {
    throw invalid("Assistant message must have either content or tool_calls, but not none.", at);
  }
  if (role !== "tool" && id !== undefined)
    throw invalid(`Unknown parameter: '${at}.tool_call_id'.`, at, "unknown_parameter");
  if (calls === undefined) return;
  if (role !== "assistant" || !Array.isArray(calls))
    throw invalid(`Unknown parameter: '${at}.tool_calls'.`, at, "unknown_parameter");
  if (calls.length === 0) {
    throw invalid(
      `Invalid '${at}.tool_calls': empty array. Expected an array with minimum length 1.`,
      at,
      "empty_array",
    );
  }
  for (const call of calls) {
    const { name, arguments: args } = call.function ?? {};
    if (call.type !== "function" || typeof name !== "string")
      throw invalid(`Missing required parameter: '${at}.tool_calls[0].type'.`, at);
    if (typeof args !== "string")
      throw invalid(
        `Invalid type for '${at}.tool_calls[0].function.arguments': expected a string.`,
        at,
        "invalid_type",
      );
    if (!dialect.ids.test(call.id ?? "")) {
      const words = dialect.answersAfterTools
        ? `Tool call id was ${call.id} but must be a-z, A-Z, 0-9, with a length of 9.`
        : `Invalid '${at}.tool_calls[0].id': string too long. Expected a string with maximum length 40.`;
      throw invalid(words, at, "string_above_max_length");
    }
  }
}

function checkPart(part: Readonly<Record<string, unknown>>, role: string, at: string): void {
  if (part.type === "text" && typeof part.text === "string") return;
  const { url } = (part.image_url ?? {}) as { readonly url?: unknown };
  const isImage = part.type === "image_url" && typeof url === "string";
  if (!isImage || role !== "user") throw invalid(`Invalid value: '${part.type}'.`, at);
  const [, data = ""] = /^data:image\/(?:png|jpeg|gif|webp);base64,([A-Za-z0-9+/]+={0,2})$/.exec(url) ?? [];
  if (data === "" && !/^https:\/\//.test(url)) {
    throw invalid(
      "Invalid image data. Expected a base64-encoded data URL with an image MIME type.",
      at,
      "invalid_image",
    );
  }
}

/** Results follow their calls at once, each of them one. */
function checkOrder(messages: readonly ChatMessage[], index: number, dialect: Dialect): void {
  const message = messages[index]!;
  const before = messages[index - 1];
  if (message.role === "user" && before?.role === "tool" && dialect.answersAfterTools) {
    throw new Refusal(400, "Unexpected role 'user' after role 'tool'", {
      type: "invalid_request_message_order",
    });
  }
  if (message.role === "tool") {
    const asked = messages.slice(0, index).findLast(({ role }) => role !== "tool");
    if (!asked?.tool_calls?.some(({ id }) => id === message.tool_call_id)) {
      throw invalid(
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        `messages.[${index}].role`,
      );
    }
  }
  const behind = messages.slice(index + 1);
  const end = behind.findIndex(({ role }) => role !== "tool");
  const answered = (end < 0 ? behind : behind.slice(0, end)).map(({ tool_call_id: id }) => id);
  const open = message.tool_calls?.map(({ id }) => id).filter((id) => !answered.includes(id)) ?? [];
  if (open.length > 0) {
    throw invalid(
      `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(", ")}`,
      `messages.[${index}].role`,
    );
  }
}

function checkTools({ tools, tool_choice: choice }: ChatRequest): void {
  if (choice !== undefined && tools === undefined) {
    throw invalid(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      "tool_choice",
    );
  }
  if (choice !== undefined && typeof choice === "string" && !["none", "auto", "required"].includes(choice)) {
    throw invalid(`Invalid value: '${choice}'.`, "tool_choice");
  }
  if (tools === undefined) return;
  if (tools.length === 0) throw invalid("Invalid 'tools': empty array.", "tools", "empty_array");
  tools.forEach((tool, index) => {
    const at = `tools[${index}].function`;
    if (tool.type !== "function") throw invalid(`Missing required parameter: 'tools[${index}].type'.`, at);
    const { name = "", parameters } = tool.function ?? {};
    if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
      throw invalid(
        `Invalid '${at}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
        `${at}.name`,
      );
    }
    if ((parameters as { readonly type?: unknown } | undefined)?.type !== "object") {
      throw invalid(
        `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"'.`,
        at,
        "invalid_function_parameters",
      );
    }
  });
}

function checkNumbers(request: ChatRequest, model: string): void {
  const {
    max_tokens: most,
    max_completion_tokens: mostOfCompletion,
    temperature,
    stream,
    stream_options: options,
  } = request;
  if (most !== undefined && mostOfCompletion !== undefined) {
    throw invalid(
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      "max_tokens",
      "invalid_parameter_combination",
    );
  }
  if (most !== undefined && reasons.test(model)) {
    throw invalid(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      "max_tokens",
      "unsupported_parameter",
    );
  }
  for (const count of [most, mostOfCompletion]) {
    if (count !== undefined && !(Number.isInteger(count) && count >= 1))
      throw invalid("Invalid 'max_tokens': integer below minimum value.", "max_tokens");
  }
  if (temperature !== undefined && reasons.test(model) && temperature !== 1) {
    throw invalid(
      "Unsupported value: 'temperature' does not support this value with this model.",
      "temperature",
      "unsupported_value",
    );
  }
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2))
    throw invalid("Invalid 'temperature'.", "temperature");
  if (options !== undefined && stream !== true) {
    throw invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    );
  }
}
