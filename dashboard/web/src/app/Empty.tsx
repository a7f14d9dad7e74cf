import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { hrefOfScope } from "../address/href";
import { showOnly } from "../address/navigate";
import { scope } from "../address/state";
import { REJECTED } from "../address/view";
import { fetchBroker, type Broker } from "../api/client";
import { rejectedCount } from "../live/state";
import { takeClick } from "../ui/click";
import { plural } from "../ui/format";
import { Mark } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { firstReading } from "./first-reading";

const RETRY_MS = 3000;

/** Where devices publish, once the server has said so. */
const broker = signal<Broker | null>(null);

/** Before the first reading: the command that sends it. */
export function Empty() {
  useEffect(keepAsking, []);
  if (scope.value.filters.length > 0) return <NoneInScope />;
  const line = broker.value && firstReading(broker.value, location.hostname);
  return (
    <section class="panel empty" data-testid="empty">
      <Mark />
      <h2>No readings yet</h2>
      <p>Send the first one. This line is a complete device:</p>
      <div class="empty-line">
        <code>{line ?? "Loading…"}</code>
        {line && <CopyButton line={line} />}
      </div>
      {rejectedCount.value > 0 ? <RejectedHint /> : <p class="empty-hint">The sensor appears here as soon as its reading is stored.</p>}
    </section>
  );
}

function keepAsking(): () => void {
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

function NoneInScope() {
  return (
    <section class="panel empty" data-testid="empty">
      <Mark />
      <h2>No sensors in this selection yet</h2>
      <p>No sensor has sent a reading to <Text of={scope.value.filters.join(" or ")} />.</p>
      <p><a class="button" href={hrefOfScope([])} onClick={(event) => takeClick(event) && showOnly([])}>Show all sensors</a></p>
    </section>
  );
}

function RejectedHint() {
  return (
    <p>
      {plural(rejectedCount.value, "payload")} could not be read.{" "}
      <a class="button" href={`#${REJECTED}`}>See why</a>
    </p>
  );
}

const copied = signal(false);

// Browsers allow the clipboard only to pages from this machine or over TLS.
function CopyButton({ line }: { line: string }) {
  if (!navigator.clipboard) return null;
  return <button class="button" onClick={() => copy(line)}>{copied.value ? "Copied" : "Copy"}</button>;
}

async function copy(line: string): Promise<void> {
  await navigator.clipboard.writeText(line);
  copied.value = true;
  setTimeout(() => (copied.value = false), 2000);
}
