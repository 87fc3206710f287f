#!/usr/bin/env node
// First of all: a signal may come while the rest is loaded.
import "../process/early-signals.ts";
import "../process/node-version.ts";

// Not statically: all of that is parsed before anything runs, and an older Node fails at newer syntax.
const { builtIn } = await import("./built-in.ts");
await builtIn.cli();
