import { INCIDENT_FILTERS } from "../address/incident-filter";
import { showIncidents } from "../address/navigate";
import { incidentFilter } from "../address/state";
import type { Incident } from "../api/client";
import { incidents, known, openCount, quietCounts } from "../live/state";
import { mergeIncidents } from "../live/merge-incidents";
import { formatCount, plural } from "../ui/format";
import { lazy } from "../ui/lazy";
import { done } from "../ui/status";
import { filtered } from "./filter";
import { isGrouped } from "./groups";
import { linkProblem } from "./linked";
import { hasOlder, Older, past, showAll } from "./Older";
import { reply } from "./replying";
import { Row } from "./Row";
import { Selection } from "./Selection";
import { SilenceList } from "./SilenceList";
import { quietText } from "./text";

const FIRST_SHOWN = 12;

const Waiting = () => <p class="nothing" role="status">Loading…</p>;
const GroupList = lazy(() => import("./GroupList").then(({ GroupList }) => GroupList), Waiting);

/** The open and past incidents, and the silences. */
export function Incidents() {
  const grouped = isGrouped.value && incidentFilter.value !== "past";
  const listed = listedIncidents();
  const shown = showAll.value ? listed : listed.slice(0, Math.max(FIRST_SHOWN, grouped ? 0 : openCount.value));
  const several = openCount.value > 1;
  return (
    <section id="incidents" class="panel incidents" aria-labelledby="incidents-title">
      <div class="incidents-head">
        <h2 id="incidents-title" tabIndex={-1}>Incidents</h2>
        {(incidents.value.length > 0 || openCount.value > 0) && <Filter />}
      </div>
      <Quiet />
      {linkProblem.value && <p class="nothing" role="status" data-testid="link-problem">{linkProblem.value}</p>}
      <Selection />
      {grouped && <GroupList />}
      {listed.length === 0 && !grouped && known.value && <p class="nothing">{nothing()}</p>}
      {!grouped && <Unlisted />}
      <ol>{shown.map((incident) => <Row key={incident.id} incident={incident} selectable={several} />)}</ol>
      {shown.length < listed.length && (
        <button class="button" onClick={() => (showAll.value = true)}>Show all {formatCount(listed.length)}</button>
      )}
      {hasOlder.value && <Older />}
      <SilenceList />
      <p class="unseen" role="status">{done.value}</p>
    </section>
  );
}

/** Single incidents; in groups, only the one whose form is open, and the past ones. */
function listedIncidents(): Incident[] {
  const kept = reply.value?.target.incident;
  const all = mergeIncidents([...(kept ? [kept] : []), ...(past.value?.incidents ?? [])], incidents.value);
  const listed = filtered(all, incidentFilter.value, kept?.id ?? null);
  return isGrouped.value ? listed.filter(({ id, resolved_at }) => resolved_at !== null || id === kept?.id) : listed;
}

/** How many open incidents need no attention; of all devices. */
function Quiet() {
  const { acknowledged, silenced } = quietCounts.value;
  return acknowledged + silenced > 0 ? <p class="incident-quiet" data-testid="quiet">{quietText(acknowledged, silenced)}</p> : null;
}

/** Where the page shows several parts, the server lists the newest incidents only. */
function Unlisted() {
  const unlisted = openCount.value - incidents.value.filter((incident) => incident.resolved_at === null).length;
  if (unlisted <= 0 || incidentFilter.value === "past") return null;
  return <p class="nothing" data-testid="unlisted">{plural(unlisted, "more incident")} {unlisted === 1 ? "is" : "are"} open but not listed here.</p>;
}

function nothing(): string {
  if (incidents.value.length === 0) return "No incidents so far";
  if (hasOlder.value && !past.value) return "Past incidents are not loaded";
  return incidentFilter.value === "open" ? "No open incidents" : "No past incidents";
}

function Filter() {
  return (
    <div class="switch" role="group" aria-label="Incidents to list">
      {INCIDENT_FILTERS.map((filter) => (
        <button key={filter} aria-pressed={incidentFilter.value === filter} data-incidents={filter} onClick={() => showIncidents(filter)}>
          {filter === "open" && openCount.value > 0 ? `open ${formatCount(openCount.value)}` : filter}
        </button>
      ))}
    </div>
  );
}
