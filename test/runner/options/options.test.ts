import { mkdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import manifest from "../../../package.json" with { type: "json" };
import { bin, Child, program, temporaryFolder } from "../../fixtures/runner/child.ts";
import { ask } from "../../fixtures/runner/rest.ts";

const capacity = async (url: string): Promise<number> => {
  const { body } = await ask(url, "/metrics");
  return Number(/^greenroom_pool_capacity (\d+)$/m.exec(body)?.[1]);
};

const setInCode = { launcher: { maxConcurrentSessions: 3 } };
const setInFile = { dotEnv: "GREENROOM_MAX_CONCURRENT_SESSIONS=4\n" };
const setInEnvironment = { env: { GREENROOM_MAX_CONCURRENT_SESSIONS: "5" } };

test.serial("an option that only the code sets is that of the code", async (t) => {
  const child = program(t, ["serve"], setInCode);
  t.is(await capacity(await child.url()), 3);
});

test.serial(".env counts more than the code", async (t) => {
  const child = program(t, ["serve"], { ...setInCode, ...setInFile });
  t.is(await capacity(await child.url()), 4);
});

test.serial("a variable counts more than .env", async (t) => {
  const child = program(t, ["serve"], { ...setInCode, ...setInFile, ...setInEnvironment });
  t.is(await capacity(await child.url()), 5);
});

test.serial("a flag counts more than a variable", async (t) => {
  const args = ["serve", "--max-concurrent-sessions", "6"];
  const child = program(t, args, { ...setInCode, ...setInFile, ...setInEnvironment });
  t.is(await capacity(await child.url()), 6);
});

test.serial("an empty variable counts as not set", async (t) => {
  const child = program(t, ["serve"], { ...setInCode, env: { GREENROOM_MAX_CONCURRENT_SESSIONS: "" } });
  t.is(await capacity(await child.url()), 3);
});

test.serial("what .env sets is there for the agents, except what is the server's own", async (t) => {
  const agent = new URL("../../fixtures/runner/environment-agent.ts", import.meta.url).href;
  const dotEnv = "SOME_KEY=for-agents\nGREENROOM_API_KEYS=0123456789abcdef\n";
  const child = program(t, ["run"], { launcher: { agent }, dotEnv });
  child.end();
  t.is((await child.exit).code, 0);
  t.regex(child.stdout, /^agent: SOME_KEY=for-agents GREENROOM_API_KEYS=undefined$/m);
});

for (const [title, args, options, complaint] of [
  ["a flag", ["serve", "--port", "80a"], {}, '--port: must be a whole number, not "80a"'],
  ["a flag out of range", ["serve", "--port", "65536"], {}, '--port: must be at most 65535, not "65536"'],
  [
    "a variable",
    ["serve"],
    { env: { GREENROOM_PORT: "-1" } },
    'GREENROOM_PORT: must be a whole number, not "-1"',
  ],
  [
    "a line of .env",
    ["serve"],
    { dotEnv: "GREENROOM_PORT=http" },
    'GREENROOM_PORT in .env: must be a whole number, not "http"',
  ],
  ["the common variable", ["serve"], { env: { PORT: "x" } }, 'PORT: must be a whole number, not "x"'],
  [
    "a choice",
    ["run", "--log-level", "loud"],
    {},
    '--log-level: must be one of trace, debug, info, warn, error, fatal, silent, not "loud"',
  ],
  [
    "a limit",
    ["serve", "--max-concurrent-sessions", "0"],
    {},
    '--max-concurrent-sessions: must be more than 0, not "0"',
  ],
  [
    "a limit that may be none",
    ["serve", "--max-sessions-per-call", "all"],
    {},
    '--max-sessions-per-call: must be a whole number or none, not "all"',
  ],
  [
    "a switch",
    ["serve"],
    { env: { GREENROOM_DEBUG: "perhaps" } },
    'GREENROOM_DEBUG: must be true or false, not "perhaps"',
  ],
  ["an unknown flag", ["serve", "--prot", "1"], {}, "unknown option '--prot'\n(Did you mean --port?)"],
  ["an unknown command", ["server"], {}, "unknown command 'server'"],
  ["a flag without its value", ["run", "--wav"], {}, "greenroom: --wav: <file> is missing\n"],
  ["too many words", ["serve", "now"], {}, "too many arguments"],
  [
    "a webhook without a secret",
    ["serve", "--webhook-url", "http://127.0.0.1:1/"],
    {},
    "--webhook-url needs GREENROOM_WEBHOOK_SECRET",
  ],
  [
    "a webhook's secret",
    ["serve", "--webhook-url", "http://127.0.0.1:1/"],
    { env: { GREENROOM_WEBHOOK_SECRET: "weak" } },
    "GREENROOM_WEBHOOK_SECRET: expected whsec_ and base64",
  ],
] as const) {
  test.serial(`a wrong option is named with where it came from: ${title}`, async (t) => {
    const child = new Child(t, [bin, ...args], options);
    const { code } = await child.exit;
    t.is(code, 2);
    t.true(child.stderr.includes(complaint), child.stderr);
    // The log of a server tells it too.
    t.deepEqual(
      child.log.map(({ level }) => level),
      args[0] === "serve" ? [60] : [],
    );
  });
}

test.serial("every wrong option is named at once", async (t) => {
  const child = new Child(t, [bin, "serve", "--port", "x"], { dotEnv: "GREENROOM_WARM_SESSIONS=y" });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /--port: .*\n.*GREENROOM_WARM_SESSIONS in \.env: /);
});

