import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

const test = anyTest as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher({ warmSessions: 1, maxConcurrentSessions: 1 });
});
test.after.always((t) => t.context.launcher.stop());

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
