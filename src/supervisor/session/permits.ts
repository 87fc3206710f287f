/** The most places that one holder may wait for or have, at one provider. */
const mostOfHolder = 256;

/** A place among the requests to a provider, which a holder waits for or has. */
interface PermitPlace<Holder> {
  readonly holder: Holder;
  readonly permit: number;
  readonly grant: () => void;
}

interface Provider<Holder> {
  readonly most: number;
  readonly granted: Set<PermitPlace<Holder>>;
  /** The places that are waited for, in the order of asking. */
  readonly waiting: Set<PermitPlace<Holder>>;
}

/**
 * Counts the requests of all sessions to each provider. Requests beyond its limit wait their turn, instead of being
 * refused by the provider. A holder that ends gives back all that it has: `Holder` is a session.
 */
export class Permits<Holder extends object> {
  readonly #providers = new Map<string, Provider<Holder>>();

  /**
   * @param limits The most requests at a time, by provider; the others have no limit.
   */
  constructor(limits: Readonly<Record<string, number>>) {
    for (const [name, most] of Object.entries(limits)) {
      this.#providers.set(name, { most, granted: new Set(), waiting: new Set() });
    }
  }

  /**
   * Calls `grant` when the request may begin, perhaps at once. `permit` is a number of the holder's own. Does nothing
   * where the holder already has or waits for {@link mostOfHolder} permits.
   */
  want(holder: Holder, provider: string, permit: number, grant: () => void): void {
    const limited = this.#providers.get(provider);
    if (!limited) {
      grant();
      return;
    }
    let held = 0;
    for (const places of [limited.granted, limited.waiting]) {
      for (const place of places) if (place.holder === holder) held += 1;
    }
    if (held >= mostOfHolder) return;
    limited.waiting.add({ holder, permit, grant });
    advance(limited);
  }

  giveBack(holder: Holder, permit: number): void {
    this.#remove((place) => place.holder === holder && place.permit === permit);
  }

  giveBackAll(holder: Holder): void {
    this.#remove((place) => place.holder === holder);
  }

  #remove(gone: (place: PermitPlace<Holder>) => boolean): void {
    for (const provider of this.#providers.values()) {
      for (const places of [provider.granted, provider.waiting]) {
        for (const place of places) if (gone(place)) places.delete(place);
      }
      advance(provider);
    }
  }
}

function advance<Holder>({ most, granted, waiting }: Provider<Holder>): void {
  for (const place of waiting) {
    if (granted.size >= most) return;
    waiting.delete(place);
    granted.add(place);
    place.grant();
  }
}
