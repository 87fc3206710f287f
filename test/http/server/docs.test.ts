import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { Validator } from "@seriousme/openapi-schema-validator";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { allEndpoints } from "../../../src/control-plane/router.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

test("the document is OpenAPI 3.1, says a public validator", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { body: document } = await ask("/openapi.json");
  t.is(document.openapi, "3.1.0");
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document));
  t.true(valid, JSON.stringify(errors));
  t.is(validator.version, "3.1");
});

test("it has every endpoint, and every name it uses", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { body: document, text } = await ask("/openapi.json");
  for (const { path, method, documentation } of allEndpoints({
    metricsPort: null,
    authenticated: false,
    strictBodies: false,
  })) {
    if (!documentation) continue;
    const operation = document.paths[path][method];
    t.is(operation.operationId, documentation.operationId);
    t.deepEqual(
      (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === "path").length,
      path.split("{").length - 1,
    );
  }
  const operationIds = [...text.matchAll(/"operationId":"(\w+)"/g)].map(([, id]) => id);
  t.is(new Set(operationIds).size, operationIds.length);
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    t.truthy(document.components.schemas[name!], name);
  }
  t.notRegex(text, /"\$ref":"(?!#\/components\/schemas\/\w+")/);
});

test("its bounds are those of the validator", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { components, paths } = (await ask("/openapi.json")).body;
  const { properties, required } = components.schemas.StartSessionRequest;
  t.deepEqual(required, ["call_id"]);
  t.is(properties.call_id.maxLength, 255);
  t.is(properties.call_type.default, "default");
  t.is(properties.config.type, "object");
  const limit = paths["/sessions"].get.parameters.find(({ name }: { name: string }) => name === "limit");
  t.is(limit.schema.default, 100);
});

test("each event of a stream is described", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { components, paths } = (await ask("/openapi.json")).body;
  const stream = paths["/sessions/{session_id}/events"].get.responses["200"].content["text/event-stream"];
  t.deepEqual(stream.schema, { $ref: "#/components/schemas/StreamedEvent" });
  const { oneOf } = components.schemas.SessionEvent;
  const types = oneOf.map(
    ({ properties }: { properties: { type: { const: string } } }) => properties.type.const,
  );
  t.deepEqual(types, [
    "state",
    "transcript",
    "turn",
    "tool",
    "user_silent",
    "participant_unheard",
    "participant_heard",
    "role",
    "blocked",
    "interrupted",
    "resumed",
    "metrics",
    "end",
  ]);
  t.deepEqual(Object.keys(components.schemas.ResponseLatency.properties), [
    "response_ms",
    "end_of_turn_ms",
    "first_token_ms",
    "first_sentence_ms",
    "first_byte_ms",
    "output_ms",
  ]);
});

test("who reads it sees what to try: examples, this server, and no padlock where nobody is asked", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { components, paths, servers } = (await ask("/openapi.json")).body;
  t.deepEqual(servers, [{ url: ".", description: "this server" }]);
  const { properties } = components.schemas.StartSessionRequest;
  t.is(properties.call_id.example, "first-call");
  t.deepEqual(properties.config.example, {});
  for (const path of ["/health", "/sessions"]) t.is(paths[path].get.security, undefined, path);
});

test("nothing is to be authorised on a server that asks nobody; else all that it may ask for", async (t) => {
  const open = await openServer(t, t.context.launcher);
  const { body, text } = await open.ask("/openapi.json");
  t.notRegex(text, /"security(Schemes)?":/);
  t.truthy(body.components.schemas.StartSessionRequest);

  const asking = await openServer(t, t.context.launcher, { getCurrentUser: () => "ann" });
  const { components, paths, security } = (await asking.ask("/openapi.json")).body;
  t.deepEqual(Object.keys(components.securitySchemes), ["bearer", "apiKey", "sessionToken"]);
  t.deepEqual(security, [{}, { bearer: [] }, { apiKey: [] }]);
  for (const path of ["/health", "/serving", "/ready", "/metrics"]) t.deepEqual(paths[path].get.security, []);
  t.deepEqual(paths["/sessions/{session_id}/events"].get.security.at(-1), { sessionToken: [] });
  t.is(paths["/sessions"].get.security, undefined);
});