test.serial("a wrong option in the code is named too", async (t) => {
  const launcher = { agentIdleTimeout: 5 } as object;
  const child = program(t, ["serve"], { launcher });
  t.is((await child.exit).code, 2);
  t.regex(child.stderr, /agentIdleTimeout: .*agentIdleTimeoutMs/);
});

test.serial("a secret that is wrong is not shown", async (t) => {
  const env = { GREENROOM_WEBHOOK_URL: "http://127.0.0.1:1/", GREENROOM_WEBHOOK_SECRET: "whsec_not base64" };
  const child = new Child(t, [bin, "serve"], { env });
  t.is((await child.exit).code, 2);
  t.false(child.stderr.includes("not base64"));
});

test.serial(
  "the variable that Kubernetes makes of a Service named greenroom is not taken for ours",
  async (t) => {
    const env = { GREENROOM_PORT: "tcp://10.0.0.1:80", PORT: "0" };
    const child = new Child(t, [bin, "serve"], { env });
    t.regex(await child.url(), /^http:\/\/127\.0\.0\.1:\d+$/);
  },
);

test.serial("variables that look like ours and are not are named, in one line", async (t) => {
  const env = {
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
  const child = new Child(t, [bin, "serve", "--port", "0"], options);
  const { msg, level } = await child.logged(/^Ignored/);
  t.is(level, 40);
  const [head, ...names] = msg.split(/: |, (?=GREENROOM)/);
  t.is(head, "Ignored, since there is no such variable");
  t.deepEqual(names.sort(), [
    "GREENROOM_CLOSE_GRACE in .env (did you mean GREENROOM_CLOSE_GRACE_MS?)",
    "GREENROOM_PROT (did you mean GREENROOM_PORT?)",
    "GREENROOM_SOMETHING_ELSE",
  ]);
  const talk = new Child(t, [bin, "run"], options);
  talk.end();
  t.is((await talk.exit).code, 0);
  t.regex(talk.stderr, /^greenroom: Ignored, .*$/m);
});

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
  const talk = new Child(t, [bin, "run"], { env: { ...env, npm_lifecycle_event: "console" } });
  talk.end();
  t.is((await talk.exit).code, 0);
  t.regex(talk.stderr, /^greenroom: npm kept .*, as in npm run console -- --port$/m);
});

test.serial("API keys under a misspelt name are refused, since nobody would be asked for one", async (t) => {
  const env = { GREENROOM_API_KEY: "name:0123456789abcdef" };
  const child = new Child(t, [bin, "serve", "--port", "0"], { env });
  t.is((await child.exit).code, 2);
  t.regex(
    child.stderr,
    /^greenroom: GREENROOM_API_KEY: there is no such .*; did you mean GREENROOM_API_KEYS\?$/m,
  );
  t.notRegex(child.stdout + child.stderr, /0123456789abcdef|ready/);
});

test.serial("the help names every flag, and no command is none", async (t) => {
  const help = new Child(t, [bin, "serve", "--help"]);
  t.is((await help.exit).code, 0);
  for (const flag of [
    "--host",
    "--port",
    "--agents-log-level",
    "--http-log-level",
    "--debug",
    "--no-splash",
    "--metrics-port",
  ]) {
    t.true(help.stdout.includes(flag), flag);
  }
  for (const name of ["API_KEYS", "API_KEYS_FILE", "SESSION_TOKEN_SECRET", "WEBHOOK_SECRET"]) {
    t.regex(help.stdout, new RegExp(`^  GREENROOM_${name} `, "m"));
  }
  for (const line of help.stdout.split("\n")) t.true(line.length <= 80, line);
  for (const [, first = ""] of help.stdout.matchAll(/^ {2}--\S+(?: <\w+>)? {2,}(.)/gm)) {
    t.is(first, first.toUpperCase(), `a description begins with ${first}`);
  }
  const run = new Child(t, [bin, "run", "--help"]);
  t.is((await run.exit).code, 0);
  for (const flag of ["--call-type", "--call-id", "--no-demo", "--log-level", "--debug", "--no-splash"]) {
    t.true(run.stdout.includes(flag), flag);
  }
  const nothing = new Child(t, [bin]);
  t.is((await nothing.exit).code, 2);
  t.regex(nothing.stderr, /Usage: greenroom/);
});

test.serial("the version is that of the manifest", async (t) => {
  const child = new Child(t, [bin, "--version"]);
  await child.exit;
  t.is(child.stdout.trim(), manifest.version);
});

test.serial("a folder named .env is none of our business", async (t) => {
  const cwd = temporaryFolder(t);
  mkdirSync(join(cwd, ".env"));
  const child = new Child(t, [bin, "serve", "--port", "x"], { cwd });
  t.is((await child.exit).code, 2);
  t.false(child.stderr.includes(".env"));
});
