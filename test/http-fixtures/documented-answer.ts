import { createRequire } from "node:module";
import { openApiDocument } from "../../src/control-plane/documents/openapi.ts";
import { allEndpoints } from "../../src/control-plane/router.ts";
import type { Answer } from "./open-server.ts";

type Json = { [key: string]: Json };
interface Ajv {
  addSchema(schema: unknown, key: string): void;
  getSchema(key: string): { (value: unknown): boolean; errors?: unknown } | undefined;
}

/** The JSON schema validator that the OpenAPI validator brings. */
const require = createRequire(createRequire(import.meta.url).resolve("@seriousme/openapi-schema-validator"));
const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Ajv };
const addFormats = require("ajv-formats") as (ajv: Ajv) => void;

const document = openApiDocument(
  allEndpoints({ metricsPort: null, authenticated: true, strictBodies: false }),
  "0",
  { secured: true, strictBodies: false },
) as {
  paths: Json;
};
const ajv = new Ajv2020({ strict: false });
addFormats(ajv);
ajv.addSchema(document, "api");

const operations = Object.keys(document.paths).map((path) => ({
  path,
  matches: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?(\\?.*)?$`),
}));

/** Checks an answer. Throws where the API does not document it. Paths that are not in the document are not checked. */
export function documentedAnswer(method: string, path: string, answer: Answer): void {
  const template = operations.find(({ matches }) => matches.test(path))?.path;
  const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (template === undefined || !operation) return;
  const place = `${method} ${template} → ${answer.status}`;
  const response = operation.responses?.[answer.status];
  if (!response) throw new Error(`${place} is not documented: ${answer.text}`);
  if (!response.content?.["application/json"]) return;
  const pointer = [
    "paths",
    template,
    method.toLowerCase(),
    "responses",
    String(answer.status),
    "content",
    "application/json",
    "schema",
  ]
    .map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1")))
    .join("/");
  check(place, pointer, answer.body);
}

/** Checks the data of an event. Throws where the API does not document such data. */
export function documentedEvent(data: unknown): void {
  check("An event", "components/schemas/StreamedEvent", data);
}

function check(what: string, pointer: string, value: unknown): void {
  const validate = ajv.getSchema(`api#/${pointer}`);
  if (!validate) throw new Error(`${what} has no schema`);
  if (validate(value)) return;
  const { errors } = validate;
  throw new Error(`${what} is not as documented: ${JSON.stringify(errors)} ${JSON.stringify(value)}`);
}
