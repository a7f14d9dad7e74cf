import { useState } from "preact/hooks";

/** A button that loads further rows, once at a time. */
export function More({ of, load }: { of: string; load: () => Promise<void> }) {
  const [busy, setBusy] = useState(false);
  const next = async () => {
    if (busy) return;
    setBusy(true);
    await load();
    setBusy(false);
  };
  return <button class="button" aria-disabled={busy} onClick={next}>{busy ? "Loading…" : `Show ${of}`}</button>;
}
