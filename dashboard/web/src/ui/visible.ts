// Text from outside, made visible: a name or unit must not hide characters, or reorder what stands beside it.

/** A part of a text; `escape` stands for one character that cannot be seen. */
export interface TextPart {
  text: string;
  isEscape: boolean;
}

/**
 * Characters that cannot be seen or that change their surroundings: controls, bidirectional and other format characters,
 * blanks other than a space, fillers, variation selectors, unassigned and private ones, halves of pairs, and the third and
 * further combining marks of a letter.
 */
const INVISIBLE =
  /[\p{C}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]|(?! )\p{Zs}|(?<=\p{M}{2})\p{M}/gu;

/** Characters of scripts that run from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** With `lines`, line breaks and tabs stay, as in a payload. */
export function partsOf(text: string, lines = false): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const { 0: character, index } of text.matchAll(INVISIBLE)) {
    if (lines && (character === "\n" || character === "\t")) continue;
    if (index > at) parts.push({ text: text.slice(at, index), isEscape: false });
    parts.push({ text: escapeOf(character), isEscape: true });
    at = index + character.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isEscape: false });
  return parts;
}

/** `\u202e`, or `\u{e0001}`. */
function escapeOf(character: string): string {
  const code = character.codePointAt(0)!.toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}

/** The text with escapes, isolated from what is written before and after it. */
export function visible(text: string): string {
  const shown = partsOf(text).map((part) => part.text).join("");
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}