test("where metrics have a port of their own, they are not on this one", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, { metricsPort: 9_100 });
  t.is((await ask("/openapi.json")).body.paths["/metrics"], undefined);
});

/** Returns the addresses that a page loads, as they are written there. */
const loaded = (html: string) => [...html.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, url]) => url!);

test("the page loads everything from this server, with its right type", async (t) => {
  const { url, ask } = await openServer(t, t.context.launcher);
  for (const path of ["/docs", "/docs/"]) {
    const page = await ask(path);
    t.is(page.status, 200);
    t.is(page.headers.get("content-type"), "text/html; charset=utf-8");
    const files = loaded(page.text);
    t.is(files.length, 4);
    for (const file of files) {
      const at = new URL(file, url + path);
      t.is(at.origin, url);
      const { status, headers, text } = await ask(at.pathname);
      t.is(status, 200, at.pathname);
      t.is(headers.get("x-content-type-options"), "nosniff");
      t.regex(headers.get("content-type") ?? "", /^(text\/css|text\/javascript|image\/png)/);
      t.true(text.length > 100);
    }
  }
});

test("who opens the server in a browser is sent to the page", async (t) => {
  const { url, ask } = await openServer(t, t.context.launcher, { talkPage: "never" });
  for (const method of ["GET", "HEAD"]) {
    const { status, headers } = await fetch(`${url}/`, { method, redirect: "manual" });
    t.deepEqual([status, headers.get("location")], [302, "/docs"]);
  }
  t.is((await ask("/openapi.json")).body.paths["/"], undefined);
});

test("its policy lets nothing be loaded from elsewhere, and no inline script run", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const { headers, text } = await ask("/docs");
  const policy = headers.get("content-security-policy") ?? "";
  t.regex(policy, /default-src 'none'/);
  for (const directive of policy.split("; ")) {
    t.notRegex(directive, /https?:|\*/);
    if (directive.startsWith("script-src")) t.is(directive, "script-src 'self'");
  }
  t.notRegex(text, /<script(?![^>]*src=)/);
  t.notRegex(text, /\bon\w+=/);
});

test("Swagger UI is given the document of this server, and no public service", async (t) => {
  const { url, ask } = await openServer(t, t.context.launcher);
  const { text } = await ask("/docs/docs.js");
  let given: Record<string, unknown> = {};
  const SwaggerUIBundle = Object.assign(
    (options: Record<string, unknown>) => {
      given = options;
    },
    { presets: { apis: [] } },
  );
  runInNewContext(text, {
    SwaggerUIBundle,
    URL,
    document: { currentScript: { src: `${url}/prefix/docs/docs.js` } },
  });
  t.is(given.url, `${url}/prefix/openapi.json`);
  t.is(given.validatorUrl, null);
});

test("a file that is not the page's is not found", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const path of [
    "/docs/none.js",
    "/docs/..%2F..%2Fpackage.json",
    "/docs/swagger-ui.js",
    "/docs/__proto__",
  ]) {
    const { status, body } = await ask(path);
    t.is(status, 404, path);
    t.is(body.code, "NOT_FOUND");
  }
});

test("the files beside the module count first; without any, nothing is read", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const source = join(import.meta.dirname, "../../../src/control-plane/documents/pages/swagger-ui.ts");
  cpSync(source, join(folder, "swagger-ui.ts"));
  // Otherwise the nearest one above the temporary folder says what kind of module it is.
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const { readSwaggerFile } = (await import(pathToFileURL(join(folder, "swagger-ui.ts")).href)) as {
    readSwaggerFile(name: string): Promise<Buffer | null>;
  };
  t.is(await readSwaggerFile("swagger-ui.css"), null);
  cpSync(source, join(folder, "swagger-ui", "swagger-ui.css"));
  t.true((await readSwaggerFile("swagger-ui.css"))!.length > 100);
});
