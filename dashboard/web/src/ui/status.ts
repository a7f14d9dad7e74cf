import { signal } from "@preact/signals";

/** What the reader has just done, for those who hear the page. It is set once the server has confirmed it. */
export const done = signal("");
