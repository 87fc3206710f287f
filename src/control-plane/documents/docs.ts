import { GreenroomError } from "../../shared/errors.ts";
import { version } from "../../shared/version.ts";
import type { Endpoint } from "../endpoint.ts";
import type { Exchange } from "../exchange.ts";
import { HttpError } from "../http/http-error.ts";
import { notesOf } from "../http/request-notes.ts";
import { openApiDocument } from "./openapi.ts";
import { docsPage, docsPolicy, docsScript } from "./pages/docs-page.ts";
import { isSwaggerFile, readSwaggerFile, swaggerFiles } from "./pages/swagger-ui.ts";

/** Returns the endpoints of the OpenAPI document of these endpoints, and of a page to read it. */
export function documentationEndpoints(
  documented: readonly Endpoint[],
  how: { readonly secured: boolean; readonly strictBodies: boolean },
): readonly Endpoint[] {
  const text = JSON.stringify(openApiDocument(documented, version, how));
  return [
    {
      method: "get",
      path: "/openapi.json",
      documentation: null,
      handle({ ctx }) {
        notesOf(ctx).quiet = true;
        ctx.type = "application/json";
        ctx.body = text;
      },
    },
    {
      method: "get",
      path: "/docs",
      documentation: null,
      handle({ ctx }) {
        notesOf(ctx).quiet = true;
        protect(ctx);
        ctx.type = "text/html; charset=utf-8";
        ctx.body = docsPage(ctx.path.endsWith("/") ? "" : "docs/");
      },
    },
    { method: "get", path: "/docs/{file}", documentation: null, handle: showFile },
  ];
}

async function showFile({ ctx, params }: Exchange): Promise<void> {
  notesOf(ctx).quiet = true;
  protect(ctx);
  const { file = "" } = params;
  if (file === "docs.js") {
    ctx.type = "text/javascript; charset=utf-8";
    ctx.body = docsScript;
    return;
  }
  if (!isSwaggerFile(file)) throw new GreenroomError("NOT_FOUND");
  const content = await readSwaggerFile(file);
  if (!content)
    throw new HttpError(404, "Swagger UI is not installed; the document itself is at /openapi.json");
  ctx.set("Content-Type", swaggerFiles[file]);
  ctx.set("Cache-Control", "public, max-age=3600");
  ctx.body = content;
}

function protect(ctx: Exchange["ctx"]): void {
  ctx.set("Content-Security-Policy", docsPolicy);
  ctx.set("Referrer-Policy", "no-referrer");
}
