import { signal } from "@preact/signals";
import { plural } from "./format";
import { openRejected } from "./RejectedPanel";
import { Mark } from "./Shapes";
import { rejectedCount } from "./state";

const FIRST_READING = "mosquitto_pub -q 1 -t temperature/lab -m 23.5";

/** Before the first reading: the one line that brings it. */
export function Empty() {
  return (
    <section class="panel empty" data-testid="empty">
      <Mark />
      <h2>No readings yet</h2>
      <p>Send the first one. This line is a complete device:</p>
      <div class="empty-line">
        <code>{FIRST_READING}</code>
        <CopyButton />
      </div>
      {rejectedCount.value > 0 ? <RejectedHint /> : <p class="empty-hint">The sensor appears here as soon as its reading is stored.</p>}
    </section>
  );
}

function RejectedHint() {
  return (
    <p>
      {plural(rejectedCount.value, "payload")} arrived that could not be read.{" "}
      <button class="button" onClick={openRejected}>See why</button>
    </p>
  );
}

const copied = signal(false);

// Browsers lend the clipboard to pages from this machine or over TLS only.
function CopyButton() {
  if (!navigator.clipboard) return null;
  return <button class="button" onClick={copy}>{copied.value ? "Copied" : "Copy"}</button>;
}

async function copy(): Promise<void> {
  await navigator.clipboard.writeText(FIRST_READING);
  copied.value = true;
  setTimeout(() => (copied.value = false), 2000);
}
