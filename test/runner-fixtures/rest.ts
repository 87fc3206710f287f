/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  readonly body: any;
}

/** Asks; with a body it posts. Each on a connection of its own: a kept one may be closed by a shutdown just as it is used. */
export async function ask(url: string, path: string, body?: object, method?: string): Promise<Answer> {
  const response = await fetch(url + path, {
    method: method ?? (body ? "POST" : "GET"),
    headers: { connection: "close", ...(body ? { "content-type": "application/json" } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** Starts a session and returns its id. */
export async function startSession(url: string, config: object = {}): Promise<string> {
  const { status, body } = await ask(url, "/sessions", { call_id: "call", config });
  if (status !== 201) throw new Error(`The start was answered ${status}: ${JSON.stringify(body)}`);
  return body.session_id;
}

/** Reads a stream of events until it matches, and returns what was read. */
export async function heard(stream: Response, pattern: RegExp): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of stream.body ?? []) {
    text += decoder.decode(piece, { stream: true });
    if (pattern.test(text)) return text;
  }
  throw new Error(`The stream ended without ${pattern}:\n${text}`);
}
