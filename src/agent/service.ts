import type { Measurement } from "../shared/session/measurement.ts";
import { errorKind } from "./error-kind.ts";
import type { AskPermit } from "./thread/permits.ts";

/** A model, a recogniser or a voice, as metrics name it. */
export interface Service {
  /** The name of who runs the service, such as `gemini`. */
  readonly provider: string;
  readonly model: string;
}

/** The cost of an answer of which nothing was used. */
export interface Spent {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly latencyMs: number;
}

/**
 * A listener to whom a `fallback` tells which of its services does the work, so that metrics can name it. A single
 * service need not tell: its own `provider` and `model` are right.
 */
export interface ServiceWatch {
  /** The work is this one's from here on, and so is what comes of it: words, sound, or the error that ends the request. */
  readonly onAsked?: (service: Service) => void;
  /** This one failed, which the request survives: another is asked. */
  readonly onFailed?: (service: Service, error: unknown) => void;
  /**
   * An answer of this one was of no use, for this reason, such as `empty`; it is asked again, or its request fails. Told by
   * those who ask again by themselves.
   */
  readonly onBadAnswer?: (service: Service, reason: string) => void;
  /** Takes the cost of an answer of this service of which nothing was used. */
  readonly onSpent?: (service: Service, spent: Spent) => void;
  /** Asks for a permit before each service is asked, since requests to its provider may be counted over all sessions. */
  readonly permit?: AskPermit;
}

/**
 * The members of a service that stands for several, and asks for the permit of each by itself. A registered symbol: it
 * holds across copies of the package.
 */
export const several: unique symbol = Symbol.for("greenroom.service.several") as never;

/** Returns the services that do the work of a service: those that it stands for, or itself. */
export function membersOf<One extends Service>(service: One): One[] {
  const { [several]: members } = service as { readonly [several]?: readonly One[] };
  return members === undefined ? [service] : members.flatMap((member) => membersOf(member));
}

/** Resolves when a request to the service may begin; to be disposed of when it is over. */
export async function permitFor(
  service: Service,
  ask: AskPermit | undefined,
  signal: AbortSignal,
): Promise<Disposable> {
  if (ask === undefined || several in service) return { [Symbol.dispose]: () => {} };
  return ask(service.provider, signal);
}

/** Returns the watch for one of several services, which may stand for several itself. */
export function watchOfMember(watch: ServiceWatch | undefined): { readonly watch?: ServiceWatch } {
  if (watch === undefined) return {};
  const { permit, onBadAnswer, onSpent } = watch;
  return {
    watch: {
      ...(permit === undefined ? {} : { permit }),
      ...(onBadAnswer === undefined ? {} : { onBadAnswer }),
      ...(onSpent === undefined ? {} : { onSpent }),
    },
  };
}

/** The part of a call's context that the use of a service needs. */
interface ServiceContext {
  readonly permit: AskPermit;
  readonly measure: (measurement: Measurement) => void;
}

/**
 * The use of a service by one request: it asks for the permit, and knows which service does the work, for the labels of
 * metrics, and which failed.
 */
export class ServiceUse {
  readonly watch: Required<ServiceWatch>;
  readonly #asked: Service;
  #working: Service;

  /** @param onBadAnswer Called when an answer was of no use, which is measured already. */
  constructor(
    { permit, measure }: ServiceContext,
    component: Extract<Measurement, { kind: "error" }>["component"],
    service: Service,
    onBadAnswer?: (service: Service, reason: string) => void,
  ) {
    this.#asked = service;
    this.#working = service;
    this.watch = {
      onAsked: (working) => {
        this.#working = working;
      },
      onFailed: ({ provider }, error) =>
        measure({ kind: "error", component, provider, error: errorKind(error) }),
      onBadAnswer: ({ provider, model }, reason) => {
        measure({ kind: "bad_answer", provider, model, reason });
        onBadAnswer?.({ provider, model }, reason);
      },
      onSpent: ({ provider, model }, spent) =>
        measure({ kind: "llm", provider, model, outcome: "failed", firstTokenMs: null, ...spent }),
      permit,
    };
  }

  /** Resolves when the request may begin; to be disposed of when it is over. */
  permit(signal: AbortSignal): Promise<Disposable> {
    return permitFor(this.#asked, this.watch.permit, signal);
  }

  get labels(): Service {
    const { provider, model } = this.#working;
    return { provider, model };
  }
}
