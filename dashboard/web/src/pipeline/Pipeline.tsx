import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { serverNow } from "../live/clock";
import { plural } from "../ui/format";
import { fetchPipeline, problemsOf, stationsOf, type Answer } from "./stages";
import { AlertShape, DoneShape } from "../ui/Shapes";
import { Stage } from "./Stage";
import { ViewTitle } from "../ui/ViewTitle";
import { When } from "../ui/When";
import "./pipeline.css";

const ASK_MS = 2000;
const PATIENCE_MS = 8000;

const answer = signal<Answer | null>(null);

/** Since when the server has not answered, and what went wrong. */
const away = signal<{ since: string; why: string } | null>(null);

/** The way of the readings, from the devices to the store and to the pages, and how each part of it does. */
export function Pipeline() {
  useEffect(keepAsking, []);
  const stages = answer.value?.stages ?? [];
  return (
    <section class="pipeline" aria-labelledby="pipeline-title" data-stale={away.value !== null}>
      <div class="view-head" id="pipeline-title">
        <ViewTitle of="pipeline" />
        <Verdict />
      </div>
      {stages.length > 0 && (
        <ol class="path" aria-label="The way of the readings" style={{ "--stations": stationsOf(stages).length }}>
          {stationsOf(stages).map(({ stage, branches }) => (
            <li key={stage.id} class="station">
              <Stage stage={stage} />
              {branches.length > 0 && (
                <ul class="branches" aria-label={`Also fed from: ${stage.name}`}>
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

/** Every two seconds while somebody looks. */
function keepAsking(): () => void {
  const stop = new AbortController();
  // What was true when the reader was here last says nothing of now.
  answer.value = away.value = null;
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
    const found = await fetchPipeline(AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]));
    if (stop.aborted) return;
    answer.value = found;
    away.value = null;
  } catch (error) {
    if (stop.aborted) return;
    const since = away.peek()?.since ?? answer.peek()?.at ?? new Date(serverNow()).toISOString();
    away.value = { since, why: (error as Error).message };
  }
}

/** In a line what the picture says. */
function Verdict() {
  if (away.value) {
    return (
      <p class="verdict" role="alert" data-testid="pipeline-away">
        <AlertShape />Not known since <When at={away.value.since} />: {away.value.why}. {answer.value && "This is how it was."}
      </p>
    );
  }
  if (!answer.value) return <p class="verdict nothing" role="status">Asking…</p>;
  const problems = problemsOf(answer.value.stages);
  if (problems.length === 0) return <p class="verdict" data-testid="verdict"><DoneShape />All that is known is well.</p>;
  return (
    <p class="verdict" role="status" data-testid="verdict" data-bad="true">
      <AlertShape /><strong>{plural(problems.length, "stage needs", "stages need")} a look</strong>
    </p>
  );
}
