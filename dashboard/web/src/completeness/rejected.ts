// What could not be read, and how it is given another try.

import { get, send } from "../api/client";

export interface Rejected {
  id?: string;
  received_at: string;
  topic: string;
  reason: string;
  /** Bytes that are not UTF-8 are replaced. */
  payload: string;
  resent_at?: string | null;
}

export async function fetchRejected(limit: number): Promise<Rejected[]> {
  return (await get<{ rejected: Rejected[] }>(`api/rejected?limit=${limit}`)).rejected;
}

export interface Resent {
  readings: number;
  resent_at: string;
}

/** Sends what is said, or what is stored where nothing was changed: bytes that no text can show stay as they are. */
export async function resend(rejected: Rejected, said: { topic: string; payload: string }): Promise<Resent> {
  const changed = changes(rejected, said);
  return (await send("POST", `api/rejected/${encodeURIComponent(rejected.id!)}/resend`, changed)).json();
}

export function changes(before: Rejected, said: { topic: string; payload: string }): { topic?: string; payload?: string } {
  return {
    ...(said.topic !== before.topic && { topic: said.topic }),
    ...(said.payload !== asTyped(before.payload) && { payload: said.payload }),
  };
}

/** As a browser gives back what stands in a form. */
function asTyped(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
