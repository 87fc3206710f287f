import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import manifest from "../../../package.json" with { type: "json" };
import { allOutsideOptions } from "../../../src/options/outside.ts";
import { readSettings } from "../../../src/runner/options/settings.ts";
import { bin, Child, commandLines, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { ask } from "../../fixtures/runner/rest.ts";
import { inLongForm } from "../../fixtures/trials.ts";

const longForm = inLongForm(test.serial);

const capacity = async (url: string): Promise<number> => {
  const { body } = await ask(url, "/metrics");
  return Number(/^greenroom_pool_capacity (\d+)$/m.exec(body)?.[1]);
};

const setInCode = { launcher: { maxConcurrentSessions: 3 } };
const setInFile = { dotEnv: "GREENROOM_MAX_CONCURRENT_SESSIONS=4\n" };
const setInEnvironment = { env: { GREENROOM_MAX_CONCURRENT_SESSIONS: "5" } };

test.serial(
  "an option that only the code sets is that of the code: an empty variable is not set",
  async (t) => {
    const child = program(t, ["serve"], { ...setInCode, env: { GREENROOM_MAX_CONCURRENT_SESSIONS: "" } });
    t.is(await capacity(await child.url()), 3);
  },
);

longForm(".env counts more than the code", async (t) => {
  const child = program(t, ["serve"], { ...setInCode, ...setInFile });
  t.is(await capacity(await child.url()), 4);
});

longForm("a variable counts more than .env", async (t) => {
  const child = program(t, ["serve"], { ...setInCode, ...setInFile, ...setInEnvironment });
  t.is(await capacity(await child.url()), 5);
});

test.serial("a flag counts more than a variable", async (t) => {
  const args = ["serve", "--max-concurrent-sessions", "6"];
  const child = program(t, args, { ...setInCode, ...setInFile, ...setInEnvironment });
  t.is(await capacity(await child.url()), 6);
});

test.serial("what .env sets is there for the agents, except what is the server's own", async (t) => {
  const agent = new URL("../../fixtures/runner/environment-agent.ts", import.meta.url).href;
  const dotEnv = "SOME_KEY=for-agents\nGREENROOM_API_KEYS=0123456789abcdef\n";
  const child = program(t, ["run"], { launcher: { agent }, dotEnv });
  child.end();
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^agent: SOME_KEY=for-agents GREENROOM_API_KEYS=undefined$/m);
});

test.serial("a wrong option of the command line is named, with what it must be", async (t) => {
  const wrong = [
    [["serve", "--port", "80a"], '--port: must be a whole number, not "80a"'],
    [["serve", "--port", "65536"], '--port: must be at most 65535, not "65536"'],
    [
      ["run", "--log-level", "loud"],
      '--log-level: must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
    ],
    [["serve", "--max-concurrent-sessions", "0"], '--max-concurrent-sessions: must be more than 0, not "0"'],
    [
      ["serve", "--max-sessions-per-call", "all"],
      '--max-sessions-per-call: must be a whole number or none, not "all"',
    ],
    ...["elevenlabs", "elevenlabs:0", "elevenlabs:1,elevenlabs:2", "elevenlabs:many"].map(
      (text) =>
        [
          ["serve", "--provider-concurrency", text],
          `--provider-concurrency: must be names with whole numbers above 0, such as elevenlabs:20,gemini:50, not "${text}"`,
        ] as const,
    ),
    [["serve", "--advertised-address", "10.0.0.7"], "--advertised-address: expected an http"],
    [
      ["serve", "--advertised-address", "http://0.0.0.0:8080"],
      "--advertised-address: 0.0.0.0 is every address of a machine",
    ],
    [["serve", "--registry-lease-ms", "100"], "--registry-lease-ms: must be at least 3000"],
    [["serve", "--registry-while-away", "perhaps"], "--registry-while-away: must be one of allow, refuse"],
    [["serve", "--prot", "1"], "unknown option '--prot'\n(Did you mean --port?)"],
    [["server"], "unknown command 'server'"],
    [["run", "--wav"], "greenroom: --wav: <file> is missing\n"],
    [["run", "--join", "--wav", "nothing.wav"], "--join is for a person"],
    [["serve", "now"], "too many arguments"],
    [["serve", "my/agent.ts"], "npx -c 'exec node my/agent.ts serve'"],
    [["serve", "--webhook-url", "http://127.0.0.1:1/"], "--webhook-url needs GREENROOM_WEBHOOK_SECRET"],
    [["serve", "--webhook-events", "turn, tool"], "--webhook-events is set, but --webhook-url is not"],
    [
      ["serve", "--webhook-events", "turn,tools"],
      '--webhook-events: Invalid option: expected one of "state"',
    ],
  ] as const;
  const { child, ends } = await commandLines(
    t,
    wrong.map(([args]) => args),
  );
  for (const [at, [args, complaint]] of wrong.entries()) {
    const { code, stderr } = ends[at]!;
    t.is(code, 2, args.join(" "));
    t.true(stderr.includes(complaint), stderr);
  }
  // The log of a server tells it too.
  const served = wrong.filter(([[command]]) => command === "serve");
  t.is(child.log.length, served.length);
  for (const [at, [, complaint]] of served.entries()) {
    t.is(child.log[at]?.level, 60);
    t.true(child.log[at]?.msg.includes(complaint.trim()), child.log[at]?.msg);
  }
});

