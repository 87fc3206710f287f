/** Declares the package, which has no types of its own; see fvad.ts for what is used of it. */
declare module "@echogarden/fvad-wasm" {
  const load: () => Promise<unknown>;
  export default load;
}
