import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Stage, variablesOf, visibleNames } from "./dockerfile.ts";

/** Returns the reason why no process can be given a root of its own here, or null. */
export function noRoots(): string | null {
  const { status } = spawnSync("unshare", ["--mount", "true"]);
  if (process.getuid?.() !== 0) return "only root may give a process a root of its own";
  return status === 0 ? null : "no mount namespaces here";
}

export interface CommandOptions {
  /** Makes everything but /tmp read-only, as a pod has it. */
  readonly readOnly?: boolean;
  /** Makes the command process 1, as in a container, and a child of the process that is started. */
  readonly ownProcesses?: boolean;
}

/**
 * The script in place of apt-get, since a root here has this machine's /usr: a package that would be installed has to
 * be there, as a program of the package's name.
 */
const aptGet = `#!/bin/sh
command=$1; shift
[ "$command" = update ] && exit 0
[ "$command" = install ] || { echo "apt-get $command is not known here" >&2; exit 100; }
for word; do
  case $word in
    -*) ;;
    *) command -v "$word" >/dev/null || { echo "E: Unable to locate package $word" >&2; exit 100; } ;;
  esac
done
`;

/**
 * Walks the steps of a Dockerfile without an engine. Each stage has a root folder, in which commands run by chroot in a
 * mount namespace of their own. In place of the base image there is this machine's /usr, read-only, with this project's
 * Node as /usr/local/bin/node, and an /etc of a few files.
 */
export class Image {
  readonly root: string;
  readonly stage: Stage;
  #directory = "/";
  #user = "0:0";
  #output = "";

  private constructor(root: string, stage: Stage) {
    this.root = root;
    this.stage = stage;
  }

  /** Runs all stages; returns the last one. `variables` outweigh those of ENV. */
  static build(
    folder: string,
    project: string,
    stages: readonly Stage[],
    variables: Readonly<Record<string, string>>,
  ): Image {
    const built = new Map<string, Image>();
    let last: Image | undefined;
    for (const [index, stage] of stages.entries()) {
      last = new Image(join(folder, `stage-${index}`), stage);
      last.#begin();
      last.#walk(project, built, variables);
      if (stage.name !== null) built.set(stage.name, last);
    }
    if (!last) throw new Error("No stages");
    return last;
  }

  get user(): string {
    return this.#user;
  }

  /** Returns the output of its commands while it was built. */
  get output(): string {
    return this.#output;
  }

