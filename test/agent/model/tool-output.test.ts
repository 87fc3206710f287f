import test from "ava";
import { ToolError } from "greenroom";
import { readResponse, ToolOutput } from "../../../src/agent/tools/tool-output.ts";
import { HostedAgent } from "../../fixtures/agent-host.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { until } from "../../fixtures/voice/voice-call.ts";

const told = (value: unknown) => {
  const { output, format } = new ToolOutput(60_000).tell(value);
  return format === "json" ? (JSON.parse(output) as unknown) : output;
};

test("a text is told as it was written", (t) => {
  for (const text of ["9400111899223397846012", "5.00", "12e5", "null", "0042", '{"a": 1.0}', ""]) {
    t.deepEqual(new ToolOutput(100).tell(text), { output: text, format: "text" });
  }
});

test("what JSON cannot hold is told by what it is", (t) => {
  const row: Record<string, unknown> = { booked: true, id: 9007199254740993n };
  row.self = row;
  t.deepEqual(told(row), { booked: true, id: "9007199254740993", self: "(circular)" });
  t.deepEqual(told(new Map([["monday", "9:00"]])), { monday: "9:00" });
  t.deepEqual(told(new Map([[{ day: 1 }, new Set([1, 2])]])), [[{ day: 1 }, [1, 2]]]);
  t.deepEqual(told({ at: new Date(0), never: new Date(Number.NaN) }), {
    at: "1970-01-01T00:00:00.000Z",
    never: "Invalid Date",
  });
  t.deepEqual(told([Number.NaN, undefined, /a/g, new URL("http://a.example/")]), [
    "NaN",
    null,
    "/a/g",
    "http://a.example/",
  ]);
  // Two keys of a map may be one of an object.
  t.deepEqual(
    told(
      new Map<unknown, number>([
        [1, 1],
        ["1", 2],
      ]),
    ),
    [
      [1, 1],
      ["1", 2],
    ],
  );
  t.is(told(new Uint8Array(3)), "(Uint8Array of 3 bytes)");
  t.is(told(Promise.resolve()), "(Promise)");
  t.is(told(undefined), "(done, without a result)");
});

test("nothing that a value does makes a failure of work that was done", (t) => {
  const odd = {
    kept: 1,
    get broken(): never {
      throw new Error("no");
    },
    own: {
      toJSON() {
        throw new Error("no");
      },
      left: 2,
    },
  };
  t.deepEqual(told(odd), { kept: 1, broken: "(unreadable)", own: { left: 2 } });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  t.is(told(proxy), "(unreadable)");
  let deep: unknown = "end";
  for (let level = 0; level < 10_000; level++) deep = [deep];
  t.notThrows(() => told(deep));
  let wide: unknown = "leaf";
  for (let level = 0; level < 20; level++) wide = [wide, wide, wide, wide];
  t.true(new ToolOutput(1_000).tell(wide).output.length <= 1_000);
});

test("a response that was returned unread is read, as long as it is text", async (t) => {
  t.is(await readResponse(Response.json({ id: 1 }), 100), '{"id":1}');
  t.is(await readResponse(new Response("gone", { status: 404 }), 100), "HTTP 404: gone");
  const sound = new Response("x", { headers: { "content-type": "audio/wav" } });
  t.is(await readResponse(sound, 100), sound);
  const latin = { "content-type": "text/plain; charset=iso-8859-1" };
  t.is(await readResponse(new Response(Buffer.from([0xe9]), { headers: latin }), 100), "é");
});

test("a response that cannot be read is told by what it is", async (t) => {
  const locked = new Response("x");
  locked.body?.getReader();
  const broken = new Response(new ReadableStream({ pull: (stream) => stream.error(new Error("reset")) }));
  for (const response of [locked, broken]) {
    t.is(told(await readResponse(response, 100)), "(Response 200)");
  }
});

test("of an error that is returned nothing is told but its message", (t) => {
  // As those of HTTP clients, which hold the request with its keys.
  const error = Object.assign(new Error("Request failed with status code 401"), {
    config: { headers: { authorization: "Bearer secret" } },
    toJSON: () => error.config,
  });
  t.is(told(error), "Error: Request failed with status code 401");
  t.deepEqual(told({ failed: [error] }), { failed: ["Error: Request failed with status code 401"] });
});

const marker = Symbol.for("greenroom.tool_error");

/** An error such as one of another copy of the package, which `instanceof` does not know. */
class OtherCopy extends Error {
  readonly [marker] = true;
}

const neutral = "The function failed for a technical reason.";

const thrown: Readonly<Record<string, readonly [error: unknown, told: string]>> = {
  "a ToolError": [new ToolError("There is no order 17."), "There is no order 17."],
  "a ToolError of another copy of the package": [new OtherCopy("Closed on Sundays."), "Closed on Sundays."],
  "an error": [new Error("connect ECONNREFUSED 10.0.0.7:5432 as admin"), neutral],
  "an error whose cause is a ToolError": [
    new Error("SELECT failed for admin", { cause: new ToolError("inner") }),
    neutral,
  ],
  "a text": ["the password of admin is wrong", neutral],
};

for (const [what, [error, told]] of Object.entries(thrown)) {
  test(`of ${what} that a function throws the model learns what is meant for it, and the log all`, async (t) => {
    const { emulator, bodies, model } = await geminiStage(t);
    const script = [[{ call: "find_order", args: {} }], [{ text: "Sorry." }]];
    emulator.script = () => script.shift() ?? [];
    const llm = model();
    llm.registerFunction({
      name: "find_order",
      description: "Finds an order.",
      execute: () => {
        throw error;
      },
    });
    const hosted = new HostedAgent({ llm });
    t.teardown(() => hosted.agent.close());
    await hosted.join();
    hosted.type("Where is my order?");
    await until(() => hosted.said.length === 1, "the answer");
    const { functionResponse } = bodies()[1]?.contents?.at(-1)?.parts?.[0] ?? {};
    t.deepEqual(functionResponse?.response, { error: told });
    t.notRegex(JSON.stringify(bodies()[1]), /admin/);
    const [fields] = hosted.logged.find(([, message]) => message === "A tool failed") ?? [];
    t.like(fields, { tool: "find_order", err: { message: error instanceof Error ? error.message : error } });
  });
}
