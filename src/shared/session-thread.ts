/** A registered symbol: it holds across copies of the package. */
const mark = Symbol.for("greenroom.session.thread");

/** Marks this thread as that of a session. */
export function markSessionThread(): void {
  Object.defineProperty(globalThis, mark, { value: true });
}

/** Throws in the thread of a session, where a method of `Runner` would begin a server of its own. */
export function requireNoSession(method: string): void {
  if (mark in globalThis)
    throw new Error(
      `.${method}() ran in a session's thread, which imports this file too. Only the process itself may run it: if (import.meta.main) await ….${method}()`,
    );
}
