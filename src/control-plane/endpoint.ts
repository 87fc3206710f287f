import type { z } from "zod";
import type { Exchange, JudgedEndpoint } from "./exchange.ts";

/** An answer of an endpoint, for the documentation. */
export interface DocumentedAnswer {
  readonly description: string;
  /** The schema of the JSON body; missing where there is no body. */
  readonly schema?: z.ZodType;
  /** The content type, where it is not JSON. */
  readonly contentType?: string;
  /** The descriptions of further headers, by name. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The text of the OpenAPI document about an endpoint, besides its path and method. */
export interface EndpointDocumentation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: "sessions" | "calls" | "server";
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: { readonly schema: z.ZodType; readonly required: boolean };
  readonly answers: Readonly<Record<number, DocumentedAnswer>>;
  /** True where callers do not authenticate. */
  readonly anonymous?: boolean;
}

export interface Endpoint extends JudgedEndpoint {
  readonly method: "get" | "post" | "patch" | "delete";
  /** The path, with parameters in braces: `/sessions/{session_id}`. */
  readonly path: string;
  /** True where every caller is answered, without checks of Host and Origin. It is for probes. */
  readonly open?: boolean;
  /** True where it reads a body although it documents none. */
  readonly readsBody?: boolean;
  /** The part in the OpenAPI document; null: it is not in the document. */
  readonly documentation: EndpointDocumentation | null;
  /** Sets the answer on `exchange.ctx`. An error that it throws is answered as one. */
  handle(exchange: Exchange): Promise<void> | void;
  /** Answers an error in another form than JSON. Returns whether it did. */
  handleError?(exchange: Exchange, error: unknown): boolean;
}