  #begin(): void {
    for (const name of ["usr", "etc", "proc", "dev", "tmp", "root", "opt/npm", "opt/bin", "opt/npm-cache"]) {
      mkdirSync(join(this.root, name), { recursive: true });
    }
    chmodSync(join(this.root, "tmp"), 0o1777);
    for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(this.root, name));
    writeFileSync(
      join(this.root, "etc/passwd"),
      "root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n",
    );
    writeFileSync(join(this.root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
    for (const name of ["resolv.conf", "hosts", "nsswitch.conf", "ssl", "ld.so.cache", "alternatives"]) {
      if (existsSync(join("/etc", name))) {
        cpSync(join("/etc", name), join(this.root, "etc", name), { recursive: true, dereference: false });
      }
    }
    const bin = join(this.root, "opt/bin");
    cpSync(process.execPath, join(bin, "node"));
    writeFileSync(join(bin, "apt-get"), aptGet, { mode: 0o755 });
    for (const name of ["npm", "npx"]) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec node /opt/npm/bin/${name}-cli.js "$@"\n`, {
        mode: 0o755,
      });
    }
  }

  #walk(
    project: string,
    built: ReadonlyMap<string, Image>,
    variables: Readonly<Record<string, string>>,
  ): void {
    for (const { name, text } of this.stage.instructions) {
      if (name === "WORKDIR") {
        this.#directory = text;
        mkdirSync(join(this.root, text), { recursive: true });
      } else if (name === "USER") this.#user = text;
      else if (name === "COPY") this.#copy(text.split(/ +/), project, built);
      else if (name === "RUN") {
        const [command = "", ...args] = this.command(["sh", "-c", text], variables);
        const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", env: process.env });
        if (status !== 0) throw new Error(`RUN ${text}\n${stdout}\n${stderr}`);
        this.#output += stdout + stderr;
      } else if (!["ENV", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"].includes(name)) {
        throw new Error(`${name} is not known here`);
      }
    }
  }

  #copy(words: readonly string[], project: string, built: ReadonlyMap<string, Image>): void {
    const stage = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
    const paths = words.filter((word) => !word.startsWith("--"));
    const to = join(this.root, this.#directory, paths.at(-1) ?? "");
    for (const path of paths.slice(0, -1)) {
      const image = stage === undefined ? undefined : built.get(stage);
      if (stage !== undefined && !image) throw new Error(`There is no stage ${stage}`);
      // What a build does not see cannot be copied either.
      if (!image && !visibleNames(join(project, ".dockerignore")).includes(path.split("/")[0]!)) {
        throw new Error(`.dockerignore keeps ${path} out`);
      }
      const from = join(image?.root ?? project, path);
      const folder = statSync(from).isDirectory();
      const target = !folder && paths.at(-1)?.endsWith("/") ? join(to, basename(path)) : to;
      mkdirSync(folder ? target : dirname(target), { recursive: true });
      cpSync(from, target, { recursive: true, verbatimSymlinks: true });
    }
  }

  /**
   * Returns the command line that runs this in the image, as its user and without privileges. Its process becomes the
   * command itself, so that signals reach that, unless it has processes of its own.
   */
  command(
    words: readonly string[],
    variables: Readonly<Record<string, string>> = {},
    { readOnly = false, ownProcesses = false }: CommandOptions = {},
  ): string[] {
    const [uid, gid] = this.#user.split(":");
    const npm = dirname(dirname(realpathSync(findNpm())));
    const mounts = [
      'root="$1"; npm="$2"; cache="$3"; shift 3',
      'mount --bind "$root" "$root"',
      'mount --rbind --make-rslave /usr "$root/usr"',
      'mount --bind "$root/opt/bin" "$root/usr/local/bin"',
      'mount --bind "$npm" "$root/opt/npm"',
      'mount --bind "$cache" "$root/opt/npm-cache"',
      ownProcesses ? 'mount -t proc proc "$root/proc"' : 'mount --rbind --make-rslave /proc "$root/proc"',
      'mount --rbind --make-rslave /dev "$root/dev"',
      ...(readOnly
        ? ['mount -o remount,bind,ro "$root"', 'mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"']
        : []),
      'exec chroot "$root" "$@"',
    ];
    const environment = {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: "/tmp",
      ...npmSettings(),
      ...variablesOf(this.stage),
      ...variables,
    };
    const pairs = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const privileges = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--no-new-privs"];
    if (uid !== "0") privileges.push("--bounding-set=-all", "--inh-caps=-all");
    const script = `set -e\n${mounts.join("\n")}`;
    return [
      ...["unshare", "--mount", "--propagation", "private"],
      ...(ownProcesses ? ["--pid", "--fork", "--kill-child"] : []),
      ...["sh", "-c", script, "sh"],
      ...[this.root, npm, npmCache()],
      ...[
        "setpriv",
        ...privileges,
        "env",
        "--ignore-environment",
        `--chdir=${this.#directory}`,
        ...pairs,
        ...words,
      ],
    ];
  }
}

function findNpm(): string {
  const { stdout } = spawnSync("sh", ["-c", "command -v npm"], { encoding: "utf8" });
  return stdout.trim();
}

function npmCache(): string {
  const { stdout } = spawnSync("npm", ["config", "get", "cache"], { encoding: "utf8" });
  const folder = stdout.trim();
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Returns the settings of this machine that decide where packages come from. */
function npmSettings(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_(registry|cafile)|(https?|no)_proxy)$/i.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    npm_config_cache: "/opt/npm-cache",
    npm_config_prefer_offline: "true",
  };
}
