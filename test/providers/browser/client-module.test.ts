import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { build } from "esbuild";

test("the client is one small module without dependencies", async (t) => {
  const root = join(import.meta.dirname, "../../..");
  const { outputFiles, metafile } = await build({
    entryPoints: [join(root, "src/client/index.ts")],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
  });
  t.true(Object.keys(metafile.inputs).every((path) => path.startsWith("src/client/")));
  const bytes = gzipSync(outputFiles[0]?.contents ?? "").length;
  t.true(bytes > 0 && bytes <= 15 * 1_024, `${bytes} bytes`);
});