test.serial(
  "every wrong option is named at once with where it came from, and no secret is shown",
  async (t) => {
    const child = new Child(t, [bin, "serve", "--close-grace-ms", "x"], {
      env: { PORT: "x", GREENROOM_DEBUG: "perhaps", GREENROOM_WEBHOOK_SECRET: "whsec_not base64" },
      dotEnv: "GREENROOM_METRICS_PORT=http",
    });
    t.is((await child.exit).code, 2);
    for (const complaint of [
      '--close-grace-ms: must be a whole number, not "x"',
      'PORT: must be a whole number, not "x"',
      'GREENROOM_DEBUG: must be true or false, not "perhaps"',
      "GREENROOM_WEBHOOK_SECRET: expected whsec_ and base64",
      'GREENROOM_METRICS_PORT in .env: must be a whole number or none, not "http"',
    ]) {
      t.true(child.stderr.includes(complaint), child.stderr);
    }
    t.false(child.stderr.includes("not base64"));
    t.deepEqual(
      child.log.map(({ level }) => level),
      [60],
    );
  },
);

longForm("a wrong option in the code is named too", async (t) => {
  const launcher = { agentIdleTimeout: 5 } as object;
  const child = program(t, ["serve"], { launcher });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /agentIdleTimeout: .*agentIdleTimeoutMs/);
});

test.serial(
  "variables that look like ours are named, in one line, and Kubernetes' own are no option",
  async (t) => {
    const env = {
      PORT: "0",
      // Of a Service named greenroom.
      GREENROOM_PORT: "tcp://10.0.0.1:80",
      GREENROOM_PROT: "8001",
      GREENROOM_DRAIN_TIMEOUT: "",
      GREENROOM_SOMETHING_ELSE: "s3cret",
      // Of Services that are named greenroom and greenroom-metrics.
      GREENROOM_SERVICE_HOST: "10.0.0.1",
      GREENROOM_SERVICE_PORT_HTTP: "80",
      GREENROOM_PORT_8000_TCP: "tcp://10.0.0.1:8000",
      GREENROOM_PORT_8000_TCP_ADDR: "10.0.0.1",
      GREENROOM_METRICS_SERVICE_PORT: "9100",
      GREENROOM_METRICS_PORT: "tcp://10.0.0.2:9100",
      GREENROOM_API_KEYS: "name:0123456789abcdef",
    };
    const options = { env, dotEnv: "GREENROOM_CLOSE_GRACE=10\n" };
    const child = new Child(t, [bin, "serve"], options);
    t.regex(await child.url(), /^http:\/\/127\.0\.0\.1:\d+$/);
    const { msg, level } = await child.logged(/^Ignored/);
    t.is(level, 40);
    const [head, ...names] = msg.split(/: |, (?=GREENROOM)/);
    t.is(head, "Ignored, since there is no such variable");
    t.deepEqual(names.sort(), [
      "GREENROOM_CLOSE_GRACE in .env (did you mean GREENROOM_CLOSE_GRACE_MS?)",
      "GREENROOM_PROT (did you mean GREENROOM_PORT?)",
      "GREENROOM_SOMETHING_ELSE",
    ]);
  },
);

test.serial("flags that npm took for its own are named, with what to write", async (t) => {
  const env = {
    npm_lifecycle_event: "start",
    npm_config_port: "9000",
    npm_config_splash: "",
    npm_config_cache: "/tmp",
    npm_config_redis_url: "redis://127.0.0.1:1",
  };
  const kept = "npm kept --port, --no-splash for itself, without effect here: flags follow two dashes";
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  const { level } = await child.logged(/^npm kept .*, as in npm start -- --port$/);
  t.is(level, 40);
  // npm passes the number of `--port 9000` on, without its flag.
  const wrong = new Child(t, [bin, "serve", "9000"], { env });
  t.is((await wrong.exit).code, 2);
  t.true(wrong.stderr.includes(kept), wrong.stderr);
});

