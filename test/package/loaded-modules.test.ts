import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { startCartesia } from "../emulators/cartesia.ts";
import { startDeepgram } from "../emulators/deepgram.ts";
import { startElevenlabs } from "../emulators/elevenlabs.ts";
import { geminiDelays, startGemini } from "../emulators/gemini.ts";

const fixtures = join(import.meta.dirname, "../fixtures/thread");

/** The modules that one thread really loaded. */
interface Loaded {
  readonly packages: Set<string>;
  readonly own: Set<string>;
  /** Packages that were loaded once it was warm. */
  readonly late: Set<string>;
  /** True once it has loaded all that it keeps ready: the server did not end while it was about to. */
  readonly warm: boolean;
  /** A session ran in it. */
  readonly session: boolean;
}

const packagesIn = (urls: readonly string[]) =>
  new Set(urls.flatMap((url) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []));

/** Resolves with what each thread of a server with one session of the built-in agent loaded; 0 is the main thread. */
async function loadedModules(keys: Readonly<Record<string, string>>): Promise<Map<number, Loaded>> {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-modules-"));
  const environment = Object.entries(process.env).filter(
    ([name]) => !/^(GOOGLE|GEMINI|DEEPGRAM|ELEVENLABS|CARTESIA|GREENROOM)_/.test(name),
  );
  try {
    await promisify(execFile)(process.execPath, [join(fixtures, "serve-one-session.ts")], {
      env: {
        ...Object.fromEntries(environment),
        ...keys,
        LIST_MODULES_TO: folder,
        NODE_OPTIONS: `--import ${join(fixtures, "list-modules.ts")}`,
        WEATHER_API_URL: "offline",
      },
      timeout: 50_000,
    });
    return new Map(
      readdirSync(folder).map((thread) => {
        const lines = readFileSync(join(folder, thread), "utf8").split("\n");
        const warm = lines.indexOf("warm");
        const loaded = {
          packages: packagesIn(lines),
          own: new Set(lines.flatMap((url) => /\/((?:src|workers)\/[^\n]*)$/.exec(url)?.[1] ?? [])),
          late: packagesIn(warm < 0 ? [] : lines.slice(warm)),
          warm: warm >= 0,
          session: lines.includes("session"),
        };
        return [Number(thread), loaded];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The packages that stand for a provider among those that are loaded. */
const sdks = ["@google/genai", "@deepgram/sdk", "elevenlabs"];

/** The providers of which files are loaded. The folder `http` is shared by all of them. */
const providersIn = (own: ReadonlySet<string>): string[] =>
  [
    ...new Set([...own].flatMap((path) => /^src\/providers\/(?!http\/)([^/]+)\//.exec(path)?.[1] ?? [])),
  ].toSorted();

test.serial("neither side pays for the other: what each really loads", async (t) => {
  const threads = await loadedModules({});
  const main = threads.get(0);
  t.truthy(main);
  threads.delete(0);
  // A voice made ready in the rehearsal has a thread of its own, which never says that it is warm.
  const ready = [...threads.values()].filter(({ warm }) => warm);
  t.true(ready.length >= 2, "the rehearsal and the session had a thread each");

  t.true(main!.packages.has("piscina") && main!.packages.has("zod"));
  t.true(main!.own.has("src/supervisor/supervisor.ts"));
  t.false(main!.own.has("src/agent/thread/session-thread.ts"));
  t.deepEqual(providersIn(main!.own), []);
  t.false(main!.packages.has("werift"));
  /** Packages that only an agent's own code asks for. */
  const optional = ["@modelcontextprotocol/sdk", "@ai-sdk/provider"];
  for (const { packages } of [main!, ...ready]) t.false(optional.some((name) => packages.has(name)));

  for (const { packages, own, late } of ready) {
    t.deepEqual(providersIn(own), ["browser", "local"]);
    t.false(packages.has("werift") && !late.has("werift"), "no thread waits for the media to become warm");
    t.deepEqual(
      sdks.filter((sdk) => packages.has(sdk)),
      [],
    );
    t.deepEqual(
      [...own].filter((path) => /^src\/(supervisor|control-plane|metrics|testing)\//.test(path)),
      [],
    );
  }
});

test.serial(
  "with all keys set the SDKs are in each session thread before it is warm, and nowhere else",
  async (t) => {
    await using gemini = await startGemini({ delays: geminiDelays.none });
    await using deepgram = await startDeepgram();
    await using elevenlabs = await startElevenlabs();
    const threads = await loadedModules({
      ...gemini.environment,
      ...deepgram.environment,
      ...elevenlabs.environment,
    });
    const main = threads.get(0)!;
    t.deepEqual(
      sdks.filter((sdk) => main.packages.has(sdk)),
      [],
    );
    t.deepEqual(providersIn(main.own), []);
    threads.delete(0);

    const session = [...threads.values()].find((thread) => thread.session);
    t.truthy(session);
    t.deepEqual(
      sdks.filter((sdk) => session!.packages.has(sdk)),
      sdks,
    );
    t.deepEqual(
      sdks.filter((sdk) => session!.late.has(sdk)),
      [],
      "nothing is left for the call to load",
    );
  },
);

test.serial("a voice of Cartesia is loaded where it is chosen, without an SDK", async (t) => {
  await using cartesia = await startCartesia();
  const threads = await loadedModules({ ...cartesia.environment, GREENROOM_TTS: "cartesia" });
  const session = [...threads.values()].find((thread) => thread.session)!;
  t.deepEqual(providersIn(session.own), ["browser", "cartesia", "listening", "local", "sound", "web-socket"]);
  t.true(session.packages.has("ws") && !session.late.has("ws"));
  t.deepEqual(
    sdks.filter((sdk) => session.packages.has(sdk)),
    [],
  );
});

test.serial("a thread loads the SDK of the one provider whose key is set", async (t) => {
  await using elevenlabs = await startElevenlabs();
  const threads = await loadedModules(elevenlabs.environment);
  const session = [...threads.values()].find((thread) => thread.session)!;
  t.deepEqual(
    sdks.filter((sdk) => session.packages.has(sdk)),
    ["elevenlabs"],
  );
  t.deepEqual(
    providersIn(session.own).filter(
      (folder) => !["browser", "http", "local", "model", "sound"].includes(folder),
    ),
    ["elevenlabs"],
  );
});
