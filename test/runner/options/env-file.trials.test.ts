import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { misspelt } from "../../../src/runner/options/unknown-variables.ts";
import { bin, Child, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { ask } from "../../fixtures/runner/rest.ts";
import { inLongForm, trials } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const key = "0123456789abcdef";

/** A folder with this `.env`. */
function folderOf(t: ExecutionContext, bytes: string | Buffer): string {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, ".env"), bytes);
  return folder;
}

const utf16: readonly [string, Buffer] = [
  "UTF-16",
  Buffer.from(`\ufeffGREENROOM_API_KEYS=backend:${key}\r\n`, "utf16le"),
];

for (const [what, bytes] of [
  [
    "a byte order mark, line ends of Windows and export",
    `\ufeffexport GREENROOM_API_KEYS="backend:${key}"\r\nOTHER=1\r\n`,
  ],
  ...trials([], [utf16]),
] as const) {
  test.serial(`keys in the first line of .env guard the server: ${what}`, async (t) => {
    const url = await program(t, ["serve", "--port", "0"], { cwd: folderOf(t, bytes) }).url();
    t.is((await ask(url, "/sessions")).status, 401);
    const headers = { Authorization: `Bearer ${key}` };
    t.is((await fetch(`${url}/sessions`, { headers })).status, 200);
  });
}

for (const [what, text, complaint] of [
  ["no =", `GREENROOM_API_KEYS backend:${key}\n`, /\.env cannot be read, .*line 1 \(it is no NAME=value\)/],
  [
    "other letters",
    `Greenroom_Api_Keys=backend:${key}\n`,
    /in \.env: there is no such variable.*GREENROOM_API_KEYS\?/,
  ],
] as const) {
  test.serial(`keys that cannot be read stop the start, by the line's number: ${what}`, async (t) => {
    const child = program(t, ["serve", "--port", "0"], { dotEnv: text });
    t.is((await child.exit).code, 2);
    t.regex(child.stderr, complaint);
    t.false((child.stdout + child.stderr).includes(key), "the key is not told");
  });
}

test("a name in other letters, or with other signs, is known for what was meant", (t) => {
  const guards = ["GREENROOM_API_KEYS", "GREENROOM_API_KEYS_FILE"];
  for (const [name, meant] of [
    ["Greenroom_Api_Keys", "GREENROOM_API_KEYS"],
    ["GREENROOM-API-KEYS", "GREENROOM_API_KEYS"],
    ["GREENROOM.API.KEYS.FILE", "GREENROOM_API_KEYS_FILE"],
    ["GREENROOM_API_KEYS", undefined],
  ] as const) {
    const environment = { find: () => undefined, names: () => [name], warnings: [] };
    t.is(misspelt(environment, guards)?.meant, meant, name);
  }
});

test.serial("another line that cannot be read is told, and nothing is lost for it", async (t) => {
  const dotEnv = "source_up\nGREENROOM_MAX_CONCURRENT_SESSIONS=3\n";
  const child = program(t, ["serve", "--port", "0"], { dotEnv });
  const url = await child.url();
  t.regex((await child.logged(/^Lines of \.env/)).msg, /line 1 \(it is no NAME=value\)$/);
  t.regex((await ask(url, "/metrics")).body, /^greenroom_pool_capacity 3$/m);
});

longForm("the console says the same in a line", async (t) => {
  const child = new Child(t, [bin, "run"], { dotEnv: "source_up\n" });
  child.end();
  t.is((await child.exit).code, 0);
  t.regex(
    child.stderr,
    /^greenroom: Lines of \.env are not as they should be: line 1 \(it is no NAME=value\)$/m,
  );
});

test.serial(
  "files of secrets and of keys may begin with a byte order mark, as Windows writes them",
  async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "GREENROOM_API_KEYS"), `\ufeffbackend:${key}\r\n`);
    const file = join(temporaryFolder(t), "keys");
    writeFileSync(file, Buffer.from(`\ufeff# the keys of our people\r\nann:${key}-of-ann\r\n`, "utf16le"));
    const env = { GREENROOM_SECRETS_DIR: folder, GREENROOM_API_KEYS_FILE: file };
    const url = await program(t, ["serve", "--port", "0"], { env }).url();
    const statusOf = async (token: string) =>
      (await fetch(`${url}/sessions`, { headers: { Authorization: `Bearer ${token}` } })).status;
    t.deepEqual(
      await Promise.all([key, `${key}-of-ann`, "# the keys of our people"].map(statusOf)),
      [200, 200, 401],
    );
  },
);

longForm("quotes that came along with a variable's value are no part of the keys", async (t) => {
  const env = { GREENROOM_API_KEYS: `"backend:${key}"` };
  const url = await program(t, ["serve", "--port", "0"], { env }).url();
  t.is((await fetch(`${url}/sessions`, { headers: { Authorization: `Bearer ${key}` } })).status, 200);
});
