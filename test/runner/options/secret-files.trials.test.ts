import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { UsageError } from "../../../src/runner/commands/usage-error.ts";
import { readSecretFiles } from "../../../src/runner/options/secret-files.ts";
import { agentProgram, Child, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { ask } from "../../fixtures/runner/rest.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

/**
 * Mounts a Secret as the kubelet does: each name links into `..data`, and that to a folder of its own. Returns the
 * folder.
 */
function mountedSecret(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "..2026_01_01"));
  symlinkSync("..2026_01_01", join(folder, "..data"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, "..2026_01_01", name), text);
    symlinkSync(join("..data", name), join(folder, name));
  }
  return folder;
}

const key = "backend:0123456789abcdef";

test.serial(
  "files of a mounted Secret are variables; the server's own do not reach the agents",
  async (t) => {
    const folder = mountedSecret(t, { SOME_KEY: "for-agents\n", GREENROOM_API_KEYS: key });
    const agent = new URL("../../fixtures/runner/environment-agent.ts", import.meta.url).href;
    const env = { GREENROOM_SECRETS_DIR: folder };
    const child = program(t, ["run"], { launcher: { agent }, env });
    child.end();
    t.is((await child.exit).code, 0);
    t.regex(child.stdout, /^agent: SOME_KEY=for-agents GREENROOM_API_KEYS=undefined$/m);
  },
);

test.serial("API keys of such a file are asked for", async (t) => {
  const env = { GREENROOM_SECRETS_DIR: mountedSecret(t, { GREENROOM_API_KEYS: `${key}\n` }) };
  const url = await program(t, ["serve", "--port", "0"], { env }).url();
  t.is((await ask(url, "/sessions")).status, 401);
  const headers = { Authorization: "Bearer 0123456789abcdef" };
  t.is((await fetch(`${url}/sessions`, { headers })).status, 200);
});

longForm("an empty variable hides no such file", async (t) => {
  const env = {
    GREENROOM_SECRETS_DIR: mountedSecret(t, { GREENROOM_API_KEYS: key }),
    GREENROOM_API_KEYS: "",
  };
  const url = await program(t, ["serve", "--port", "0"], { env }).url();
  t.is((await ask(url, "/sessions")).status, 401);
});

longForm("a variable counts more than such a file, and that more than .env", async (t) => {
  const capacity = async (env: Readonly<Record<string, string>>): Promise<string | undefined> => {
    const dotEnv = "GREENROOM_MAX_CONCURRENT_SESSIONS=3\n";
    const url = await program(t, ["serve", "--port", "0"], { env, dotEnv }).url();
    const { body } = await ask(url, "/metrics");
    return /^greenroom_pool_capacity (\d+)$/m.exec(body)?.[1];
  };
  const env = { GREENROOM_SECRETS_DIR: mountedSecret(t, { GREENROOM_MAX_CONCURRENT_SESSIONS: "4" }) };
  t.is(await capacity(env), "4");
  t.is(await capacity({ ...env, GREENROOM_MAX_CONCURRENT_SESSIONS: "5" }), "5");
});

test.serial("a value that is wrong is told with its file", async (t) => {
  const env = { GREENROOM_SECRETS_DIR: mountedSecret(t, { GREENROOM_CLOSE_GRACE_MS: "two" }) };
  const child = program(t, ["serve", "--port", "0"], { env });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /GREENROOM_CLOSE_GRACE_MS in .+: must be a whole/);
});

test("what cannot be read is refused with what is at fault", (t) => {
  for (const [files, message] of [
    [{ "peer-secret": "x" }, /peer-secret: a file there is named as a variable/],
    [{ GOOGLE_API_KEY: "a\0b" }, /GOOGLE_API_KEY cannot be read: not a text/],
    [{ GOOGLE_API_KEY: "a".repeat(70_000) }, /GOOGLE_API_KEY: longer than 65536/],
  ] as const) {
    t.throws(() => readSecretFiles(mountedSecret(t, files)), { instanceOf: UsageError, message });
  }
  t.throws(() => readSecretFiles(join(temporaryFolder(t), "nowhere")), {
    instanceOf: UsageError,
    message: /GREENROOM_SECRETS_DIR cannot be read: .*nowhere/,
  });
});

const linuxOnly = process.platform === "linux" ? test.serial : test.serial.skip;

linuxOnly("secrets of variables are gone from the environment that agents can read in /proc", async (t) => {
  const secret = "a-secret-of-32-characters-or-more!";
  const env = {
    GREENROOM_API_KEYS: key,
    GREENROOM_SESSION_TOKEN_SECRET: secret,
    REDIS_URL: "",
    SOME_KEY: "for-agents",
  };
  const child = program(t, ["serve", "--port", "0"], { env });
  const url = await child.url();
  const readable = readFileSync(`/proc/${child.process.pid}/environ`, "latin1");
  t.true(readable.includes("SOME_KEY=for-agents"));
  t.true(readable.includes("GREENROOM_API_KEYS="));
  t.false(readable.includes("0123456789abcdef") || readable.includes(secret));
  t.is((await ask(url, "/sessions")).status, 401);
  const headers = { Authorization: "Bearer 0123456789abcdef" };
  t.is((await fetch(`${url}/sessions`, { headers })).status, 200);
  t.false(child.log.some(({ msg }) => msg.includes("can be read by agents")));
});

linuxOnly("a parent process that shows secrets is told of, by their names", async (t) => {
  const script = '"$0" "$@"; exit $?';
  const child = new Child(t, ["-c", script, process.execPath, agentProgram, "serve", "--port", "0"], {
    command: "sh",
    env: { TEST_OPTIONS: "{}", GREENROOM_API_KEYS: key },
  });
  await child.url();
  const told = child.log.find(({ msg }) => msg.includes("can be read by agents"));
  t.regex(told?.msg ?? "", /\/proc\/\d+\/environ, that of the parent process: GREENROOM_API_KEYS\. /);
  t.false(child.stdout.includes("0123456789abcdef"));
});
