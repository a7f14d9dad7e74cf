// Where the list is scrolled: in a frame of its own, or, on phones, with the whole page.

import { scrolled, sections } from "./rows";

/** Pixels that the sections' tabs cover. */
const TABS_HEIGHT = 45;

const insideOf = (frame: HTMLElement) => frame.querySelector<HTMLElement>(".list-inside")!;

/** How many pixels of the list are above what is visible. */
export function scrollTopOf(frame: HTMLElement): number {
  if (!sections.peek()) return frame.scrollTop;
  return Math.max(0, TABS_HEIGHT - insideOf(frame).getBoundingClientRect().top);
}

export function setScrollTop(frame: HTMLElement, top: number): void {
  if (!sections.peek()) frame.scrollTop = top;
  else if (top !== scrolled.peek()) scrollBy({ top: top - scrollTopOf(frame), behavior: "instant" });
}

/** How many pixels of the list are visible at once. */
export function heightOf(frame: HTMLElement): number {
  return sections.peek() ? innerHeight - TABS_HEIGHT : frame.clientHeight - insideOf(frame).offsetTop;
}
