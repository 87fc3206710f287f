import { useEffect, useState } from "preact/hooks";

/** A value that views follow. */
export class Store<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Changes some fields of a value that is an object. */
  patch(change: Partial<T>): void {
    this.set({ ...this.#value, ...change });
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Returns the value of a store, and shows the view again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, show] = useState({});
  useEffect(() => {
    const listener = () => show({});
    // It may have changed between the first look and now.
    listener();
    return store.subscribe(listener);
  }, [store]);
  return store.value;
}
