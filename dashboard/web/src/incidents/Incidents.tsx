import { signal } from "@preact/signals";
import { ALERT_FILTERS, alertFilter, filtered, listAlerts } from "../address/incident-filter";
import { fetchPast, type Alert } from "../api/client";
import { AlertRow } from "./Incident";
import { plural } from "../ui/format";
import { merged } from "../chart/incident-bands";
import { done, reply } from "./replying";
import { SilenceList } from "./SilenceList";
import { alerts, known, openCount } from "../live/state";

const FIRST_SHOWN = 12;
/** As many as the stream has; older ones are in the store. */
const ON_STREAM = 100;
const MOST_PAST = 300;
const all = signal(false);
/** From the store, once somebody asked for them. */
const past = signal<Alert[] | null>(null);
const problem = signal("");

/** What is wrong, what was, and what is said to it. */
export function Alerts() {
  const listed = filtered(merged(past.value ?? [], alerts.value), alertFilter.value, reply.value?.id ?? null);
  const shown = all.value ? listed : listed.slice(0, Math.max(FIRST_SHOWN, openCount.value));
  const unlisted = openCount.value - alerts.value.filter((alert) => alert.resolved_at === null).length;
  return (
    <section id="alerts" class="panel alerts" aria-labelledby="alerts-title">
      <div class="alerts-head">
        <h2 id="alerts-title" tabIndex={-1}>Alerts</h2>
        {alerts.value.length > 0 && <Filter />}
      </div>
      {listed.length === 0 && known.value && <p class="nothing">{nothing()}</p>}
      {unlisted > 0 && <p class="nothing" data-testid="unlisted">{plural(unlisted, "more alert")} {unlisted === 1 ? "is" : "are"} open than can be listed here.</p>}
      <ol>{shown.map((alert) => <AlertRow key={alert.id} alert={alert} />)}</ol>
      {shown.length < listed.length && (
        <button class="button" onClick={() => (all.value = true)}>Show all {listed.length}</button>
      )}
      {alerts.value.length >= ON_STREAM && alertFilter.value !== "open" && <Older />}
      <SilenceList />
      <p class="unseen" role="status">{done.value}</p>
    </section>
  );
}

/** The stream has the newest alone, and open ones before all others. */
function Older() {
  return (
    <>
      <button class="button" onClick={loadPast}>{past.value ? "Load past alerts again" : "Load past alerts"}</button>
      <p class="problem" aria-live="polite">{problem.value && `Not loaded: ${problem.value}.`}</p>
      {past.value?.length === MOST_PAST && <p class="nothing">Older ones are marked in each sensor’s chart.</p>}
    </>
  );
}

async function loadPast(): Promise<void> {
  try {
    past.value = await fetchPast(MOST_PAST);
    problem.value = "";
    document.getElementById("alerts-title")?.focus();
  } catch (error) {
    problem.value = (error as Error).message;
  }
}

function nothing(): string {
  if (alerts.value.length === 0) return "No alerts so far.";
  if (alerts.value.length >= ON_STREAM && !past.value) return "No past alert is loaded.";
  return alertFilter.value === "open" ? "No alert is open." : "No alert is past.";
}

function Filter() {
  return (
    <div class="ranges" role="group" aria-label="Which alerts">
      {ALERT_FILTERS.map((filter) => (
        <button key={filter} aria-pressed={alertFilter.value === filter} data-alerts={filter} onClick={() => listAlerts(filter)}>
          {filter === "open" && openCount.value > 0 ? `open ${openCount.value}` : filter}
        </button>
      ))}
    </div>
  );
}
