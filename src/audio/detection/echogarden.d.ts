/** Declares the package, which has no types of its own; see rnnoise.ts for what is used of it. */
declare module "@echogarden/rnnoise-wasm" {
  const load: () => Promise<unknown>;
  export default load;
}
