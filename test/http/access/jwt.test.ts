import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import anyTest, { type TestFn } from "ava";
import { type AgentLauncher, type Dependency, type JwtOptions, jwt } from "greenroom";
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { fillServeOptions } from "../../../src/control-plane/serve-options.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";
import { Child } from "../../fixtures/runner/child.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const secret = "a secret of at least 32 characters";
const bytes = new TextEncoder().encode(secret);
type SigningKey = Parameters<SignJWT["sign"]>[0];

const sign = (claims: JWTPayload, { key = bytes as SigningKey, alg = "HS256", kid = "" } = {}) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid ? { kid } : {}) })
    .setIssuedAt()
    .sign(key);
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const soon = () => Math.floor(Date.now() / 1_000) + 60;

test("a token's claims are the dependency's value", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ secret }) });
  const token = await sign({ sub: "ann", role: "host", exp: soon() });
  const { session_id } = await start({}, bearer(token).headers);
  const { created_by } = (await ask(`/sessions/${session_id}`, bearer(token))).body;
  t.is(created_by.sub, "ann");
  t.is(created_by.role, "host");
});

test("a token that is not valid: 401 with a challenge, and no hint why", async (t) => {
  const options: JwtOptions = { secret, issuer: "https://issuer.example", audience: "greenroom" };
  const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: jwt(options) });
  const right = { iss: "https://issuer.example", aud: "greenroom", sub: "ann", exp: soon() };
  t.is((await ask("/sessions", bearer(await sign(right)))).status, 200);
  const other = new TextEncoder().encode("another secret of 32 characters!");
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(right)).toString("base64url")}.`;
  for (const [name, token] of Object.entries({
    "another secret": await sign(right, { key: other }),
    "another issuer": await sign({ ...right, iss: "https://evil.example" }),
    "another audience": await sign({ ...right, aud: "billing" }),
    "not yet": await sign({ ...right, nbf: soon() }),
    "another algorithm": await sign(right, { alg: "HS512" }),
    unsigned,
    nonsense: "nonsense",
    "three parts": "a.b.c",
    tampered: `${(await sign(right)).slice(0, -4)}AAAA`,
  })) {
    const { status, headers, body } = await ask("/sessions", bearer(token));
    t.is(status, 401, name);
    t.deepEqual(body, { detail: "The token is not valid", code: "UNAUTHORIZED" });
    t.is(headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  }
  const expired = await ask("/sessions", bearer(await sign({ ...right, exp: soon() - 3_600 })));
  t.is(expired.body.detail, "The token has expired");
  const none = await ask("/sessions");
  t.is(none.headers.get("www-authenticate"), "Bearer");
});

test("a public key: tokens of its private half, and of no other algorithm", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const pem = await exportSPKI(publicKey);
  const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ publicKey: pem }) });
  t.is(
    (await ask("/sessions", bearer(await sign({ sub: "a" }, { key: privateKey, alg: "RS256" })))).status,
    200,
  );
  const confused = await sign({ sub: "a" }, { key: new TextEncoder().encode(pem), alg: "HS256" });
  t.is((await ask("/sessions", bearer(confused))).status, 401);
  const elliptic = await generateKeyPair("ES256");
  t.is(
    (await ask("/sessions", bearer(await sign({}, { key: elliptic.privateKey, alg: "ES256" })))).status,
    401,
  );
});

test("published keys: found by their id; where they cannot be had it is not the caller's fault", async (t) => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  let down = true;
  const issuer = createServer((_request, response) => {
    response.statusCode = down ? 500 : 200;
    response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  t.teardown(() => issuer.close());
  const jwksUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/keys`;
  const { ask } = await openServer(t, t.context.launcher, { getCurrentUser: jwt({ jwksUrl }) });
  const token = await sign({ sub: "a" }, { key: privateKey, alg: "ES256", kid: "one" });
  const unavailable = await ask("/sessions", bearer(token));
  t.is(unavailable.status, 503);
  t.truthy(unavailable.headers.get("retry-after"));
  down = false;
  t.is((await ask("/sessions", bearer(token))).status, 200);
  const unknown = await sign({ sub: "a" }, { key: privateKey, alg: "ES256", kid: "two" });
  t.is((await ask("/sessions", bearer(unknown))).status, 401);
});

test("options that are wrong are named at the start, not when the agent's module is loaded", (t) => {
  for (const [options, message] of [
    [{}, /exactly one of secret, publicKey and jwksUrl/],
    [{ secret: "" }, /exactly one/],
    [{ secret, jwksUrl: "https://issuer.example/keys" }, /exactly one/],
    [{ secret: "short" }, /at least 32 characters/],
    [{ publicKey: "no key" }, /publicKey must be a key in PEM/],
    [{ jwksUrl: "keys" }, /jwksUrl must be a URL/],
  ] as [JwtOptions, RegExp][]) {
    const dependency = jwt(options);
    t.throws(() => fillServeOptions({ getCurrentUser: dependency }), { code: "INVALID_OPTIONS", message });
  }
});

test("they are named also where another dependency resolves it, at every start", (t) => {
  const token = jwt({ secret: undefined });
  const user: Dependency<unknown> = ({ resolve }) => resolve(token);
  for (let starts = 0; starts < 2; starts += 1) {
    t.throws(() => fillServeOptions({ getCurrentUser: user }), {
      code: "INVALID_OPTIONS",
      message: /exactly one/,
    });
  }
  // Named by an option, it is no affair of the other tests' servers.
  t.throws(() => fillServeOptions({ getCurrentUser: token }), { message: /exactly one/ });
});

test("the example does not start without its secret", async (t) => {
  const example = join(import.meta.dirname, "../../../examples/jwt-database.ts");
  for (const [JWT_SECRET, message] of [
    ["", /jwt\(\): give exactly one of secret/],
    ["short", /jwt\(\): secret must have at least 32 characters/],
  ] as const) {
    const child = new Child(t, [example, "serve", "--port", "0"], { env: { JWT_SECRET } });
    t.not((await child.exit).code, 0);
    t.regex(child.stderr, message);
  }
});

test("a secret that only .env has is there when the server starts", async (t) => {
  const example = join(import.meta.dirname, "../../../examples/jwt-database.ts");
  const child = new Child(t, [example, "serve", "--port", "0"], { dotEnv: `JWT_SECRET=${secret}\n` });
  t.is((await fetch(`${await child.readyUrl()}/sessions`)).status, 401);
});
