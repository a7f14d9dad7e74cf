// Where devices publish, once the server has said so.

import { signal } from "@preact/signals";
import { fetchBroker, type Broker } from "../api/client";

const RETRY_MS = 3000;

export const broker = signal<Broker | null>(null);

/** Asks until the server has answered; returns what ends it. */
export function keepAsking(): () => void {
  const stop = new AbortController();
  const ask = async () => {
    try {
      broker.value ??= await fetchBroker(stop.signal);
    } catch {
      if (!stop.signal.aborted) setTimeout(ask, RETRY_MS);
    }
  };
  void ask();
  return () => stop.abort();
}
