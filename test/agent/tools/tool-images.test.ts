import test from "ava";
import { ToolImages, Tools } from "greenroom";
import { noHost } from "../../../src/agent/host.ts";
import { defaultAgentLimits } from "../../../src/agent/options/limits.ts";
import { runTools } from "../../../src/agent/tools/run-tools.ts";
import { toolContext } from "../../fixtures/mcp/tool-context.ts";

const image = { type: "image", data: Buffer.from("a picture"), mimeType: "image/png" } as const;

test("a function's images are given beside its result, which is told without them", async (t) => {
  const tools = new Tools();
  tools.registerFunction({
    name: "chart",
    description: "",
    execute: () => new ToolImages([image], { week: 7 }),
  });
  tools.registerFunction({ name: "empty", description: "", execute: () => new ToolImages([], "none") });
  const shown: unknown[] = [];
  const { signal } = new AbortController();
  const results = await runTools(
    [
      { id: "1", name: "chart", arguments: {} },
      { id: "2", name: "empty", arguments: {} },
    ],
    {
      tools,
      limits: defaultAgentLimits,
      context: toolContext(signal),
      signal,
      onOutcome: () => {},
      onImages: ({ name }, images) => shown.push([name, images]),
      log: noHost.log,
    },
  );
  t.deepEqual(
    results.map(({ ok, output, format }) => ({ ok, output, format })),
    [
      { ok: true, output: '{"week":7}', format: "json" },
      { ok: true, output: "none", format: "text" },
    ],
  );
  t.deepEqual(shown, [["chart", [image]]]);
});

test("an image is of the type that it is, whatever it is called; one without bytes fails its function", async (t) => {
  const bytes = (text: string) => Buffer.from(text, "latin1");
  const named = (data: unknown, mimeType = "image/jpg") => ({ type: "image", data, mimeType }) as never;
  const tools = new Tools();
  const images = [
    named(bytes("\xff\xd8\xff\xe0 a photo")),
    named(bytes("\x89PNG\r\n\x1a\n a drawing")),
    named(bytes("GIF89a a film")),
    named(bytes("RIFF1234WEBP a page")),
    named(bytes("a picture of another kind"), "image/heic"),
  ];
  tools.registerFunction({ name: "show", description: "", execute: () => new ToolImages(images, "these") });
  for (const data of [bytes(""), "text", undefined]) {
    const execute = () => new ToolImages([named(data)], "this");
    tools.registerFunction({ name: `wrong_${tools.functions.size}`, description: "", execute });
  }
  const shown: string[] = [];
  const { signal } = new AbortController();
  const calls = [...tools.functions.keys()].map((name) => ({ id: name, name, arguments: {} }));
  const results = await runTools(calls, {
    tools,
    limits: defaultAgentLimits,
    context: toolContext(signal),
    signal,
    onOutcome: () => {},
    onImages: (_, some) => shown.push(...some.map(({ mimeType }) => mimeType)),
    log: noHost.log,
  });
  t.deepEqual(shown, ["image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"]);
  t.deepEqual(
    results.map(({ ok }) => ok),
    [true, false, false, false],
  );
});
