import test, { type ExecutionContext } from "ava";
import OpenAI, { toFile } from "openai";
import { encodeWav } from "../../../src/audio/wav.ts";
import { type OpenaiOptions, openaiDelays, startOpenai } from "../../emulators/openai.ts";

/** The emulator is judged by OpenAI's own client, which nobody here wrote. */
async function stage(t: ExecutionContext, options: OpenaiOptions = {}) {
  const emulator = await startOpenai({ delays: openaiDelays.none, apiKey: "right-key", ...options });
  t.teardown(() => emulator.close());
  const client = (apiKey = "right-key") => new OpenAI({ apiKey, baseURL: emulator.url, maxRetries: 0 });
  return { emulator, client };
}

const tools: OpenAI.Chat.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { location: { type: "string" } } },
    },
  },
];

test("its stream helper puts answers, calls and tokens together", async (t) => {
  const { client } = await stage(t);
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
    { role: "user", content: "What is the weather in Oslo and Rome?" },
  ];
  const request = {
    model: "emulated",
    tools,
    stream: true,
    stream_options: { include_usage: true },
  } as const;
  const first = await client()
    .chat.completions.stream({ ...request, messages })
    .finalChatCompletion();
  const [choice] = first.choices;
  t.is(choice?.finish_reason, "tool_calls");
  t.true(first.usage!.completion_tokens > 0);
  const calls = choice!.message.tool_calls!;
  t.deepEqual(
    calls.map((call) => call.type === "function" && JSON.parse(call.function.arguments)),
    [{ location: "Oslo" }, { location: "Rome" }],
  );
  messages.push(
    choice!.message,
    ...calls.map(({ id }) => ({ role: "tool" as const, tool_call_id: id, content: "warm" })),
  );
  const second = await client()
    .chat.completions.stream({ ...request, messages })
    .finalChatCompletion();
  t.is(second.choices[0]?.message.content, "The tool says: warm. The tool says: warm.");
  t.is(second.choices[0]?.finish_reason, "stop");
});

test("it reads an answer as a whole", async (t) => {
  const { client } = await stage(t);
  const answer = await client().chat.completions.create({
    model: "emulated",
    messages: [{ role: "user", content: "Hi!" }],
  });
  t.regex(answer.choices[0]?.message.content ?? "", /^Hello!/);
  t.is(answer.object, "chat.completion");
});

test("its errors are of the classes that it has for each refusal", async (t) => {
  const { emulator, client } = await stage(t);
  const ask = (body: object, apiKey?: string) =>
    client(apiKey).chat.completions.create({
      model: "emulated",
      messages: [{ role: "user", content: "Hi!" }],
      ...body,
    } as never);
  t.like(await t.throwsAsync(ask({}, "other"), { instanceOf: OpenAI.AuthenticationError }), {
    code: "invalid_api_key",
  });
  t.like(await t.throwsAsync(ask({ model: "none" }), { instanceOf: OpenAI.NotFoundError }), {
    code: "model_not_found",
  });
  const refused: readonly (readonly [object, RegExp])[] = [
    [{ max_tokens: 1, max_completion_tokens: 1 }, /at the same time is not supported/],
    [{ messages: [] }, /empty array/],
    [{ messages: [{ role: "robot", content: "Hi!" }] }, /Invalid value: 'robot'/],
    [
      { messages: [{ role: "tool", tool_call_id: "1", content: "x" }] },
      /must be a response to a preceeding message with 'tool_calls'/,
    ],
    [
      {
        messages: [
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "1", type: "function", function: { name: "a", arguments: "{}" } }],
          },
          { role: "user", content: "Hi!" },
        ],
      },
      /did not have response messages: 1/,
    ],
    [{ messages: [{ role: "user", content: null }] }, /expected a string, got null/],
    [{ tool_choice: "none" }, /only allowed when 'tools' are specified/],
    [{ stream_options: { include_usage: true } }, /only allowed when 'stream' is enabled/],
    [{ temperature: 3 }, /temperature/],
    [{ top_k: 3 }, /Unrecognized request argument supplied: top_k/],
    [{ model: "gpt-5-mini", max_tokens: 3 }, /Use 'max_completion_tokens' instead/],
    [
      { tools: [{ type: "function", function: { name: "a.b", parameters: { type: "object" } } }] },
      /does not match pattern/,
    ],
    [
      {
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "data:image/png;base64,?" } }] },
        ],
      },
      /Invalid image data/,
    ],
  ];
  for (const [body, message] of refused)
    await t.throwsAsync(ask(body), { instanceOf: OpenAI.BadRequestError, message });
  emulator.faults.add({ kind: "status", status: 429 }, { kind: "status", status: 503 }, { kind: "reset" });
  await t.throwsAsync(ask({}), { instanceOf: OpenAI.RateLimitError });
  await t.throwsAsync(ask({}), { instanceOf: OpenAI.InternalServerError });
  await t.throwsAsync(ask({}), { instanceOf: OpenAI.APIConnectionError });
});

test("it lists models, transcribes and speaks", async (t) => {
  const { emulator, client } = await stage(t);
  const names: string[] = [];
  for await (const { id } of client().models.list()) names.push(id);
  t.deepEqual(names, [...emulator.models]);
  const samples = Int16Array.from({ length: 32_000 }, (_, index) => 8_000 * Math.sin(index / 4));
  const file = await toFile(encodeWav({ samples, sampleRate: 16_000 }), "turn.wav");
  const { text } = await client().audio.transcriptions.create({ file, model: "whisper-1" });
  t.is(text, "2 s of speech");
  const speech = await client().audio.speech.create({
    model: "tts-1",
    voice: "coral",
    input: "Hello.",
    response_format: "pcm",
  });
  // 6 characters of 20 ms, 24,000 samples a second, two bytes each.
  t.is((await speech.arrayBuffer()).byteLength, 6 * 0.02 * 24_000 * 2);
  await t.throwsAsync(client().audio.speech.create({ model: "tts-1", voice: "nobody", input: "Hello." }), {
    instanceOf: OpenAI.BadRequestError,
  });
});

test("it reads an error in the middle of a stream as one", async (t) => {
  const { emulator, client } = await stage(t);
  emulator.faults.add({ kind: "error_event", afterEvents: 2, form: "event" });
  const stream = await client().chat.completions.create({
    model: "emulated",
    messages: [{ role: "user", content: "Hi!" }],
    stream: true,
  });
  let text = "";
  await t.throwsAsync(
    async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    },
    { instanceOf: OpenAI.APIError, message: /currently overloaded/ },
  );
  t.regex(text, /^Hello!/);
});
