import { afterBracket, before } from "./scan.ts";
import type { SpanRule } from "./span-rewriter.ts";

/** Signs that voices can say in their own language. */
const signs: Readonly<Record<string, string>> = {
  times: "×",
  cdot: "·",
  div: "÷",
  pm: "±",
  mp: "∓",
  le: "≤",
  leq: "≤",
  ge: "≥",
  geq: "≥",
  ne: "≠",
  neq: "≠",
  approx: "≈",
  sim: "~",
  equiv: "≡",
  infty: "∞",
  sum: "∑",
  prod: "∏",
  int: "∫",
  partial: "∂",
  nabla: "∇",
  in: "∈",
  cup: "∪",
  cap: "∩",
  subset: "⊂",
  forall: "∀",
  exists: "∃",
  to: "→",
  rightarrow: "→",
  Rightarrow: "→",
  leftarrow: "←",
  degree: "°",
  circ: "°",
  ldots: "…",
  cdots: "…",
  dots: "…",
  alpha: "α",
  beta: "β",
  gamma: "γ",
  delta: "δ",
  epsilon: "ε",
  varepsilon: "ε",
  zeta: "ζ",
  eta: "η",
  theta: "θ",
  kappa: "κ",
  lambda: "λ",
  mu: "μ",
  nu: "ν",
  xi: "ξ",
  pi: "π",
  rho: "ρ",
  sigma: "σ",
  tau: "τ",
  phi: "φ",
  varphi: "φ",
  chi: "χ",
  psi: "ψ",
  omega: "ω",
  Gamma: "Γ",
  Delta: "Δ",
  Theta: "Θ",
  Lambda: "Λ",
  Pi: "Π",
  Sigma: "Σ",
  Phi: "Φ",
  Psi: "Ψ",
  Omega: "Ω",
  quad: " ",
  qquad: " ",
  percent: "%",
};

const simple = /^[\p{L}\p{N}.,°]+$/u;
const grouped = (part: string): string => (simple.test(part) ? part : `(${part})`);

/** Returns a formula in LaTeX as it is said: signs and letters, and fractions with a stroke. */
export function spokenFormula(latex: string, depth = 0): string {
  if (depth > 8) return latex.replaceAll(/[\\{}]/g, " ");
  let spoken = "";
  for (let at = 0; at < latex.length; ) {
    const rest = latex.slice(at);
    const command = /^\\(?:([A-Za-z]{1,20})\*?[ \t]?|[,;:! ]|([%$&#_{}]))/.exec(rest);
    if (command === null) {
      const sign = rest[0]!;
      if (sign !== "{" && sign !== "}" && sign !== "\\" && sign !== "~") spoken += sign;
      at += 1;
      continue;
    }
    at += command[0].length;
    const [, name, sign] = command;
    if (name === undefined) {
      spoken += sign ?? " ";
      continue;
    }
    const groups: string[] = [];
    const wanted = /frac$|^binom$/.test(name)
      ? 2
      : /^(?:sqrt|text|mathrm|mathbf|mathit|operatorname|textbf|textit|overline|vec|hat|bar|boxed|left|right|begin|end)$/.test(
            name,
          )
        ? 1
        : 0;
    let root = "";
    const index = /^\[([^\]]{1,10})\]/.exec(latex.slice(at));
    if (name === "sqrt" && index) {
      root = index[1]!;
      at += index[0].length;
    }
    while (groups.length < wanted && latex[at] === "{") {
      const end = afterBracket(latex, at, "}", { longest: 600 });
      if (typeof end !== "number") break;
      groups.push(spokenFormula(latex.slice(at + 1, end - 1), depth + 1).trim());
      at = end;
    }
    spoken += saidOf(name, groups, root);
  }
  return spoken;
}

function saidOf(name: string, [first = "", second = ""]: readonly string[], root: string): string {
  if (/frac$/.test(name)) return ` ${grouped(first)}/${grouped(second)} `;
  if (name === "binom") return ` (${first}, ${second}) `;
  if (name === "sqrt") return ` ${root === "3" ? "∛" : root === "4" ? "∜" : "√"}${grouped(first)} `;
  if (/^(?:left|right|begin|end)$/.test(name)) return "";
  const sign = signs[name];
  if (sign !== undefined) return /^[°…]$/.test(sign) ? sign : ` ${sign} `;
  // Functions by name, such as `\sin`, and what only changes the look of its words.
  return first === "" ? (/^[a-z]{2,6}$/.test(name) ? ` ${name} ` : " ") : first;
}

const checkedMeasurement = (formula: string): string =>
  spokenFormula(formula)
    .replaceAll(/[ \t]+/g, " ")
    .trim();

const longestFormula = 600;

/** `\( … \)`, `\[ … \]`, and commands such as `\frac{1}{2}` by themselves. */
const backslash: SpanRule = {
  start: String.raw`\\(?=[A-Za-z([]|$)`,
  match(text, at, { final }) {
    if (text[at] !== "\\") return null;
    const next = text[at + 1];
    if (next === undefined) return final ? null : "more";
    if (next === "(" || next === "[") {
      const end = before(text, at + 2, next === "(" ? "\\)" : "\\]", {
        longest: longestFormula,
        without: /\n\s*\n/,
      });
      if (typeof end !== "number") return end;
      return { length: end + 2 - at, put: ` ${checkedMeasurement(text.slice(at + 2, end))} ` };
    }
    const name = /^\\([A-Za-z]{1,20})\*?/.exec(text.slice(at, at + 22));
    if (name === null) return null;
    let end = at + name[0].length;
    if (end === text.length && !final) return "more";
    if (signs[name[1]!] === undefined && text[end] !== "{" && text[end] !== "[") return null;
    for (let groups = 0; groups < 3; groups++) {
      const open = text[end];
      if (open === undefined && !final) return "more";
      if (open !== "{" && !(open === "[" && groups === 0)) break;
      const close = afterBracket(text, end, open === "{" ? "}" : "]", { longest: 300, without: /\n/ });
      if (close === "more" && !final) return "more";
      if (typeof close !== "number") break;
      end = close;
    }
    return { length: end - at, put: saidWithSpaces(text, at, checkedMeasurement(text.slice(at, end))) };
  },
};

/** Returns the words with a space before them where letters or digits would touch: "1\frac{1}{2}" is not eleven halves. */
const saidWithSpaces = (text: string, at: number, said: string): string =>
  /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, at - 1), at)) && /^[\p{L}\p{N}(√]/u.test(said)
    ? ` ${said}`
    : said;

/** `$x^2$` and `$$ … $$`; not "$5 and $6". */
const dollars: SpanRule = {
  start: String.raw`\$(?![\d ,.])`,
  match(text, at, { final }) {
    if (text[at] !== "$") return null;
    const double = text[at + 1] === "$";
    const begin = at + (double ? 2 : 1);
    if (text.length <= begin) return final ? null : "more";
    if (!double && /[\s\d,.]/.test(text[begin]!)) return null;
    const end = before(text, begin, double ? "$$" : "$", {
      longest: double ? longestFormula : 120,
      without: double ? /\n\s*\n/ : /\n/,
    });
    if (typeof end !== "number") return end;
    const formula = text.slice(begin, end);
    const wanted = double || /[\\^_=+{}<>]/.test(formula) || /^[A-Za-z]$/.test(formula);
    if (!wanted || (!double && /\s$/.test(formula))) return null;
    return { length: end + (double ? 2 : 1) - at, put: checkedMeasurement(formula) };
  },
};

/** Formulas in LaTeX. */
export const mathRules: readonly SpanRule[] = [backslash, dollars];
