import test from "ava";
import type { ServeOptions } from "greenroom";
import { exposureText, namesText } from "../../../src/control-plane/access/origins.ts";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";

const exposureWarning = (options?: ServeOptions) => exposureText(fillServeOptions(options));
const namesNotice = (options?: ServeOptions) => namesText(fillServeOptions(options));

test("options that are left out have their defaults", (t) => {
  const options = fillServeOptions();
  t.like(options, {
    host: "127.0.0.1",
    port: 8_000,
    metricsPort: null,
    corsAllowCredentials: false,
    sessionTokens: true,
    startsPerSecond: 50,
    timeouts: { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 75_000, checkIntervalMs: 5_000 },
    authenticated: false,
  });
  t.true(fillServeOptions({ canSendMessage: () => true }).authenticated);
});

test("what is wrong is named", (t) => {
  for (const [options, message] of [
    [{ prot: 1 }, "prot: there is no such option: did you mean port?"],
    [{ timeouts: { headers: 1 } }, "timeouts.headers: there is no such option"],
    [{ getCurrentUser: "ann" }, "getCurrentUser: expected a function"],
    [{ app: {} }, "app: expected a Koa application"],
    [{ corsAllowOrigins: ["app.example"] }, /corsAllowOrigins\.0: "app\.example" is not an origin, such as/],
    [{ corsAllowOrigins: ["https://app.example/"] }, /is not an origin: write "https:\/\/app\.example"/],
    [{ sessionTokenSecret: "short" }, /sessionTokenSecret \(GREENROOM_SESSION_TOKEN_SECRET\): /],
    [{ startsPerSecond: 0 }, /startsPerSecond: /],
    [{ timeouts: { headersMs: 2_000, requestMs: 1_000 } }, /timeouts\.headersMs must not be longer/],
  ] as [ServeOptions, string | RegExp][]) {
    t.throws(() => fillServeOptions(options), { message, code: "INVALID_OPTIONS" });
  }
});

test.serial("the secret of session tokens comes from the environment where the options have none", (t) => {
  process.env.GREENROOM_SESSION_TOKEN_SECRET = "from the environment, long enough";
  t.teardown(() => {
    delete process.env.GREENROOM_SESSION_TOKEN_SECRET;
  });
  t.is(fillServeOptions().sessionTokenSecret, "from the environment, long enough");
  t.is(fillServeOptions({ sessionTokenSecret: "x".repeat(32) }).sessionTokenSecret, "x".repeat(32));
});

test("a server that anybody may drive beyond this machine says so", (t) => {
  t.regex(exposureWarning({ host: "0.0.0.0" }) ?? "", /Anybody who can reach 0\.0\.0\.0 may start/);
  t.truthy(exposureWarning({ host: "::" }));
  t.truthy(exposureWarning({ host: "192.168.1.5", corsAllowOrigins: ["https://app.example"] }));
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
    t.is(exposureWarning({ host }), null, host);
  t.is(exposureWarning(), null);
  t.is(exposureWarning({ host: "0.0.0.0", canStartSession: () => true }), null);
});

test("names of the server are taken as people write them, and others are refused", (t) => {
  const written = ["Agents", "agents.example:8000", "https://x.ngrok.app/", "[::1]:80", "2001:db8::1", " b "];
  t.deepEqual(fillServeOptions({ allowedHosts: written }).allowedHosts, [
    "agents",
    "agents.example",
    "x.ngrok.app",
    "[::1]",
    "[2001:db8::1]",
    "b",
  ]);
  for (const wrong of ["", "a b", "a/b", "user@agents", "*"])
    t.throws(() => fillServeOptions({ allowedHosts: [wrong] }), {
      message: /allowedHosts\.0: .*not the name/,
    });
});

test("where nobody authenticates, the start says by which names it is called, and the flag that adds one", (t) => {
  t.regex(namesNotice() ?? "", /--allowed-hosts <name> \(GREENROOM_ALLOWED_HOSTS\)/);
  t.regex(namesNotice({ allowedHosts: ["agents"] }) ?? "", /localhost, agents\./);
  t.is(namesNotice({ getCurrentUser: () => "somebody" }), null);
  t.regex(namesNotice({ corsAllowOrigins: ["https://app.example"] }) ?? "", /--allowed-hosts/);
});
