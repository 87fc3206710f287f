import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { bin, Child, temporaryFolder } from "../fixtures/runner/child.ts";
import { inLongForm } from "../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const name = `greenroom-compile-cache-${process.getuid?.()}`;
/** Its own cache, and not that of the tests. */
const environment = (folder: string) => ({ TMPDIR: folder, NODE_COMPILE_CACHE: "" });
const hit = /code cache for ESM \S+serve-command\.ts was accepted/;

test.serial("the server's own modules come from the compile cache at its second start", async (t) => {
  const folder = temporaryFolder(t);
  const env = { ...environment(folder), NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
  const start = async () => {
    const child = new Child(t, [bin, "serve", "--port", "0"], { env });
    await child.url();
    child.kill("SIGINT");
    t.is((await child.exit).code, 0);
    return `${child.stdout}${child.stderr}`;
  };
  t.notRegex(await start(), hit);
  t.deepEqual(readdirSync(folder), [name]);
  t.is(statSync(join(folder, name)).mode & 0o777, 0o700);
  t.regex(await start(), hit);
});

longForm("whoever turns Node's compile cache off has none", async (t) => {
  const folder = temporaryFolder(t);
  const env = { ...environment(folder), NODE_DISABLE_COMPILE_CACHE: "1" };
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  await child.url();
  child.kill("SIGINT");
  t.is((await child.exit).code, 0);
  t.deepEqual(readdirSync(folder), []);
});

for (const [title, prepare, declare] of [
  [
    "that others can write to",
    (path: string) => {
      mkdirSync(path);
      // Whatever the umask of the tests is.
      chmodSync(path, 0o777);
    },
    test.serial,
  ],
  ["that is a link to somewhere else", (path: string) => symlinkSync(".", path), longForm],
] as const) {
  declare(`a folder ${title} is not used for it`, async (t) => {
    const folder = temporaryFolder(t);
    prepare(join(folder, name));
    const child = new Child(t, [bin, "serve", "--port", "0"], { env: environment(folder) });
    await child.url();
    child.kill("SIGINT");
    t.is((await child.exit).code, 0);
    t.deepEqual(readdirSync(join(folder, name)), title.includes("link") ? [name] : []);
  });
}
