/**
 * Ends the process with one clear line where Node is too old. Imported first, and for that alone: older versions fail at
 * things that say nothing of the cause, or run until the first session.
 */
const needed = [24, 9] as const;
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
  process.stderr.write(
    `greenroom needs Node.js ${needed.join(".")} or later; this is ${process.version}, ${process.execPath}\n`,
  );
  process.exit(1);
}