longForm("API keys under a misspelt name are refused, since nobody would be asked for one", async (t) => {
  const env = { GREENROOM_API_KEY: "name:0123456789abcdef" };
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  t.is((await child.exit).code, 2);
  t.regex(
    child.stderr,
    /^greenroom: GREENROOM_API_KEY: there is no such .*; did you mean GREENROOM_API_KEYS\?$/m,
  );
  t.notRegex(child.stdout + child.stderr, /0123456789abcdef|ready/);
});

test.serial("the help names every flag, and the version is that of the manifest", async (t) => {
  const { ends } = await commandLines(t, [["serve", "--help"], ["run", "--help"], ["--version"]]);
  t.deepEqual(
    ends.map(({ code, stderr }) => [code, stderr]),
    [0, 0, 0].map((code) => [code, ""]),
  );
  const [serve = "", run = "", version] = ends.map(({ stdout }) => stdout);
  for (const flag of [
    "--host",
    "--port",
    "--agents-log-level",
    "--http-log-level",
    "--debug",
    "--no-splash",
    "--metrics-port",
  ]) {
    t.true(serve.includes(flag), flag);
  }
  for (const name of ["API_KEYS", "API_KEYS_FILE", "SESSION_TOKEN_SECRET", "WEBHOOK_SECRET"]) {
    t.regex(serve, new RegExp(`^  GREENROOM_${name} `, "m"));
  }
  for (const line of serve.split("\n")) t.true(line.length <= 80, line);
  for (const [, first = ""] of serve.matchAll(/^ {2}--\S+(?: <\w+>)? {2,}(.)/gm)) {
    t.is(first, first.toUpperCase(), `a description begins with ${first}`);
  }
  for (const flag of ["--call-type", "--call-id", "--no-demo", "--log-level", "--debug", "--no-splash"]) {
    t.true(run.includes(flag), flag);
  }
  t.regex(run.replaceAll(/\s+/g, " "), /--speed .* speech has holes/);
  t.is(version?.trim(), manifest.version);
});

longForm("no command is none: the usage, and exit code 2", async (t) => {
  const nothing = new Child(t, [bin]);
  t.is((await nothing.exit).code, 2);
  t.regex(nothing.stderr, /Usage: greenroom/);
});

longForm("a folder named .env is none of our business", async (t) => {
  const cwd = temporaryFolder(t);
  mkdirSync(join(cwd, ".env"));
  const child = new Child(t, [bin, "serve", "--port", "x"], { cwd });
  t.is((await child.exit).code, 2);
  t.false(child.stderr.includes(".env"));
});

const none = { find: () => undefined, names: () => [], warnings: [] };
const options = allOutsideOptions();

function read(name: string, text: string): unknown {
  const { key, row } = options.find((option) => option.name === name)!;
  const { all } = readSettings({ all: { [key]: row } }, new Map([[name, text]]), none);
  return (all as Readonly<Record<string, unknown>>)[key];
}

const levels = options.map(({ name }) => name).filter((name) => /loglevel$/i.test(name));

test("every level of logs takes the words of Vision Agents and of Python, in any case", (t) => {
  t.deepEqual(levels.toSorted(), ["agentsLogLevel", "httpLogLevel", "logLevel"]);
  for (const name of levels) {
    for (const [text, level] of [
      ["DEBUG", "debug"],
      ["INFO", "info"],
      ["info", "info"],
      ["Info", "info"],
      ["WARNING", "warn"],
      ["warning", "warn"],
      ["WARN", "warn"],
      ["ERROR", "error"],
      ["CRITICAL", "fatal"],
      [" silent ", "silent"],
    ] as const) {
      t.is(read(name, text), level, `${name} ${text}`);
    }
    t.throws(() => read(name, "LOUD"), { message: /must be one of trace, debug.*, not "LOUD"/ });
    t.throws(() => read(name, "constructor"), { message: /must be one of/ });
  }
});

test("choices and switches are read in any case", (t) => {
  t.is(read("registryWhileAway", "Refuse"), "refuse");
  for (const [text, value] of [
    ["True", true],
    ["ON", true],
    ["False", false],
    ["No", false],
  ] as const) {
    t.is(read("logTranscripts", text), value);
  }
  t.is(read("maxSessionsPerCall", "None"), null);
});

longForm("a server starts with the levels that Vision Agents' commands have", async (t) => {
  const levels = ["--log-level", "INFO", "--agents-log-level", "WARNING", "--http-log-level", "CRITICAL"];
  const child = new Child(t, [bin, "serve", "--port", "0", ...levels]);
  t.regex(await child.url(), /^http:/);
});
