#!/usr/bin/env node
import "../node-version.ts";

// Not statically: all of that is parsed before anything runs, and an older Node fails at newer syntax.
const { builtIn } = await import("./built-in.ts");
await builtIn.cli();
