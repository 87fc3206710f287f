/** The pattern of the characters that take two columns of a terminal: East Asian ones, and emoji. */
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u;
/** The segmenter, which is made when it is first used; that takes some 20 ms. */
let graphemes: Intl.Segmenter | undefined;
/** The pattern of the sequences that switch colours. They take no column, and must not be cut. */
const colour = /(\p{Cc}\[[\d;]*m)/u;

/** Returns the number of columns of a terminal that the text takes, nearly: terminals differ in rare characters. */
export function textWidth(text: string): number {
  let width = 0;
  for (const sign of signs(text)) width += colour.test(sign) ? 0 : wide.test(sign) ? 2 : 1;
  return width;
}

/** Breaks text into rows of at most `width` columns, between words where it can. */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  const rows: string[] = [];
  let row = "";
  for (const word of line.split(/(?<= )/)) {
    if (textWidth(row + word.trimEnd()) > width && row !== "") {
      rows.push(row.trimEnd());
      row = "";
    }
    row += word;
    while (textWidth(row.trimEnd()) > width) {
      const head = headOf(row, width);
      rows.push(head);
      row = row.slice(head.length);
    }
  }
  return [...rows, row];
}

function headOf(text: string, width: number): string {
  let head = "";
  for (const sign of signs(text)) {
    if (head !== "" && textWidth(head + sign) > width) break;
    head += sign;
  }
  return head;
}

function* signs(text: string): Generator<string> {
  for (const part of text.split(colour)) {
    if (colour.test(part)) yield part;
    else {
      graphemes ??= new Intl.Segmenter();
      for (const { segment } of graphemes.segment(part)) yield segment;
    }
  }
}
