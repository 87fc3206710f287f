import { type AgentDefinition, isAgentDefinition } from "../define-agent.ts";

/** The longest time that Node may take to read one file again, in milliseconds. */
const checkTimeoutMs = 5_000;

/** Imports a module whose default export is an agent. Rejects with an error that names the file and the line at fault. */
export async function importAgent(agentUrl: string): Promise<AgentDefinition> {
  let module: { readonly default?: unknown };
  try {
    module = await import(agentUrl);
  } catch (error) {
    if (error instanceof SyntaxError) await addPlace(error, agentUrl);
    throw error;
  }
  if (!isAgentDefinition(module.default)) {
    throw new TypeError(`${agentUrl} has no default export made by defineAgent()`);
  }
  return module.default;
}

/**
 * Adds the file and the line to the error of JavaScript that Node cannot read, of which it tells an importer neither. The
 * file is the last one that is loaded when the import is tried again, which runs no code; `node --check` then knows the
 * line.
 */
async function addPlace(error: SyntaxError, agentUrl: string): Promise<void> {
  if (!isOfReading(error.stack ?? "")) return;
  try {
    const path = await lastLoaded(agentUrl);
    if (path === null) return;
    const [place] = /^.*:\d+$/m.exec(await complaintAbout(path)) ?? [];
    if (place !== undefined) error.stack = `${place}\n\n${error.stack}`;
  } catch {
    // The error stands for itself.
  }
}

/**
 * Returns whether Node threw the error while it read a module, without a place; code that ran and threw would run
 * again.
 */
function isOfReading(stack: string): boolean {
  const [thrower] = stack.match(/^\s+at (?!.*<anonymous>).*$/m) ?? [];
  return stack.startsWith("SyntaxError") && (thrower ?? "").includes("(node:internal/modules/");
}

async function lastLoaded(agentUrl: string): Promise<string | null> {
  const [{ registerHooks }, { fileURLToPath }] = await Promise.all([
    import("node:module"),
    import("node:url"),
  ]);
  let last = "";
  const hooks = registerHooks({
    load(url, context, next) {
      last = url;
      return next(url, context);
    },
  });
  try {
    const again = new URL(agentUrl);
    again.searchParams.set("again", "");
    await import(again.href);
  } catch {
    // As expected.
  } finally {
    hooks.deregister();
  }
  return last.startsWith("file:") ? fileURLToPath(last) : null;
}

async function complaintAbout(path: string): Promise<string> {
  const { execFile } = await import("node:child_process");
  return new Promise((resolve) => {
    const args = ["--check", path];
    execFile(process.execPath, args, { timeout: checkTimeoutMs }, (_error, _stdout, stderr) =>
      resolve(stderr),
    );
  });
}
