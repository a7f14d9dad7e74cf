import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { fetchPipeline, type Pipeline as PipelineState } from "../api/client";
import { serverNow } from "../live/clock";
import { plural } from "../ui/format";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import { Stage } from "./Stage";
import { problemsOf, stationsOf } from "./stages";
import "./pipeline.css";

const ASK_MS = 2000;
const TIMEOUT_MS = 8000;

const answer = signal<PipelineState | null>(null);

/** Since when the server has not answered, and why. */
const outage = signal<{ since: string; why: string } | null>(null);

/** The way of the readings from the devices to the store and the pages, with the health of each stage. */
export function Pipeline() {
  useEffect(keepAsking, []);
  const stages = answer.value?.stages ?? [];
  return (
    <section class="pipeline" aria-labelledby="pipeline-title" data-stale={outage.value !== null}>
      <div class="view-head" id="pipeline-title">
        <ViewTitle of="pipeline" />
        <Summary />
      </div>
      {stages.length > 0 && (
        <ol class="stages" aria-label="Stages of the pipeline" style={{ "--stations": stationsOf(stages).length }}>
          {stationsOf(stages).map(({ stage, branches }) => (
            <li key={stage.id} class="station">
              <Stage stage={stage} />
              {branches.length > 0 && (
                <ul class="branches" aria-label={`Branches of ${stage.name}`}>
                  {branches.map((branch) => <li key={branch.id}><Stage stage={branch} /></li>)}
                </ul>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Asks every two seconds while the page is visible. */
function keepAsking(): () => void {
  const stop = new AbortController();
  // The answer of an earlier visit is out of date.
  answer.value = outage.value = null;
  void (async () => {
    while (!stop.signal.aborted) {
      if (document.visibilityState === "visible") await load(stop.signal);
      await new Promise((resume) => setTimeout(resume, ASK_MS));
    }
  })();
  return () => stop.abort();
}

async function load(stop: AbortSignal): Promise<void> {
  try {
    const found = await fetchPipeline(AbortSignal.any([stop, AbortSignal.timeout(TIMEOUT_MS)]));
    if (stop.aborted) return;
    answer.value = found;
    outage.value = null;
  } catch (error) {
    if (stop.aborted) return;
    const since = outage.peek()?.since ?? answer.peek()?.at ?? new Date(serverNow()).toISOString();
    outage.value = { since, why: (error as Error).message };
  }
}

/** The summary in one sentence. */
function Summary() {
  if (outage.value) {
    return (
      <p class="headline" role="alert" data-testid="pipeline-away">
        <WarningShape />Unknown since <When at={outage.value.since} />: {outage.value.why}. {answer.value && "This is the last known state."}
      </p>
    );
  }
  if (!answer.value) return <p class="headline nothing" role="status">Loading…</p>;
  const problems = problemsOf(answer.value.stages);
  if (problems.length === 0) return <p class="headline" data-testid="headline"><DoneShape />All known stages are healthy</p>;
  return (
    <p class="headline" role="status" data-testid="headline" data-bad="true">
      <WarningShape /><strong>{plural(problems.length, "stage needs", "stages need")} attention</strong>
    </p>
  );
}
