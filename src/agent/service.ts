import type { Measurement } from "../protocol.ts";
import { errorKind } from "./error-kind.ts";

/** A model, a recogniser or a voice, as metrics name it. */
export interface Service {
  /** Who runs it, such as `gemini`. */
  readonly provider: string;
  readonly model: string;
}

/**
 * Told by a `fallback` which of its services does the work, so that metrics can name it. Whatever stands for one service
 * alone need not tell: its own `provider` and `model` are right.
 */
export interface ServiceWatch {
  /** The work is this one's from here on, and so is what comes of it: words, sound, or the error that ends the request. */
  readonly onAsked?: (service: Service) => void;
  /** This one failed, which the request survives: another is asked. */
  readonly onFailed?: (service: Service, error: unknown) => void;
}

/** Who does the work of one request, for the labels of what is measured, and who failed at it on the way. */
export class ServiceLabels {
  readonly watch: Required<ServiceWatch>;
  #service: Service;

  constructor(
    service: Service,
    component: Extract<Measurement, { kind: "error" }>["component"],
    measure: (measurement: Measurement) => void,
  ) {
    this.#service = service;
    this.watch = {
      onAsked: (asked) => {
        this.#service = asked;
      },
      onFailed: ({ provider }, error) =>
        measure({ kind: "error", component, provider, error: errorKind(error) }),
    };
  }

  get labels(): Service {
    const { provider, model } = this.#service;
    return { provider, model };
  }
}
