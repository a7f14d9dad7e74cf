import { useEffect } from "preact/hooks";
import { hrefOfScope } from "../address/href";
import { showOnly } from "../address/navigate";
import { scope } from "../address/state";
import { INPUTS, REJECTED } from "../address/view";
import { broker, keepAsking } from "../connect/broker";
import { firstReading, targetOf } from "../connect/first-reading";
import { openConnect } from "../ui/dialogs";
import { may } from "../live/caller";
import { rejectedCount, unmappedCount } from "../live/state";
import { takeClick } from "../ui/click";
import { CodeBlock } from "../ui/CodeBlock";
import { plural } from "../ui/format";
import { Mark } from "../ui/Shapes";
import { Text } from "../ui/Text";

/** Before the first reading: the command that sends it, and what arrives and is not understood. */
export function Empty() {
  useEffect(keepAsking, []);
  const unmapped = may("system") ? unmappedCount.value : 0;
  if (scope.value.filters.length > 0) return <NoneInScope />;
  return (
    <section class="panel empty" data-testid="empty">
      <Mark />
      <h2>No readings yet</h2>
      <p>Send the first one. This line is a complete device:</p>
      {broker.value ? <CodeBlock text={firstReading(targetOf(broker.value, location.hostname))} label="the line that sends a reading" /> : <p class="nothing">Loading…</p>}
      <p><button class="button main" aria-haspopup="dialog" onClick={openConnect}>Connect a device</button></p>
      {unmapped > 0 && <UnmappedHint />}
      {rejectedCount.value > 0 && <RejectedHint />}
      {unmapped + rejectedCount.value === 0 && <p class="empty-hint">The sensor appears here as soon as its reading is stored.</p>}
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

/** A device that is connected, and whose messages no rule reads. */
function UnmappedHint() {
  return (
    <p>
      Messages arrive on {plural(unmappedCount.value, "topic")} that no rule reads.{" "}
      <a class="button" href={`#${INPUTS}`}>{may("rules") ? "Add a rule" : "Show them"}</a>
    </p>
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
