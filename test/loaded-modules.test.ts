import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";

const fixtures = join(import.meta.dirname, "fixtures");

/** The packages and own modules that each thread of a server with one session really loaded. */
async function loadedModules(): Promise<Map<number, { packages: Set<string>; own: Set<string> }>> {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-modules-"));
  try {
    await promisify(execFile)(process.execPath, [join(fixtures, "serve-one-session.ts")], {
      env: {
        ...process.env,
        LIST_MODULES_TO: folder,
        NODE_OPTIONS: `--import ${join(fixtures, "list-modules.ts")}`,
        WEATHER_API_URL: "offline",
      },
      timeout: 30_000,
    });
    return new Map(
      readdirSync(folder).map((thread) => {
        const urls = readFileSync(join(folder, thread), "utf8").split("\n");
        const packages = urls.flatMap((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
        const own = urls.flatMap((url) => /\/((?:src|workers)\/[^\n]*)$/.exec(url)?.[1] ?? []);
        return [Number(thread), { packages: new Set(packages), own: new Set(own) }];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("neither side pays for the other: what each really loads", async (t) => {
  const threads = await loadedModules();
  const main = threads.get(0);
  t.truthy(main);
  threads.delete(0);
  t.true(threads.size >= 2, "the rehearsal and the session had a thread each");

  t.true(main!.packages.has("piscina") && main!.packages.has("zod"));
  t.true(main!.own.has("src/supervisor/supervisor.ts"));
  t.false(main!.own.has("src/agent/session-thread.ts"));
  t.deepEqual(
    [...main!.own].filter((path) => path.startsWith("src/providers/")),
    [],
  );

  for (const { packages, own } of threads.values()) {
    t.true(own.has("src/agent/session-thread.ts"));
    // Piscina's own few files for a thread are all that comes from outside.
    t.deepEqual([...packages], ["piscina"]);
    t.deepEqual(
      [...own].filter((path) => /^src\/(supervisor|control-plane|metrics)\//.test(path)),
      [],
    );
  }
});
