import { signal } from "@preact/signals";
import { INCIDENT_FILTERS } from "../address/incident-filter";
import { showIncidents } from "../address/navigate";
import { incidentFilter } from "../address/state";
import { fetchPastIncidents, type Incident } from "../api/client";
import { mergeIncidents } from "../live/merge-incidents";
import { incidents, known, openCount } from "../live/state";
import { plural } from "../ui/format";
import { done } from "../ui/status";
import { filtered } from "./filter";
import { reply } from "./replying";
import { Row } from "./Row";
import { SilenceList } from "./SilenceList";

const FIRST_SHOWN = 12;
/** The live connection lists so many; older incidents are loaded from the store. */
const MOST_LIVE = 100;
const MOST_PAST = 300;
const showAll = signal(false);
/** Past incidents from the store, once the reader has asked for them. */
const past = signal<Incident[] | null>(null);
const problem = signal("");

/** The open and past incidents, and the silences. */
export function Incidents() {
  const listed = filtered(mergeIncidents(past.value ?? [], incidents.value), incidentFilter.value, reply.value?.id ?? null);
  const shown = showAll.value ? listed : listed.slice(0, Math.max(FIRST_SHOWN, openCount.value));
  const unlisted = openCount.value - incidents.value.filter((incident) => incident.resolved_at === null).length;
  return (
    <section id="incidents" class="panel incidents" aria-labelledby="incidents-title">
      <div class="incidents-head">
        <h2 id="incidents-title" tabIndex={-1}>Incidents</h2>
        {incidents.value.length > 0 && <Filter />}
      </div>
      {listed.length === 0 && known.value && <p class="nothing">{nothing()}</p>}
      {unlisted > 0 && <p class="nothing" data-testid="unlisted">{plural(unlisted, "more incident")} {unlisted === 1 ? "is" : "are"} open but not listed here.</p>}
      <ol>{shown.map((incident) => <Row key={incident.id} incident={incident} />)}</ol>
      {shown.length < listed.length && (
        <button class="button" onClick={() => (showAll.value = true)}>Show all {listed.length}</button>
      )}
      {incidents.value.length >= MOST_LIVE && incidentFilter.value !== "open" && <Older />}
      <SilenceList />
      <p class="unseen" role="status">{done.value}</p>
    </section>
  );
}

/** Loads the past incidents that the live connection does not list. */
function Older() {
  return (
    <>
      <button class="button" onClick={loadPast}>{past.value ? "Reload past incidents" : "Load past incidents"}</button>
      <p class="problem" aria-live="polite">{problem.value && `Could not be loaded: ${problem.value}.`}</p>
      {past.value?.length === MOST_PAST && <p class="nothing">Older incidents are marked in the chart of each sensor.</p>}
    </>
  );
}

async function loadPast(): Promise<void> {
  try {
    past.value = await fetchPastIncidents(MOST_PAST);
    problem.value = "";
    document.getElementById("incidents-title")?.focus();
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

function nothing(): string {
  if (incidents.value.length === 0) return "No incidents so far";
  if (incidents.value.length >= MOST_LIVE && !past.value) return "Past incidents are not loaded";
  return incidentFilter.value === "open" ? "No open incidents" : "No past incidents";
}

function Filter() {
  return (
    <div class="switch" role="group" aria-label="Incidents to list">
      {INCIDENT_FILTERS.map((filter) => (
        <button key={filter} aria-pressed={incidentFilter.value === filter} data-incidents={filter} onClick={() => showIncidents(filter)}>
          {filter === "open" && openCount.value > 0 ? `open ${openCount.value}` : filter}
        </button>
      ))}
    </div>
  );
}
