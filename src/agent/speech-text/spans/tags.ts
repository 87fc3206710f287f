const bareAttributes =
  "allowfullscreen|async|autofocus|autoplay|checked|controls|default|defer|disabled|hidden|loop|multiple|muted|open|readonly|required|reversed|selected";

/** The longest tag, in UTF-16 units. */
export const longestTag = 300;
const attribute = String.raw`\s{1,20}(?:(?:${bareAttributes})(?=[\s/>])|[\w:@.-]{1,60}\s{0,5}=\s{0,5}(?:"[^"<>\n]{0,250}"|'[^'<>\n]{0,250}'|[^\s"'<>=]{1,250}))`;
/** A tag, and nothing that merely has its signs, as "a<b and c>d" does: attributes without a value are known ones. */
export const tag = String.raw`<(/?)([A-Za-z][\w:.-]{0,40})(?:${attribute})*\s{0,20}/?>`;
export const wholeTag = new RegExp(`^${tag}`);
/** A tag so far: its last attribute may be cut anywhere. */
export const openTag = new RegExp(
  String.raw`^<(?:/?|/?[A-Za-z][\w:.-]{0,40}(?:${attribute})*(?:\s{0,20}/?|\s{1,20}(?:[\w:@.-]{0,60}|[\w:@.-]{1,60}\s{0,5}=\s{0,5}(?:"[^"<>\n]{0,250}|'[^'<>\n]{0,250}|[^\s"'<>=]{0,250}))))$`,
);

/**
 * Returns whether what looks like a tag is a type of a program, as in `List<String>`: a name with a capital, at the end
 * of a word.
 */
export const isTypeArgument = (whole: string, before = "", after = ""): boolean =>
  /^<\p{Lu}[\w.]*>$/u.test(whole) && /[\p{L}\p{N}_]/u.test(before) && !/^[\p{L}\p{N}<]/u.test(after);
