import type { IncomingMessage } from "node:http";
import type { Dependency, Scope, ScopedSession } from "../../api/scope.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { readCookies, readHeaders, readQuery } from "../http/request-parts.ts";

/** The subject of a scope: it differs between a request and the sessions of its list. */
export interface Subject {
  readonly params: Readonly<Record<string, string>>;
  readonly find: (() => ScopedSession | undefined) | null;
}

/**
 * The parts of a request that a dependency has read, directly or through other dependencies. They decide for how long
 * its value holds.
 */
interface Reads {
  /** True once it has read the session or the parameters of the path, which differ within a list. */
  subject: boolean;
  /** True once it has read the request itself: its method, path, query, body, or the client's address. */
  request: boolean;
  /** True once it has read headers or cookies, which identify the caller. */
  credentials: boolean;
  /** True once it has deferred a function to the end of this request. */
  deferred: boolean;
}

const readable = ["subject", "request", "credentials", "deferred"] as const satisfies (keyof Reads)[];
const nothingRead = (): Reads => ({ subject: false, request: false, credentials: false, deferred: false });

interface Resolution {
  readonly value: Promise<unknown>;
  readonly reads: Reads;
}

type Resolutions = Map<Dependency<unknown>, Resolution>;

/** The request, as its dependencies see it. */
interface Shared {
  readonly request: IncomingMessage;
  readonly ip: string;
  readonly path: string;
  readonly resolutions: Resolutions;
  readonly ending: SessionEndView;
  body: JsonValue | undefined;
  headers: Headers | undefined;
  query: URLSearchParams | undefined;
  cookies: ReadonlyMap<string, string> | undefined;
}

/** The functions that are to be called when the request ends. */
interface SessionEndView {
  readonly releases: (() => unknown)[];
  /** Runs a function that was deferred after the end of the request; it is set when the request is over. */
  releaseLate: ((release: () => unknown) => void) | undefined;
}

/** The caller of a request, for later requests that are made in their name. It holds secrets. */
export interface Credentials {
  readonly headers: Headers;
  /** The values that were derived from the headers alone. They stay valid although a token in the headers may have expired. */
  readonly resolutions: ReadonlyMap<Dependency<unknown>, Resolution>;
}

/** Returns the credentials of a caller of whom only the value of `getCurrentUser` is known. */
export function knownCaller(getCurrentUser: Dependency<unknown> | undefined, user: JsonValue): Credentials {
  const resolution = { value: Promise.resolve(user), reads: nothingRead() };
  return {
    headers: new Headers(),
    resolutions: new Map(getCurrentUser ? [[getCurrentUser, resolution]] : []),
  };
}

/**
 * A {@link Scope} that notes what is read from it. A dependency that did not look at the subject has the same value for the
 * whole request, so it is kept there; one that did, directly or through another, is kept with the subject.
 */
export class RequestScope implements Scope {
  readonly #shared: Shared;
  readonly #subject: Subject;
  readonly #ofSubject: Resolutions;
  readonly #reads: Reads;

  private constructor(shared: Shared, subject: Subject, ofSubject: Resolutions, reads: Reads) {
    this.#shared = shared;
    this.#subject = subject;
    this.#ofSubject = ofSubject;
    this.#reads = reads;
  }

  static of(request: IncomingMessage, from: { ip: string; path: string }, subject: Subject): RequestScope {
    const shared: Shared = {
      request,
      ...from,
      resolutions: new Map(),
      ending: { releases: [], releaseLate: undefined },
      body: undefined,
      headers: undefined,
      query: undefined,
      cookies: undefined,
    };
    return new RequestScope(shared, subject, new Map(), nothingRead());
  }

  /** Returns the scope of one session of a list. */
  child(subject: Subject): RequestScope {
    return new RequestScope(this.#shared, subject, new Map(), nothingRead());
  }

  /**
   * Returns the credentials of the caller of this request.
   * @param user The dependency whose value identifies the caller, whatever it has read.
   */
  credentials(user: Dependency<unknown> | undefined): Credentials {
    const ofCaller = [...this.#shared.resolutions, ...this.#ofSubject].filter(
      ([dependency, { reads }]) =>
        dependency === user || (reads.credentials && !reads.subject && !reads.request && !reads.deferred),
    );
    return { headers: this.headers, resolutions: new Map(ofCaller) };
  }

  /** Returns the same request, as if another caller had sent it. */
  inNameOf({ headers, resolutions }: Credentials): RequestScope {
    const cookies = readCookies(headers.get("cookie") ?? undefined);
    const shared = { ...this.#shared, headers, cookies, resolutions: new Map(resolutions) };
    return new RequestScope(shared, this.#subject, new Map(), nothingRead());
  }

  get method(): string {
    this.#reads.request = true;
    return this.#shared.request.method ?? "GET";
  }
  get path(): string {
    this.#reads.request = true;
    return this.#shared.path;
  }
  get ip(): string {
    this.#reads.request = true;
    return this.#shared.ip;
  }
  get body(): JsonValue | undefined {
    this.#reads.request = true;
    return this.#shared.body;
  }
  set body(body: JsonValue | undefined) {
    this.#shared.body = body;
  }
  get params(): Readonly<Record<string, string>> {
    this.#reads.subject = true;
    return this.#subject.params;
  }
  get headers(): Headers {
    this.#reads.credentials = true;
    this.#shared.headers ??= readHeaders(this.#shared.request);
    return this.#shared.headers;
  }
  get query(): URLSearchParams {
    this.#reads.request = true;
    this.#shared.query ??= readQuery(this.#shared.request);
    return this.#shared.query;
  }
  get cookies(): ReadonlyMap<string, string> {
    this.#reads.credentials = true;
    this.#shared.cookies ??= readCookies(this.#shared.request.headers.cookie);
    return this.#shared.cookies;
  }

  // These three are functions of their own, so that a dependency may take them apart: `({ resolve }) => resolve(user)`.
  readonly session = (): ScopedSession => {
    this.#reads.subject = true;
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
      for (const what of readable) this.#reads[what] ||= known.reads[what];
    });
    // The rejection of a value that the dependency does not await must not be unhandled, which would end the process.
    value.catch(() => undefined);
    return value as Promise<T>;
  };

  readonly defer = (release: () => unknown): void => {
    this.#reads.deferred = true;
    const { releases, releaseLate } = this.#shared.ending;
    if (releaseLate) releaseLate(release);
    else releases.push(release);
  };

  /**
   * Ends the request. Returns the deferred functions, the last one first. A function that is deferred later, by a
   * dependency that was not awaited, goes to `late`.
   */
  end(late: (release: () => unknown) => void): (() => unknown)[] {
    this.#shared.ending.releaseLate = late;
    return this.#shared.ending.releases.splice(0).reverse();
  }

  #run(dependency: Dependency<unknown>): Resolution {
    const reads = nothingRead();
    const scope = new RequestScope(this.#shared, this.#subject, this.#ofSubject, reads);
    const value = (async () => dependency(scope))();
    const resolution = { value, reads };
    this.#ofSubject.set(dependency, resolution);
    const settled = () => {
      if (reads.subject) return;
      this.#ofSubject.delete(dependency);
      this.#shared.resolutions.set(dependency, resolution);
    };
    value.then(settled, settled);
    return resolution;
  }
}
