#!/usr/bin/env node
// This import comes first: a signal may arrive while the rest is loaded.
import "../process/early-signals.ts";
import "../process/node-version.ts";

// The import is dynamic: a static one would be parsed before anything runs, and an older Node fails at newer syntax.
const { builtIn } = await import("./built-in.ts");
await builtIn.cli();
