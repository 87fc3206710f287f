import { z } from "zod";
import { permissions } from "../../options/permissions.ts";
import type { DocumentedAnswer, Endpoint, EndpointDocumentation } from "../endpoint.ts";
import { components } from "./components.ts";

type Json = Record<string, unknown>;

/** The patterns that headers of requests must match, by their names. */
const headerPatterns: Readonly<Record<string, string>> = {
  "Idempotency-Key": "^[\\x20-\\x7e]{1,255}$",
  "Last-Event-ID": "^\\d{0,15}$",
};

const prefix = "#/components/schemas/";

/**
 * Returns the OpenAPI 3.1 document of these endpoints, made from the schemas that validate them.
 * @param how.secured True where callers authenticate.
 * @param how.strictBodies True where fields that are not known are refused.
 */
export function openApiDocument(
  endpoints: readonly Endpoint[],
  version: string,
  how: { readonly secured: boolean; readonly strictBodies: boolean },
): Json {
  const { secured } = how;
  const paths: Record<string, Json> = {};
  for (const { path, method, judgement, opensByToken, documentation, textBody } of endpoints) {
    if (!documentation) continue;
    const byToken = opensByToken ?? (judgement !== undefined && permissions[judgement].byToken);
    paths[path] = {
      ...paths[path],
      [method]: operation(path, documentation, { secured, byToken, textBody }),
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Greenroom",
      version,
      description: "Puts AI voice agents into calls. Errors are JSON with `detail` and `code`.",
      license: { name: "MIT", identifier: "MIT" },
    },
    // The address is relative to the document: an application may serve the API under a path of its own.
    servers: [{ url: ".", description: "this server" }],
    tags: [
      { name: "sessions", description: "Agents in calls." },
      { name: "calls", description: "The same sessions under the paths of Vision Agents." },
      { name: "server", description: "The server itself." },
    ],
    paths,
    components: {
      schemas: how.strictBodies ? closed(componentSchemas(), endpoints) : componentSchemas(),
      ...(secured ? { securitySchemes } : {}),
    },
    ...(secured ? { security: credentials } : {}),
  };
}

/** The ready-made security schemes. The operator chooses which of them the server asks for. */
const securitySchemes = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "An API key or a JWT, where the server asks for one.",
  },
  apiKey: {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: "An API key, where the server asks for one.",
  },
  sessionToken: {
    type: "apiKey",
    in: "query",
    name: "token",
    description: "The session_token of a started session, for browsers: good for that session alone.",
  },
};

/** The credentials, of which a request needs one; or none, where the operator lets some callers in without. */
const credentials = [{}, { bearer: [] }, { apiKey: [] }];

interface OperationView {
  readonly secured: boolean;
  readonly byToken: boolean;
  readonly textBody: Endpoint["textBody"];
}

function operation(
  path: string,
  documentation: EndpointDocumentation,
  { secured, byToken, textBody }: OperationView,
): Json {
  const { operationId, summary, description, tag, query, headers, body, answers, anonymous } = documentation;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      ...(name === "call_id" ? { example: "first-call" } : {}),
      schema: { type: "string" },
    })),
    ...(query ? queryParameters(query) : []),
    ...Object.entries(headers ?? {}).map(([name, about]) => ({
      name,
      in: "header",
      required: false,
      description: about,
      schema: { type: "string", ...(name in headerPatterns ? { pattern: headerPatterns[name] } : {}) },
    })),
  ];
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            required: body.required,
            content: {
              "application/json": { schema: schemaOf(body.schema) },
              ...(textBody ? { [textBody]: { schema: { type: "string" } } } : {}),
            },
          },
        }
      : {}),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, answer]) => [status, response(answer)]),
    ),
    ...(secured && anonymous ? { security: [] } : {}),
    ...(secured && byToken ? { security: [...credentials, { sessionToken: [] }] } : {}),
  };
}

function response({ description, schema, contentType, headers }: DocumentedAnswer): Json {
  const type = contentType ?? (schema ? "application/json" : null);
  return {
    description,
    ...(headers
      ? {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, about]) => [
              name,
              { description: about, schema: { type: "string" } },
            ]),
          ),
        }
      : {}),
    ...(type ? { content: { [type]: { schema: schema ? schemaOf(schema) : { type: "string" } } } } : {}),
  };
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = clean(z.toJSONSchema(query, { io: "input" })) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function schemaOf(schema: z.ZodType): Json {
  const known = components.get(schema);
  if (known) return { $ref: prefix + known.id };
  throw new Error("Every body of the API is a named component");
}

function componentSchemas(): Json {
  const { schemas } = z.toJSONSchema(components, {
    uri: (id) => prefix + id,
    io: "input",
    unrepresentable: "any",
  });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, clean(schema)]));
}

/** Returns the schemas with the bodies of requests closed to further fields. */
function closed(schemas: Json, endpoints: readonly Endpoint[]): Json {
  const bodies = endpoints.map(({ documentation }) => documentation?.body?.schema);
  const ids = new Set(bodies.map((schema) => schema && components.get(schema)?.id));
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [
      id,
      ids.has(id) ? { ...(schema as Json), additionalProperties: false } : schema,
    ]),
  );
}

/**
 * Returns a schema without keywords that only a root schema has, and without zod's pattern of a date, which repeats the
 * format.
 */
function clean(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(clean);
  if (typeof schema !== "object" || schema === null) return schema;
  const isDate = "format" in schema && schema.format === "date-time";
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== "$schema" && key !== "$id" && key !== "id" && !(isDate && key === "pattern"))
      .map(([key, value]) => [key, clean(value)]),
  );
}
