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
