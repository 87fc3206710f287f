import { spokenText } from "./src/agent/spoken-text.ts";
import { SentenceSplitter } from "./src/agent/sentences.ts";
for (const unit of ["a", "*", "[", "](", "<", "<!--", "`", "| ", "😀", "\n- ", "# ", "https://a/", "&amp;", "- ", "\\", " ", "\n", "a@", "=", "![", "(", "-", "<a@","[a](b", "_", "..", "--|"]) { const t=performance.now(); spokenText(unit.repeat(20_000)); const d=performance.now()-t; if (d>100) console.log(JSON.stringify(unit), d.toFixed(0)); }
const p = "The quick brown fox, which is **bold**, jumps over the [lazy](https://x.y) dog. ".repeat(3);
let t=performance.now(); for (let i=0;i<1000;i++) spokenText(p); console.log("spokenText 240 chars µs", (performance.now()-t).toFixed(0));
t=performance.now(); for (let i=0;i<100;i++) { const s=new SentenceSplitter(); for (let j=0;j<p.length;j+=4) s.push(p.slice(j,j+4)); s.flush(); } console.log("split 240 chars in 60 deltas µs", ((performance.now()-t)*10).toFixed(0));
