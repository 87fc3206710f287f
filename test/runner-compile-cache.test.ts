import { readdirSync } from "node:fs";
import test from "ava";
import { bin, Child, temporaryFolder } from "./runner-fixtures/child.ts";

const hit = /code cache for ESM \S+serve-command\.ts was accepted/;

test.serial("the server's own modules come from the compile cache at its second start", async (t) => {
  const folder = temporaryFolder(t);
  const env = { TMPDIR: folder, NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
  const start = async () => {
    const child = new Child(t, [bin, "serve", "--port", "0"], { env });
    await child.readyUrl();
    child.kill("SIGINT");
    t.is((await child.exit).code, 0);
    return `${child.stdout}${child.stderr}`;
  };
  t.notRegex(await start(), hit);
  t.deepEqual(readdirSync(folder), ["greenroom-compile-cache"]);
  t.regex(await start(), hit);
});

test.serial("whoever turns Node's compile cache off has none", async (t) => {
  const folder = temporaryFolder(t);
  const env = { TMPDIR: folder, NODE_DISABLE_COMPILE_CACHE: "1" };
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  await child.readyUrl();
  child.kill("SIGINT");
  t.is((await child.exit).code, 0);
  t.deepEqual(readdirSync(folder), []);
});
