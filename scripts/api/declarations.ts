import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A top-level declaration of a file, as the compiler writes it. */
export interface Declaration {
  /** The text without comments. */
  readonly text: string;
  /** True where a doc comment stands before it. */
  readonly isDocumented: boolean;
  /** The words that may name another declaration. */
  readonly words: ReadonlySet<string>;
}

/** The place where a name is declared. */
export interface Place {
  readonly file: string;
  readonly name: string;
}

interface Source {
  /** The module, and the name that it has there; `*` for all of it. */
  readonly from: string;
  readonly name: string;
}

interface Module {
  readonly declarations: Map<string, Declaration[]>;
  readonly imports: Map<string, Source>;
  /** The exported names: of another module, or of this one. */
  readonly exports: Map<string, Source | { readonly local: string }>;
}

const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|[#A-Za-z_$][\w$]*|\d[\w.]*|[^\s\w]/g;
const isComment = (text: string): boolean => text.startsWith("/*") || text.startsWith("//");
/** A statement that ends with its brace, and not with a semicolon. */
const withBraces = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|namespace|enum)\b/;
const declaring =
  /^(export )?(?:declare )?(?:abstract )?(?:interface|class|type|const|let|function|enum|namespace) ([\w$]+)/;

interface Statement extends Declaration {}

/** Returns the statements of a declaration file. */
function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let depth = 0;
  let start = -1;
  let isDocumented = false;
  let words = new Set<string>();
  let before = "";
  for (const match of text.matchAll(token)) {
    const [word] = match;
    if (isComment(word)) {
      if (start < 0) isDocumented = word.startsWith("/**");
      continue;
    }
    if (start < 0) start = match.index;
    if (/^[A-Za-z_$]/.test(word) && before !== ".") words.add(word);
    before = word;
    if ("{([".includes(word)) depth += 1;
    if ("})]".includes(word)) depth -= 1;
    const end = match.index + word.length;
    if (depth > 0 || (word !== ";" && (word !== "}" || !withBraces.test(text.slice(start, end))))) continue;
    statements.push({ text: withoutComments(text.slice(start, end)), isDocumented, words });
    [start, isDocumented, words] = [-1, false, new Set()];
  }
  return statements;
}

/** Returns a text without its comments, and without the lines that held nothing else. */
function withoutComments(text: string): string {
  const bare = text.replaceAll(token, (word) => (isComment(word) ? "\u{e000}" : word));
  return bare
    .split("\n")
    .filter((line) => !/^[\s\u{e000}]*\u{e000}[\s\u{e000}]*$/u.test(line) && line.trim() !== "")
    .join("\n")
    .replaceAll("\u{e000}", "");
}

const named = /^\s*(?:type )?([\w$]+)(?: as ([\w$]+))?\s*$/;

/** Returns the names between the braces of an import or export: as they are inside, and as they are outside. */
function namesIn(text: string): (readonly [inner: string, outer: string])[] {
  const [, list = ""] = /\{([\s\S]*)\}/.exec(text) ?? [];
  return list.split(",").flatMap((part) => {
    const [, inner, outer = inner] = named.exec(part) ?? [];
    return inner === undefined || outer === undefined ? [] : [[inner, outer] as const];
  });
}

/** The declaration files below a folder, read as they are asked for. */
export class Declarations {
  readonly #modules = new Map<string, Module>();

  /** Returns the names that a file exports, sorted. */
  exportsOf(file: string): string[] {
    return [...this.#module(file).exports.keys()].toSorted();
  }

  /** Returns the declarations of a name: several where they are merged, such as an interface and a constant. */
  of({ file, name }: Place): readonly Declaration[] {
    return this.#module(file).declarations.get(name) ?? [];
  }

  /** Returns the place where an exported name is declared; null where that is in a package. */
  find(file: string, name: string): Place | null {
    const found = this.#module(file).exports.get(name);
    if (found === undefined) return null;
    return "from" in found ? this.#follow(file, found) : this.named(file, found.local);
  }

  /** Returns the declaration that a word means within a file; null where it is not one of the project's. */
  named(file: string, word: string): Place | null {
    const { declarations, imports } = this.#module(file);
    if (declarations.has(word)) return { file, name: word };
    const source = imports.get(word);
    return source === undefined || source.name === "*" ? null : this.#follow(file, source);
  }

  #follow(file: string, { from, name }: Source): Place | null {
    if (!from.startsWith(".")) return null;
    return this.find(join(dirname(file), from.replace(/\.ts$/, ".d.ts")), name);
  }

  #module(file: string): Module {
    const known = this.#modules.get(file);
    if (known) return known;
    const module: Module = { declarations: new Map(), imports: new Map(), exports: new Map() };
    this.#modules.set(file, module);
    for (const statement of statementsOf(readFileSync(file, "utf8"))) this.#take(module, statement);
    return module;
  }

  #take(module: Module, statement: Statement): void {
    const { text } = statement;
    const [, from] = /\bfrom\s+["']([^"']+)["'];$/.exec(text) ?? [];
    if (/^export\s+(?:type\s+)?\{/.test(text)) {
      for (const [inner, outer] of namesIn(text))
        module.exports.set(outer, from === undefined ? { local: inner } : { from, name: inner });
      return;
    }
    if (text.startsWith("import ") && from !== undefined) {
      for (const [inner, outer] of namesIn(text)) module.imports.set(outer, { from, name: inner });
      return;
    }
    const [, exported, name] = declaring.exec(text) ?? [];
    if (name === undefined) return;
    module.declarations.set(name, [...(module.declarations.get(name) ?? []), statement]);
    if (exported) module.exports.set(name, { local: name });
  }
}
