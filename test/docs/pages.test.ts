import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import { filled, pages, root } from "../../scripts/docs.ts";
import { generated } from "../../scripts/reference.ts";
import { launcherTable } from "../../src/options/launcher.ts";
import { allOutsideOptions, flagOf, variableOf } from "../../src/options/outside.ts";
import { variables } from "../../src/options/runner.ts";
import { endReasons } from "../../src/shared/end-reasons.ts";

const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const fence = /^```(\w*)\n([\s\S]*?)^```$/gm;

interface Block {
  readonly page: string;
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(fence)].map(([, language = "", text = ""]) => ({ page, language, text })),
);
const proseOf = (page: string) => textOf(page).replaceAll(fence, "");

/** The anchors that a page has: GitHub's of its headings, and its own. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
  const own = [...proseOf(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id);
  return new Set([...headings, ...own]);
}

test("every link to a file or a heading leads there", (t) => {
  t.true(pages.length > 15);
  for (const page of pages) {
    for (const [, link = ""] of proseOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      t.true(existsSync(join(root, file)), `${page} links to ${link}`);
      if (anchor !== undefined) t.true(anchorsOf(file).has(anchor), `${page} links to ${link}`);
    }
  }
});

test("every page of docs is in the list of pages, and the README has one screen", (t) => {
  const list = textOf("docs/README.md");
  for (const page of pages.filter((path) => /^docs\/[a-z-]+\.md$/.test(path))) {
    t.true(list.includes(`](${page.slice("docs/".length)})`), page);
  }
  t.true(textOf("README.md").split("\n").length <= 100);
});

test("every file that a page shows is the very file that tests run", (t) => {
  for (const page of pages) t.is(textOf(page), filled(textOf(page)), `${page}: npm run docs`);
});

test("every block of TypeScript is a file, and every block of JSON is JSON", (t) => {
  const shown = pages.flatMap((page) => textOf(page).match(/^<!-- \S+\.ts -->$/gm) ?? []);
  t.is(shown.length, blocks.filter(({ language }) => language === "ts").length);
  t.true(shown.length >= 9);
  for (const { page, language, text } of blocks) {
    if (language === "json") t.notThrows(() => JSON.parse(text), page);
  }
});

test("every path of this project that a page names is there", (t) => {
  const path =
    /`((?:bench|chaos|docs|examples|fuzz|k8s|scripts|src|test|workers|\.ci)\/[\w./-]*\w\/?)(?::\d+)?`/g;
  for (const page of pages) {
    for (const [, name = ""] of proseOf(page).matchAll(path)) {
      const found = existsSync(join(root, name)) || existsSync(join(root, dirname(page), name));
      t.true(found, `${page} names ${name}`);
      if (name.endsWith("/") && found) t.true(statSync(join(root, name)).isDirectory(), name);
    }
  }
});

test("every file that the README of a folder names is there", (t) => {
  const folders = "{src,workers,test,scripts,bench,chaos,fuzz}";
  const readmes = globSync(`${folders}/**/README.md`, { cwd: root });
  const files = globSync(`${folders}/**/*.{ts,cts}`, { cwd: root }).map((path) => `/${path}`);
  t.true(readmes.length > 30);
  for (const readme of readmes) {
    for (const [, name = ""] of proseOf(readme).matchAll(/`([\w/-]+\.c?ts)`/g))
      t.true(
        files.some((path) => path.endsWith(`/${name}`)),
        `${readme} names ${name}`,
      );
  }
});

test("every file of the walks is there, and their numbers are right", (t) => {
  const [, walks = ""] = /^## Walks\n([\s\S]*?)^## /m.exec(textOf("docs/design.md")) ?? [];
  const rows = [...walks.matchAll(/^\| .* \| (\d+) \| (.*) \|$/gm)];
  t.true(rows.length >= 5);
  for (const [row, count, way = ""] of rows) {
    const files = [...way.matchAll(/`([\w/-]+\.ts)`/g)].map(([, name = ""]) => name);
    t.is(files.length, Number(count), row);
    for (const file of files)
      t.true(existsSync(join(root, file.startsWith("workers/") ? "" : "src", file)), file);
  }
});

test("every script of npm, and every file that a command runs, is there", (t) => {
  const { scripts } = JSON.parse(textOf("package.json"));
  const texts = [
    ...pages.map((page) => ({ page, text: proseOf(page) })),
    ...blocks.filter(({ language }) => language === "sh"),
  ];
  for (const { page, text } of texts) {
    for (const [, name = ""] of text.matchAll(/\bnpm run ([\w:-]+)/g))
      t.true(name in scripts, `${page}: ${name}`);
    for (const [, name = ""] of text.matchAll(/\bnode ((?:src|scripts|examples|test|bench)\/\S+?\.ts)\b/g)) {
      t.true(existsSync(join(root, name)), `${page}: ${name}`);
    }
  }
});

test("every flag and every variable of the server that a page names exists", (t) => {
  const options = allOutsideOptions();
  const flags = new Set(
    options.flatMap(({ name, outside }) => (outside.secret ? [] : [flagOf(name)])).concat("--help"),
  );
  const names = new Set([...options.map(({ name }) => variableOf(name)), ...Object.keys(variables)]);
  for (const page of pages) {
    const text = textOf(page);
    for (const [, flag = ""] of text.matchAll(/(?:npm start|npm run console|serve|run) --? ?(--[a-z-]+)/g)) {
      t.true(flags.has(flag), `${page}: ${flag}`);
    }
    for (const [name] of text.matchAll(/\bGREENROOM_[A-Z][A-Z_]+[A-Z]\b/g))
      t.true(names.has(name), `${page}: ${name}`);
  }
});

test("every class, type and function that the glossary names is there", (t) => {
  const [, glossary = ""] = /^## Glossary\n([\s\S]*?)^## /m.exec(textOf("docs/design.md")) ?? [];
  const source = globSync("src/**/*.ts", { cwd: root }).map(textOf).join("\n");
  const names = [...glossary.matchAll(/`([A-Za-z]+)`/g)].map(([, name = ""]) => name);
  t.true(names.length > 15);
  for (const name of names) t.regex(source, new RegExp(`\\b${name}\\b`), name);
});

test("editors and the formatter agree about the width of a line", (t) => {
  const width = /^max_line_length = (\d+)$/m.exec(textOf(".editorconfig"))?.[1];
  t.is(JSON.parse(textOf("biome.json")).formatter.lineWidth, Number(width));
});

for (const [path, text] of Object.entries(generated)) {
  test(`${path} tells what the tables hold: npm run docs makes it anew`, (t) => {
    t.is(readFileSync(join(root, path), "utf8"), text());
  });
}

test("the limit of an end reason is the name of an option", (t) => {
  const options = new Set(allOutsideOptions().map(({ key }) => key));
  const limits = Object.values(endReasons).flatMap(({ limit }) => limit ?? []);
  t.true(limits.length > 5);
  for (const limit of limits) t.true(options.has(limit) || limit in launcherTable, limit);
});
