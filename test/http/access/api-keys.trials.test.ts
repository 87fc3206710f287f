import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { type AgentLauncher, apiKey, jwt } from "greenroom";
import { SignJWT } from "jose";
import pino from "pino";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { readKeys } from "../../../src/control-plane/access/api-keys/key-lines.ts";
import { KeyRing } from "../../../src/control-plane/access/api-keys/key-ring.ts";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { type OpenServer, openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { trials } from "../../fixtures/trials.ts";

/** One after another, since they share a server and its log. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;
const lines: Record<string, unknown>[] = [];

test.before(async (t) => {
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  t.context.launcher = await startLauncher({ logger: pino({ level: "info" }, stream) });
});
test.after.always((t) => t.context.launcher.stop());

const ann = "ann-0123456789abcdef";
const bob = "bob-0123456789abcdef";

function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-keys-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function serve(
  t: ExecutionContext<{ launcher: AgentLauncher }>,
  text: string,
): Promise<{ file: string; server: OpenServer }> {
  const file = join(temporaryFolder(t), "keys");
  writeFileSync(file, text);
  lines.length = 0;
  return { file, server: await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ file }) }) };
}

const statusOf = async ({ ask }: OpenServer, key: string): Promise<number> =>
  (await ask("/sessions", { headers: { "x-api-key": key } })).status;

const becomes = (server: OpenServer, key: string, status: number): Promise<void> =>
  eventually(`${key} is answered ${status}`, async () => (await statusOf(server, key)) === status);

const keyLines = () => lines.filter(({ msg }) => String(msg).includes("API keys"));

const measured = async (launcher: AgentLauncher): Promise<string[]> => {
  const { metrics } = await supervisorOf(launcher);
  return (await metrics.text()).split("\n").filter((line) => /^greenroom_api_key/.test(line));
};

test("a line is a key, a comment, empty, or a flaw that is named by its number and never by its text", (t) => {
  const { keys, flaws } = readKeys([
    "# ops:0123456789abcdef-comment",
    "  # indented:0123456789abcdef",
    "",
    "   ",
    `ann:${ann}`,
    `bob: ${bob} # laptop`,
    "0123456789abcdef#not-a-comment",
    "short",
    "name:short",
    "name:with a blank in it, and long",
    "name:0123456789abcdéf",
    "name:",
  ]);
  t.deepEqual(
    keys.map(({ id }) => id.replace(/_.*/, "")),
    ["ann", "bob", "key"],
  );
  t.deepEqual(
    flaws.map(({ place }) => place),
    [8, 9, 10, 11, 12],
  );
  t.notRegex(JSON.stringify(flaws), /short|blank in it|abcd/);
});

test("comments are no keys in the variable either, where a file became it", async (t) => {
  process.env.GREENROOM_API_KEYS = `# studio, 0123456789abcdef-studio\nann:${ann}\r\n\n# old:${bob}\n`;
  t.teardown(() => delete process.env.GREENROOM_API_KEYS);
  const ring = new KeyRing({});
  ring.open();
  t.is(ring.state.valid.fixed, 1);
  t.is(await ring.idOf(ann), "ann");
  for (const none of [bob, `# old:${bob}`, "0123456789abcdef-studio"]) t.is(await ring.idOf(none), null);
});

test("one bad line keeps no key alive that was taken out, and none out that was put in", async (t) => {
  const { file, server } = await serve(t, `ann:${ann}\n`);
  t.is(await statusOf(server, ann), 200);
  t.like(keyLines(), [{ level: 30, file, file_keys: 1 }]);
  writeFileSync(file, `# ann has left\nann:short\nbob:${bob}\n`);
  await becomes(server, ann, 401);
  t.is(await statusOf(server, bob), 200);
  const { msg, ...told } = keyLines().at(-1)!;
  t.like(told, { level: 40, file_keys: 1, flawed_lines: [2] });
  t.notRegex(JSON.stringify(told), /ann:|short|0123456789/);
  t.deepEqual(await measured(t.context.launcher), [
    'greenroom_api_keys{source="fixed"} 0',
    'greenroom_api_keys{source="file"} 1',
    "greenroom_api_key_file_flaws 1",
  ]);
  writeFileSync(file, `bob:${bob}\n`);
  await eventually("the mended file is told of", () => keyLines().at(-1)?.level === 30);
  t.is((await measured(t.context.launcher)).at(-1), "greenroom_api_key_file_flaws 0");
});

