import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

export interface Query {
  /** The places at which it is no PromQL. */
  readonly errors: readonly string[];
  readonly selectors: readonly { readonly name: string; readonly matchers: readonly Matcher[] }[];
  /** The labels of `by (…)`, and the series that have to have them. */
  readonly grouped: readonly { readonly labels: readonly string[]; readonly of: readonly string[] }[];
  /** The labels that the outermost `by (…)` leaves; none where there is no such. */
  readonly result: readonly string[];
}

/** Reads a query by Prometheus' own grammar. */
export function readQuery(text: string): Query {
  const errors: string[] = [];
  const selectors: Query["selectors"][number][] = [];
  const grouped: Query["grouped"][number][] = [];
  let result: readonly string[] | undefined;
  const read = (node: SyntaxNode) => text.slice(node.from, node.to);
  parser.parse(text).iterate({
    enter({ node, name, type }) {
      if (type.isError) errors.push(`at ${node.from}: ${text.slice(node.from, node.from + 30)}`);
      if (name === "VectorSelector") selectors.push(readSelector(node, read));
      if (name === "AggregateExpr") {
        const labels = all(node.getChild("AggregateModifier"), "LabelName").map(read);
        grouped.push({
          labels,
          of: all(node, "VectorSelector").map((selector) => readSelector(selector, read).name),
        });
        result ??= labels;
      }
    },
  });
  return { errors, selectors, grouped, result: result ?? [] };
}

function readSelector(node: SyntaxNode, read: (node: SyntaxNode) => string): Query["selectors"][number] {
  const name = node.getChild("Identifier");
  const matchers = all(node.getChild("LabelMatchers"), "UnquotedLabelMatcher").map((matcher): Matcher => {
    const [label, operator, value] = children(matcher);
    if (!(label && operator && value)) throw new Error(`No matcher: ${read(matcher)}`);
    return { label: read(label), operator: read(operator), value: read(value).slice(1, -1) };
  });
  return { name: name ? read(name) : "", matchers };
}

/** Returns all nodes below one that are of this kind. */
function all(node: SyntaxNode | null, name: string): SyntaxNode[] {
  return node === null
    ? []
    : children(node).flatMap((child) => (child.name === name ? [child] : all(child, name)));
}

function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child);
  return found;
}
