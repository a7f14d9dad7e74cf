import { signal } from "@preact/signals";
import { isTaken } from "../ui/click";
import { plural } from "../ui/format";
import { scope } from "../address/scope";
import { hrefOfScope, showOnly } from "../address/scoping";
import { Mark } from "../ui/Shapes";
import { rejectedCount } from "../live/state";
import { REJECTED } from "../address/view";

const FIRST_READING = "mosquitto_pub -q 1 -t temperature/lab -m 23.5";

/** Before the first reading: the one line that brings it. */
export function Empty() {
  if (scope.value.filters.length > 0) return <NoneInScope />;
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

function NoneInScope() {
  return (
    <section class="panel empty" data-testid="empty">
      <Mark />
      <h2>No sensor here yet</h2>
      <p>None has sent a reading to {scope.value.filters.join(" or ")}.</p>
      <p><a class="button" href={hrefOfScope([])} onClick={(event) => isTaken(event) && showOnly([])}>Show all sensors</a></p>
    </section>
  );
}

function RejectedHint() {
  return (
    <p>
      {plural(rejectedCount.value, "payload")} arrived that could not be read.{" "}
      <a class="button" href={`#${REJECTED}`}>See why</a>
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