/** What may become of a file of keys. */
const changes: Readonly<Record<string, (file: string) => void>> = {
  emptied: (file) => writeFileSync(file, ""),
  "left with comments alone": (file) => writeFileSync(file, `# ann:${ann}\n`),
  deleted: (file) => rmSync(file),
  "replaced by a folder": (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  "made no text": (file) => writeFileSync(file, Buffer.from([0, 1, 2, 3])),
};

for (const name of trials(["emptied", "deleted"], Object.keys(changes))) {
  const change = changes[name]!;
  test(`a file that was ${name} lets nobody in, and its keys come back with it`, async (t) => {
    const { file, server } = await serve(t, `ann:${ann}\n`);
    t.is(await statusOf(server, ann), 200);
    change(file);
    await becomes(server, ann, 401);
    t.is(keyLines().at(-1)!.level, 50);
    t.true((await measured(t.context.launcher)).includes('greenroom_api_keys{source="file"} 0'));
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, `ann:${ann}\n`);
    await becomes(server, ann, 200);
  });
}

test("the contents count: the same size and time, and a mount's swap of a link", async (t) => {
  const folder = temporaryFolder(t);
  for (const [version, key] of [
    ["..1", ann],
    ["..2", bob],
  ] as const) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "keys"), `x:${key}\n`);
    utimesSync(join(folder, version, "keys"), 1, 1);
  }
  symlinkSync("..1", join(folder, "..data"));
  symlinkSync("..data/keys", join(folder, "keys"));
  const file = join(folder, "keys");
  const server = await openServer(t, t.context.launcher, { getCurrentUser: apiKey({ file }) });
  t.is(await statusOf(server, ann), 200);
  symlinkSync("..2", join(folder, "..swap"));
  renameSync(join(folder, "..swap"), join(folder, "..data"));
  await becomes(server, ann, 401);
  t.is(await statusOf(server, bob), 200);
  const { size } = statSync(file);
  writeFileSync(file, `x:${ann}\n`);
  utimesSync(file, 1, 1);
  t.is(statSync(file).size, size);
  await becomes(server, bob, 401);
  t.is(await statusOf(server, ann), 200);
});

test("a file that has no keys at the start lets nobody in, and the log says so; keys of the variable stay", async (t) => {
  process.env.GREENROOM_API_KEYS = `bob:${bob}`;
  t.teardown(() => delete process.env.GREENROOM_API_KEYS);
  const { file, server } = await serve(t, "short\n");
  t.is(keyLines()[0]!.level, 50);
  t.is(await statusOf(server, ann), 401);
  t.is(await statusOf(server, bob), 200);
  writeFileSync(file, `ann:${ann}\n`);
  await becomes(server, ann, 200);
  t.is(await statusOf(server, bob), 200);
});

test("a JWT secret that a function reads is out when it has changed, and nobody is let in while there is none", async (t) => {
  const old = "the old secret, of 32 characters";
  let secret: string | undefined = old;
  const server = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ secret: () => secret }) });
  const token = (key: string) =>
    new SignJWT({ sub: "ann" }).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(key));
  const ask = async (key: string) => {
    const headers = { authorization: `Bearer ${await token(key)}` };
    return (await server.ask("/sessions", { headers })).status;
  };
  t.is(await ask(old), 200);
  secret = "the new secret, of 32 characters";
  await eventually("the old one is out", async () => (await ask(old)) === 401);
  t.is(await ask(secret), 200);
  secret = undefined;
  await eventually("nobody is let in", async () => (await ask(old)) === 503);
  secret = old;
  t.is(await ask(old), 200);
});

test("a caller whose claims cannot be kept is refused, never answered 500", async (t) => {
  const secret = "a secret of at least 32 characters";
  const server = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ secret }) });
  let deep: unknown = "x";
  for (let depth = 0; depth < 1_000; depth += 1) deep = [deep];
  for (const claims of [{ roles: "x".repeat(5_000) }, { deep }, JSON.parse('{"__proto__":{"admin":true}}')]) {
    const bytes = new TextEncoder().encode(secret);
    const token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(bytes);
    const headers = { authorization: `Bearer ${token}` };
    for (const request of [{ headers }, { headers, json: { call_id: "c" } }]) {
      const { status, body } = await server.ask("/sessions", request);
      t.deepEqual([status, body.code], [403, "FORBIDDEN"], Object.keys(claims).join());
    }
  }
});

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

test("keys come from the environment, when the server starts and not when the agent's module is loaded", async (t) => {
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
});

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
