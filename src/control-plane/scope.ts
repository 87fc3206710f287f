import type { IncomingMessage } from "node:http";
import { GreenroomError } from "../errors.ts";
import type { JsonValue } from "../protocol.ts";
import type { Session } from "../supervisor/session.ts";

/** What a permission callback may know of a session. */
export type ScopedSession = Pick<
  Session,
  "id" | "callId" | "callType" | "config" | "createdBy" | "startedAt" | "state" | "endReason" | "endedAt"
>;

/** A function of the request that others can be built on: `(scope) => value`, or a promise of it. */
export type Dependency<T> = (scope: Scope) => T | Promise<T>;

/**
 * Denies by returning `false` or `null`, or by throwing an `HttpError`. What else it returns does not matter, so that a
 * dependency which throws can be used as it is.
 */
export type Permission = Dependency<unknown>;

/** One request, or one session of a list, as dependencies see it. */
export interface Scope {
  readonly method: string;
  /** The path of the request, without its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly query: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** `session_id` and `call_id`, where the path has them. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * The JSON body; undefined where there is none. For `canStartSession` it is complete: `call_id`, `call_type` and `config`,
   * wherever they came from.
   */
  readonly body: JsonValue | undefined;
  /** Address of the client; behind proxies see `trustedProxyCount`. */
  readonly ip: string;
  /**
   * The session that the request is about, also for 10 minutes after its end. Where there is none by that id, it throws the
   * same 404 that a caller gets who may not view it, so that the two cannot be told apart. Of a session whose replica is
   * out of reach only what the fleet's registry holds is known: its `config` is empty then.
   */
  session(): ScopedSession;
  /**
   * The value of another dependency. Each runs once a request, however many ask for it; in a list, those that look at the
   * session run once for each session.
   */
  resolve<T>(dependency: Dependency<T>): Promise<T>;
  /** Runs `release` when the request ends, errors included, and an event stream when it is over. The last one runs first. */
  defer(release: () => unknown): void;
}

/** What a scope is about: it differs between a request and the sessions of its list. */
export interface Subject {
  readonly params: Readonly<Record<string, string>>;
  readonly find: (() => ScopedSession | undefined) | null;
}

interface Resolution {
  readonly value: Promise<unknown>;
  /** It has read what only this subject has. */
  readonly ofSubject: { read: boolean };
}

type Resolutions = Map<Dependency<unknown>, Resolution>;

/** What the scopes of one request share. */
interface Shared {
  readonly request: IncomingMessage;
  readonly ip: string;
  readonly path: string;
  readonly resolutions: Resolutions;
  readonly releases: (() => unknown)[];
  /** Set when the request is over. */
  releaseLate: ((release: () => unknown) => void) | undefined;
  body: JsonValue | undefined;
  headers: Headers | undefined;
  query: URLSearchParams | undefined;
  cookies: ReadonlyMap<string, string> | undefined;
}

/**
 * A {@link Scope} that notes what is read from it. A dependency that did not look at the subject has the same value for the
 * whole request, so it is kept there; one that did, directly or through another, is kept with the subject.
 */
export class RequestScope implements Scope {
  readonly #shared: Shared;
  readonly #subject: Subject;
  readonly #ofSubject: Resolutions;
  readonly #reading: { read: boolean };

  private constructor(shared: Shared, subject: Subject, ofSubject: Resolutions, reading: { read: boolean }) {
    this.#shared = shared;
    this.#subject = subject;
    this.#ofSubject = ofSubject;
    this.#reading = reading;
  }

  static of(request: IncomingMessage, from: { ip: string; path: string }, subject: Subject): RequestScope {
    const shared: Shared = {
      request,
      ...from,
      resolutions: new Map(),
      releases: [],
      releaseLate: undefined,
      body: undefined,
      headers: undefined,
      query: undefined,
      cookies: undefined,
    };
    return new RequestScope(shared, subject, new Map(), { read: false });
  }

  /** The scope of one session of a list. */
  child(subject: Subject): RequestScope {
    return new RequestScope(this.#shared, subject, new Map(), { read: false });
  }

  get method(): string {
    return this.#shared.request.method ?? "GET";
  }
  get path(): string {
    return this.#shared.path;
  }
  get ip(): string {
    return this.#shared.ip;
  }
  get body(): JsonValue | undefined {
    return this.#shared.body;
  }
  set body(body: JsonValue | undefined) {
    this.#shared.body = body;
  }
  get params(): Readonly<Record<string, string>> {
    this.#reading.read = true;
    return this.#subject.params;
  }
  get headers(): Headers {
    this.#shared.headers ??= readHeaders(this.#shared.request);
    return this.#shared.headers;
  }
  get query(): URLSearchParams {
    this.#shared.query ??= readQuery(this.#shared.request);
    return this.#shared.query;
  }
  get cookies(): ReadonlyMap<string, string> {
    this.#shared.cookies ??= readCookies(this.#shared.request.headers.cookie);
    return this.#shared.cookies;
  }

  // These three are functions of their own, so that a dependency may take them apart: `({ resolve }) => resolve(user)`.
  readonly session = (): ScopedSession => {
    this.#reading.read = true;
    const { find, params } = this.#subject;
    if (!find) {
      throw new Error(
        `${this.method} ${this.path} is not about a session: scope.session() has no value there`,
      );
    }
    const session = find();
    if (!session) throw new GreenroomError("SESSION_NOT_FOUND", params.session_id);
    return session;
  };

  readonly resolve = <T>(dependency: Dependency<T>): Promise<T> => {
    const key = dependency as Dependency<unknown>;
    const known = this.#shared.resolutions.get(key) ?? this.#ofSubject.get(key) ?? this.#run(key);
    const value = known.value.finally(() => {
      if (known.ofSubject.read) this.#reading.read = true;
    });
    // A rejection that the dependency does not wait for must not become an unhandled one: that would end the process.
    value.catch(() => undefined);
    return value as Promise<T>;
  };

  readonly defer = (release: () => unknown): void => {
    const { releases, releaseLate } = this.#shared;
    if (releaseLate) releaseLate(release);
    else releases.push(release);
  };

  /**
   * The request is over: takes what was deferred, the last one first. What a dependency defers later, because nobody waited
   * for it any more, goes to `late`.
   */
  end(late: (release: () => unknown) => void): (() => unknown)[] {
    this.#shared.releaseLate = late;
    return this.#shared.releases.splice(0).reverse();
  }

  #run(dependency: Dependency<unknown>): Resolution {
    const ofSubject = { read: false };
    const scope = new RequestScope(this.#shared, this.#subject, this.#ofSubject, ofSubject);
    const value = (async () => dependency(scope))();
    const resolution = { value, ofSubject };
    this.#ofSubject.set(dependency, resolution);
    const settled = () => {
      if (ofSubject.read) return;
      this.#ofSubject.delete(dependency);
      this.#shared.resolutions.set(dependency, resolution);
    };
    value.then(settled, settled);
    return resolution;
  }
}

function readHeaders(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) headers.append(name, one);
  }
  return headers;
}

function readQuery(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? "";
  const start = url.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : url.slice(start + 1));
}

function readCookies(header: string | undefined): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    const value = pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, "$1");
    if (!cookies.has(name)) cookies.set(name, decoded(value));
  }
  return cookies;
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
