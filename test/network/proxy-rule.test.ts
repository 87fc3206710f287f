import test from "ava";
import { proxyFor } from "../../src/network/proxy.ts";
import { threadEnvironment } from "../../src/supervisor/threads/thread-environment.ts";

const proxied = "http://proxy.test:3128/";

for (const [what, url, environment, expected] of [
  ["no variable", "https://api.test", {}, null],
  ["https", "https://api.test/v1", { HTTPS_PROXY: proxied }, proxied],
  ["wss as https", "wss://api.test/v1", { HTTPS_PROXY: proxied }, proxied],
  ["http", "http://api.test", { HTTP_PROXY: proxied }, proxied],
  ["ws as http", "ws://api.test", { HTTP_PROXY: proxied }, proxied],
  ["http by the other's variable", "http://api.test", { HTTPS_PROXY: proxied }, null],
  ["https by the other's variable", "https://api.test", { HTTP_PROXY: proxied }, null],
  ["lower case", "https://api.test", { https_proxy: proxied }, proxied],
  [
    "lower case before capitals",
    "https://api.test",
    { https_proxy: proxied, HTTPS_PROXY: "http://other.test" },
    proxied,
  ],
  ["an empty one", "https://api.test", { https_proxy: "", HTTPS_PROXY: " " }, null],
  [
    "an empty one beside one in capitals",
    "https://api.test",
    { https_proxy: "", HTTPS_PROXY: proxied },
    proxied,
  ],
  ["an address without a scheme", "https://api.test", { HTTPS_PROXY: "proxy.test:3128" }, proxied],
  [
    "credentials",
    "https://api.test",
    { HTTPS_PROXY: "http://a:b@proxy.test:3128" },
    "http://a:b@proxy.test:3128/",
  ],
  ["a proxy with TLS", "https://api.test", { HTTPS_PROXY: "https://proxy.test" }, "https://proxy.test/"],
  ["this machine", "http://127.0.0.1:8080", { HTTP_PROXY: proxied }, proxied],
] as const) {
  test(`the proxy of a URL: ${what}`, (t) => {
    t.is(proxyFor(url, environment)?.href ?? null, expected);
  });
}

for (const [list, url, direct] of [
  ["*", "https://api.test", true],
  ["api.test", "https://api.test", true],
  ["API.test", "https://api.TEST", true],
  ["api.test", "https://eu.api.test", true],
  ["api.test", "https://myapi.test", false],
  [".api.test", "https://eu.api.test", true],
  [".api.test", "https://api.test", true],
  ["*.api.test", "https://eu.api.test", true],
  ["*.api.test", "https://myapi.test", false],
  ["one.test, two.test", "https://two.test", true],
  ["one.test two.test", "https://two.test", true],
  ["one.test,,  ", "https://two.test", false],
  ["api.test:443", "https://api.test", true],
  ["api.test:443", "wss://api.test", true],
  ["api.test:8443", "https://api.test", false],
  ["api.test:8443", "https://api.test:8443", true],
  ["127.0.0.1", "https://127.0.0.1:9", true],
  ["127.0.0.1:9", "https://127.0.0.1:9", true],
  ["0.0.1", "https://127.0.0.1", false],
  ["10.0.0.0/8", "https://10.1.2.3", true],
  ["10.0.0.0/8", "https://11.1.2.3", false],
  ["10.0.0.0/8", "https://api.test", false],
  ["10.0.0.0/99,what/8", "https://10.1.2.3", false],
  ["::1", "https://[::1]:9", true],
  ["[::1]", "https://[::1]:9", true],
  ["[::1]:9", "https://[::1]:9", true],
  ["[::1]:8", "https://[::1]:9", false],
  ["fd00::/8", "https://[fd12::1]", true],
  ["fd00::/8", "https://10.1.2.3", false],
  ["localhost", "http://localhost:3000", true],
  [".svc.cluster.local", "http://hooks.shop.svc.cluster.local", true],
] as const) {
  test(`NO_PROXY=${list} ${direct ? "leaves out" : "does not leave out"} ${url}`, (t) => {
    const environment = { HTTP_PROXY: proxied, HTTPS_PROXY: proxied, NO_PROXY: list };
    t.is(proxyFor(url, environment) === null, direct);
  });
}

test("an invalid address of a proxy is named, and not quoted", (t) => {
  for (const wrong of ["socks5://user:secret@proxy.test", "http://", "http://user:secret@pro xy:1"]) {
    const error = t.throws(() => proxyFor("https://api.test", { https_proxy: wrong }), {
      instanceOf: TypeError,
    });
    t.regex(error.message, /^HTTPS_PROXY is no address of an HTTP proxy/);
    t.false(error.message.includes("secret"));
  }
});

test("session threads have the proxies' variables, whatever their environment is restricted to", (t) => {
  const ofProcess = { HTTPS_PROXY: proxied, no_proxy: "a.test", GREENROOM_API_KEY: "k", HOME: "/home" };
  t.like(threadEnvironment(undefined, ofProcess), {
    HTTPS_PROXY: proxied,
    no_proxy: "a.test",
    HOME: "/home",
  });
  const given = threadEnvironment({ A: "1" }, ofProcess);
  t.like(given, { A: "1", HTTPS_PROXY: proxied, no_proxy: "a.test" });
  t.deepEqual([given.HOME, given.GREENROOM_API_KEY], [undefined, undefined]);
  const own = threadEnvironment({ https_proxy: "", NO_PROXY: "b.test" }, ofProcess);
  t.deepEqual(
    [own.HTTPS_PROXY, own.https_proxy, own.no_proxy, own.NO_PROXY],
    [undefined, "", undefined, "b.test"],
  );
});
