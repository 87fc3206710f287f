import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, apiKey } from "greenroom";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const keys = ["backend:0123456789abcdef", "fedcba9876543210"];

test("who has a key is let in, and known by its name or a short hash, never by the key", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ keys }) });
  for (const [headers, user] of [
    [{ authorization: "Bearer 0123456789abcdef" }, /^backend$/],
    [{ authorization: "bearer  fedcba9876543210" }, /^key_[0-9a-f]{8}$/],
    [{ "x-api-key": "0123456789abcdef" }, /^backend$/],
  ] as const) {
    const { session_id } = await start({}, headers);
    const { text, body } = await ask(`/sessions/${session_id}`, { headers });
    t.regex(body.created_by, user);
    t.notRegex(text, /0123456789|9876543210/);
  }
});

test("others get 401 with a challenge", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ keys }) });
  for (const [headers, challenge] of [
    [{}, "Bearer"],
    [{ authorization: "Basic 0123456789abcdef" }, "Bearer"],
    [{ authorization: "Bearer" }, "Bearer"],
    [{ authorization: "Bearer 0123456789abcdeF" }, 'Bearer error="invalid_token"'],
    [{ authorization: "Bearer backend:0123456789abcdef" }, 'Bearer error="invalid_token"'],
    [{ "x-api-key": "backend" }, 'Bearer error="invalid_token"'],
    [{ "x-api-key": "" }, 'Bearer error="invalid_token"'],
  ] as const) {
    const { status, headers: answered, body } = await ask("/sessions", { headers });
    t.is(status, 401, JSON.stringify(headers));
    t.is(answered.get("www-authenticate"), challenge);
    t.is(body.code, "UNAUTHORIZED");
  }
});

test("a header of your own", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, {
    getCurrentUser: apiKey({ keys, header: "X-Studio-Key" }),
  });
  t.is((await ask("/sessions", { headers: { "x-studio-key": "0123456789abcdef" } })).status, 200);
  t.is((await ask("/sessions", { headers: { "x-api-key": "0123456789abcdef" } })).status, 401);
});

test.serial(
  "keys come from the environment, when the server starts and not when the agent's module is loaded",
  async (t) => {
    const fromEnvironment = apiKey();
    t.throws(() => fillServeOptions({ getCurrentUser: fromEnvironment }), {
      message: /apiKey\(\): there are no keys; set GREENROOM_API_KEYS/,
    });
    process.env.GREENROOM_API_KEYS = ` ann:aaaaaaaaaaaaaaaa , bbbbbbbbbbbbbbbb `;
    t.teardown(() => {
      delete process.env.GREENROOM_API_KEYS;
    });
    const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: fromEnvironment });
    t.is((await ask("/sessions", { headers: { "x-api-key": "aaaaaaaaaaaaaaaa" } })).status, 200);
    t.is((await ask("/sessions", { headers: { "x-api-key": "bbbbbbbbbbbbbbbb" } })).status, 200);
  },
);

test("keys come from a file, a line each", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "keys");
  t.throws(() => fillServeOptions({ getCurrentUser: apiKey({ file }) }), {
    message: /the file of keys cannot be read/,
  });
  writeFileSync(file, "ann:aaaaaaaaaaaaaaaa\n\nbbbbbbbbbbbbbbbb\n");
  const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ file }) });
  t.is((await ask("/sessions", { headers: { "x-api-key": "aaaaaaaaaaaaaaaa" } })).status, 200);
  t.is((await ask("/sessions", { headers: { "x-api-key": "bbbbbbbbbbbbbbbb" } })).status, 200);
});

test("a key that is too short to be one is refused at the start", (t) => {
  t.throws(() => fillServeOptions({ getCurrentUser: apiKey({ keys: ["name:short"] }) }), {
    message: "apiKey(): keys, entry 1: a key must have at least 16 characters",
  });
});
