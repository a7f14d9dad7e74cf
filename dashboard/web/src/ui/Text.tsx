import { partsOf } from "./visible";

/** A text from outside, isolated, with an escape for each character that cannot be seen. */
export function Text({ of, lines }: { of: string; lines?: boolean }) {
  const parts = partsOf(of, lines);
  return <bdi>{parts.map(({ text, isEscape }) => (isEscape ? <span class="escape">{text}</span> : text))}</bdi>;
}
