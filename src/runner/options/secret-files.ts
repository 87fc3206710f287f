import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readTextFile } from "../../shared/text/text-file.ts";
import { UsageError } from "../commands/usage-error.ts";

const variableName = /^[A-Z][A-Z0-9_]*$/;
/** The longest secret, in bytes: more than any key or URL has, so that a folder named by mistake is noticed. */
const longestSecret = 65_536;

/**
 * Returns the variables of a folder of secrets, as Kubernetes and Docker mount them: a file has the name of the
 * variable and holds its value; line breaks at its end do not count. Secrets in files are in no process list and no
 * description of a pod. Throws a {@link UsageError} that names the file at fault, and never its contents.
 */
export function readSecretFiles(folder: string): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of namesIn(folder)) {
    // Kubernetes keeps the targets of the links in folders beside them, such as "..data".
    if (name.startsWith(".")) continue;
    if (!variableName.test(name)) {
      throw new UsageError(
        `${join(folder, name)}: a file there is named as a variable, such as GREENROOM_PEER_SECRET`,
      );
    }
    secrets[name] = readSecret(join(folder, name));
  }
  return secrets;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new UsageError(`GREENROOM_SECRETS_DIR cannot be read: ${textOf(error)}`);
  }
}

function readSecret(path: string): string {
  const text = readText(path).replace(/[\r\n]+$/, "");
  if (text.length > longestSecret) throw new UsageError(`${path}: longer than ${longestSecret} characters`);
  return text;
}

function readText(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${textOf(error)}`);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
