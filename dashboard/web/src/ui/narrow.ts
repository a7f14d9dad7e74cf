// How wide the page is, where styles alone do not suffice. The widths are those of the style sheets.

import { signal, type Signal } from "@preact/signals";

/** A phone. */
export const isNarrow = mediaSignal("(max-width: 599px)");

/** Too narrow for two columns. */
export const isCompact = mediaSignal("(max-width: 959px)");

function mediaSignal(query: string): Signal<boolean> {
  const media = matchMedia(query);
  const matches = signal(media.matches);
  media.addEventListener("change", () => (matches.value = media.matches));
  return matches;
}
