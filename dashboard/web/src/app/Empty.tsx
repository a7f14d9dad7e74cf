import { signal } from "@preact/signals";
import { hrefOfScope } from "../address/href";
import { showOnly } from "../address/navigate";
import { scope } from "../address/state";
import { REJECTED } from "../address/view";
import { rejectedCount } from "../live/state";
import { takeClick } from "../ui/click";
import { plural } from "../ui/format";
import { Mark } from "../ui/Shapes";
import { Text } from "../ui/Text";

const FIRST_READING = "mosquitto_pub -q 1 -t temperature/lab -m 23.5";

/** Before the first reading: the command that sends it. */
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
function CopyButton() {
  if (!navigator.clipboard) return null;
  return <button class="button" onClick={copy}>{copied.value ? "Copied" : "Copy"}</button>;
}

async function copy(): Promise<void> {
  await navigator.clipboard.writeText(FIRST_READING);
  copied.value = true;
  setTimeout(() => (copied.value = false), 2000);
}
