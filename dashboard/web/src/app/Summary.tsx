import type { ComponentChildren } from "preact";
import { hrefOfScope } from "../address/href";
import { changeRows, showOnly } from "../address/navigate";
import { FRESHNESSES, toggled } from "../address/rows-view";
import { rowsView, scope } from "../address/state";
import { INPUTS, REJECTED, view } from "../address/view";
import { may, seesAllDevices } from "../live/caller";
import { alerting, allSeries, behindSeconds, connection, generation, openCount, readingsPerSecond, rejectedCount, stateCounts, unmappedCount } from "../live/state";
import { hasTools } from "../sensors/rows";
import { takeClick } from "../ui/click";
import { formatCount, formatDuration, formatNumber, plural } from "../ui/format";
import { StateShape, WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";

/** The state of all sensors in one line, or of those in the scope. */
export function Summary() {
  const isAll = scope.value.filters.length === 0;
  return (
    <ul class="summary" data-testid="summary">
      <ScopeChip />
      {allSeries.value.length > 0 && <Counts />}
      {may("system") && <Behind />}
      {may("system") && isAll && <Unmapped />}
      {isAll && seesAllDevices() && generation.value > 0 && <Rejected />}
    </ul>
  );
}

/** The server counts them for all devices together, so only who sees all of them sees the count. */
function Rejected() {
  const count = rejectedCount.value;
  return (
    <li data-none={count === 0}>
      <a class="count" href={`#${REJECTED}`} data-testid="rejected-count">{`${formatCount(count)} rejected`}</a>
    </li>
  );
}

function ScopeChip() {
  const { filters, problem } = scope.value;
  if (problem !== null) return <li class="scope" data-testid="scope" data-problem="true">Showing all sensors: {visible(problem)}</li>;
  if (filters.length === 0) return null;
  return (
    <li class="scope" data-testid="scope">
      only <Text of={filters.join(", ")} />
      <a href={hrefOfScope([])} onClick={(event) => takeClick(event) && showOnly([])}>Show all</a>
    </li>
  );
}

/** For a scope the server does not count incidents; it lists at most so many. It does say which series have any. */
const MOST_LISTED = 100;

function openText(open: number): string {
  if (scope.value.filters.length === 0 || open < MOST_LISTED) return plural(open, "open incident");
  return `${plural(alerting.value.size, "sensor")} with open incidents`;
}

function Counts() {
  const counts = stateCounts.value;
  const open = openCount.value;
  const { states, alerting: isFiltered } = rowsView.value;
  return (
    <>
      <li>{plural(allSeries.value.length, "sensor")}</li>
      {FRESHNESSES.map((state) => (
        <li key={state} data-none={counts[state] === 0} data-state={state}>
          <Filtering by={state} on={states.includes(state)} toggle={() => changeRows({ states: toggled(states, state) })}>
            <StateShape state={state} />{`${formatCount(counts[state])} ${state}`}
          </Filtering>
        </li>
      ))}
      <li data-none={open === 0} data-alerting={open > 0}>
        <Filtering by="alerting" on={isFiltered} toggle={() => changeRows({ alerting: !isFiltered })}>
          <WarningShape />{openText(open)}
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

/** In the overview of many sensors, a count is also a button that filters by its state. */
function Filtering({ by, on, toggle, children }: FilteringProps) {
  if (!hasTools.value || view.value !== "overview") return <span class="count">{children}</span>;
  const title = on ? `Show all, not only ${by}` : `Show only ${by}`;
  return (
    <button class="count" aria-pressed={on} onClick={toggle} title={title} data-filter={by}>
      {children}
    </button>
  );
}

const RATE_TITLE = "New values on this page in the last 10 seconds. Each sensor is updated at most ten times a second.";

function ReadingRate() {
  const rate = readingsPerSecond.value;
  const text = rate === null ? "–" : formatNumber(rate, rate > 0 && rate < 99.95 ? 1 : 0);
  return <li class="rate" data-testid="rate" data-none={!rate} title={RATE_TITLE}>{text} readings/s</li>;
}

const UNMAPPED_TITLE = "Messages arrive on these topics, and no rule reads them. They are counted by their first two levels.";

function Unmapped() {
  const count = unmappedCount.value;
  if (count === 0) return null;
  return (
    <li data-testid="unmapped" data-late="true" title={UNMAPPED_TITLE}>
      <a class="count" href={`#${INPUTS}`}><WarningShape />{plural(count, "topic isn’t", "topics aren’t")} read</a>
    </li>
  );
}

/** From so many seconds on it is shown. */
const LATE_SECONDS = 5;

const BEHIND_TITLE = "How long the oldest reading that is not stored yet has been waiting.";

function Behind() {
  const seconds = behindSeconds.value;
  if (seconds === null || seconds <= LATE_SECONDS || !connection.value.connected) return null;
  const text = seconds < 60 ? `${formatNumber(seconds, seconds > 0 && seconds < 9.95 ? 1 : 0)} s` : formatDuration(seconds * 1000);
  return (
    <li data-testid="behind" data-late="true" title={BEHIND_TITLE}>
      <a class="count" href="#pipeline"><WarningShape />storing is {text} late</a>
    </li>
  );
}
