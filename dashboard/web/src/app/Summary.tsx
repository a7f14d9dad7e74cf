import type { ComponentChildren } from "preact";
import { isTaken } from "../ui/click";
import { formatDuration, formatNumber, plural } from "../ui/format";
import { hasTools, list, listing } from "../sensors/rows";
import { FRESHNESSES, toggled } from "../address/rows-view";
import { scope } from "../address/scope";
import { hrefOfScope, showOnly } from "../address/scoping";
import { AlertShape, StateShape } from "../ui/Shapes";
import { behindSeconds, connection, generation, openCount, readingsPerSecond, rejectedCount, sensors, stateCounts } from "../live/state";
import { REJECTED, view } from "../address/view";

/** How everything is, in one line; with a scope, how that part of it is. */
export function Summary() {
  const isAll = scope.value.filters.length === 0;
  return (
    <ul class="summary" data-testid="summary">
      <ScopeChip />
      {sensors.value.length > 0 && <Counts />}
      <Behind />
      {isAll && generation.value > 0 && (
        <li data-none={rejectedCount.value === 0}>
          <a class="count" href={`#${REJECTED}`} data-testid="rejected-count">{rejectedCount.value.toLocaleString()} rejected</a>
        </li>
      )}
    </ul>
  );
}

function ScopeChip() {
  const { filters, problem } = scope.value;
  if (problem !== null) return <li class="scope" data-testid="scope" data-problem="true">All is shown: {problem}</li>;
  if (filters.length === 0) return null;
  return (
    <li class="scope" data-testid="scope">
      only {filters.join(", ")}
      <a href={hrefOfScope([])} onClick={(event) => isTaken(event) && showOnly([])}>Show all</a>
    </li>
  );
}

/** Of a part, the server lists so many alerts and does not count them. */
const MOST_LISTED = 100;

function Counts() {
  const counts = stateCounts.value;
  const open = openCount.value;
  const { states, alerting } = listing.value;
  return (
    <>
      <li>{plural(sensors.value.length, "sensor")}</li>
      {FRESHNESSES.map((state) => (
        <li key={state} data-none={counts[state] === 0} data-state={state}>
          <Filtering by={state} on={states.includes(state)} toggle={() => list({ states: toggled(states, state) })}>
            <StateShape state={state} />{counts[state].toLocaleString()} {state}
          </Filtering>
        </li>
      ))}
      <li data-none={open === 0} data-alerting={open > 0}>
        <Filtering by="alerting" on={alerting} toggle={() => list({ alerting: !alerting })}>
          <AlertShape />{scope.value.filters.length > 0 && open >= MOST_LISTED ? `${open} or more open alerts` : plural(open, "open alert")}
        </Filtering>
      </li>
      <ReadingRate />
    </>
  );
}

interface FilteringProps {
  by: string;
  on: boolean;
  toggle(): void;
  children: ComponentChildren;
}

/** With many sensors a count is also the way to those it counts, where they are listed. */
function Filtering({ by, on, toggle, children }: FilteringProps) {
  if (!hasTools.value || view.value !== "overview") return <span class="count">{children}</span>;
  const title = on ? `Show others than ${by}, too` : `Show only ${by}`;
  return (
    <button class="count" aria-pressed={on} onClick={toggle} title={title} data-filter={by}>
      {children}
    </button>
  );
}

const RATE_TITLE = "New values on this page over the last 10 seconds. It is told of each sensor ten times a second at most.";

function ReadingRate() {
  const rate = readingsPerSecond.value;
  const text = rate === null ? "–" : formatNumber(rate, rate > 0 && rate < 99.95 ? 1 : 0);
  return <li class="rate" data-testid="rate" data-none={!rate} title={RATE_TITLE}>{text} readings/s</li>;
}

/** From so many seconds on it is worth a look. */
const LATE_SECONDS = 5;

const BEHIND_TITLE = "For how long the oldest reading that is not stored yet has been waiting.";

function Behind() {
  const seconds = behindSeconds.value;
  if (seconds === null || !connection.value.connected) return null;
  const late = seconds > LATE_SECONDS;
  const text = seconds < 60 ? `${formatNumber(seconds, seconds > 0 && seconds < 9.95 ? 1 : 0)} s` : formatDuration(seconds * 1000);
  return (
    <li data-testid="behind" data-none={!late} data-late={late} title={BEHIND_TITLE}>
      <a class="count" href="#pipeline">{late && <AlertShape />}writer {text} behind</a>
    </li>
  );
}
