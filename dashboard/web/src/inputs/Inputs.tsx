import { useEffect } from "preact/hooks";
import type { Inputs as InputsState } from "../api/client";
import { may } from "../live/caller";
import { openConnect } from "../ui/dialogs";
import { formatCount, plural } from "../ui/format";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { done } from "../ui/status";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import { Rules } from "./Rules";
import { inputs, keepAsking, outage } from "./state";
import { Group } from "./UnmappedGroup";
import "./inputs.css";

/** What is published: what no rule reads, with a rule that would read it, and the rules in force. */
export function Inputs() {
  useEffect(keepAsking, []);
  return (
    <>
      <section class="panel" aria-labelledby="inputs-title" data-stale={outage.value !== null}>
        <div class="view-head" id="inputs-title">
          <ViewTitle of="inputs" />
          <Headline />
        </div>
        <p class="unseen" role="status">{done.value}</p>
        {inputs.value && <Unmapped inputs={inputs.value} />}
      </section>
      {inputs.value && <Rules inputs={inputs.value} />}
    </>
  );
}

/** The summary in one sentence. */
function Headline() {
  if (outage.value) {
    return (
      <p class="headline" role="alert" data-testid="inputs-away">
        <WarningShape />Unknown since <When at={outage.value.since} />: {outage.value.why}. {inputs.value && "This is the last known state."}
      </p>
    );
  }
  if (!inputs.value) return <p class="headline nothing" role="status">Loading…</p>;
  const count = inputs.value.unmapped.length;
  if (count === 0) return <p class="headline" role="status" data-testid="headline"><DoneShape />Every message is read by a rule</p>;
  return (
    <p class="headline" role="status" data-testid="headline" data-bad="true">
      <WarningShape /><strong>{plural(count, "topic isn’t", "topics aren’t")} read</strong>
    </p>
  );
}

function Unmapped({ inputs: { unmapped, others, mappings } }: { inputs: InputsState }) {
  if (unmapped.length === 0) {
    return (
      <p class="view-note">
        Messages that no rule reads appear here, with a rule that would read them. To see one of a new device,{" "}
        <button class="button" type="button" aria-haspopup="dialog" onClick={openConnect}>connect it</button>
      </p>
    );
  }
  return (
    <>
      <p class="view-note">
        These messages arrive, and no rule says what is in them, so nothing of them is stored.{" "}
        {may("rules") ? "Add the rule below a message, or one that ignores it." : "An admin can add a rule that reads them, or one that ignores them."} They are counted by the first two levels of their topics since the start, and the newest of each is shown.
      </p>
      <ol class="unmapped">{unmapped.map((group) => <Group key={group.name} group={group} mappings={mappings} />)}</ol>
      {others > 0 && <p class="view-note" data-testid="others">{formatCount(others)} more messages came on further topics: there are too many to list them all.</p>}
    </>
  );
}
