import { useState } from "preact/hooks";
import { endSilence, type Silence } from "../api/client";
import { may } from "../live/caller";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { loadSilences, silences, silencesProblem } from "./silences";

const TITLE_ID = "silences-title";

/** The silences in effect, with a button to end each. */
export function SilenceList() {
  const problem = silencesProblem.value;
  if (silences.value.length === 0 && !problem) return null;
  return (
    <section class="silences" aria-labelledby={TITLE_ID}>
      <h3 id={TITLE_ID} tabIndex={-1}>Silences</h3>
      {problem && <p class="problem">The list could not be loaded: {problem}.</p>}
      <ul>{silences.value.map((silence) => <Row key={silence.id} silence={silence} />)}</ul>
    </section>
  );
}

function Row({ silence }: { silence: Silence }) {
  const [problem, setProblem] = useState("");
  const { device, metric, rule, until, reason, by } = silence;
  const end = async () => {
    setProblem("");
    try {
      await endSilence(silence.id);
      focusAfter();
      await loadSilences();
      done.value = `Ended the silence of ${device}.`;
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <li data-testid="silence" data-device={device}>
      <p class="incident-line">
        <strong><Text of={[device === "#" ? "all devices" : device, metric, rule].filter(Boolean).join(" · ")} /></strong>
        <span class="incident-lasted">until <When at={until} /></span>
      </p>
      <div class="silence-line">
        <p>{by && <><Text of={by} />: </>}<Text of={reason} /></p>
        {may("silence") && <button class="button" aria-label={`End the silence of ${device}`} onClick={end}>End</button>}
      </div>
      <p class="problem" aria-live="polite">{problem && `Could not be ended: ${problem}.`}</p>
    </li>
  );
}

/** The focused button disappears with its silence, and the heading with the last one. */
function focusAfter(): void {
  document.getElementById(silences.peek().length > 1 ? TITLE_ID : "incidents-title")?.focus();
}
