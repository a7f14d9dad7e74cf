// What changes when a rejected payload is edited and resent.

import type { Rejected } from "../api/client";

interface Edited {
  topic: string;
  payload: string;
}

/** Only what was edited. Left out, the server uses the stored bytes, which a text field may be unable to show. */
export function changes(before: Rejected, edited: Edited): Partial<Edited> {
  return {
    ...(edited.topic !== before.topic && { topic: edited.topic }),
    ...(edited.payload !== asTyped(before.payload) && { payload: edited.payload }),
  };
}

/** As a browser returns the content of a text area. */
function asTyped(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
