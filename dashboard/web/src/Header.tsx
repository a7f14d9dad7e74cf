import type { ComponentChildren } from "preact";
import { connection, known, openCount, readingsPerSecond, rejectedCount, sensors, stateCounts } from "./state";
import { formatClock, formatNumber, plural } from "./format";
import { hasTools, list, listing } from "./listed";
import { FRESHNESSES, toggled } from "./listing";
import { openRejected } from "./RejectedPanel";
import { AlertShape, Mark, StateShape } from "./Shapes";

export function Header() {
  return (
    <header class="header">
      <h1><Mark />Millrace</h1>
      {known.value && <Summary />}
      <Connection />
    </header>
  );
}

function Summary() {
  return (
    <ul class="summary" data-testid="summary">
      {sensors.value.length > 0 && <Counts />}
      <li data-none={rejectedCount.value === 0}>
        <button class="count" onClick={openRejected} data-testid="rejected-count" aria-haspopup="dialog">
          {rejectedCount.value.toLocaleString()} rejected
        </button>
      </li>
    </ul>
  );
}

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
          <AlertShape />{plural(open, "open alert")}
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

/** With many sensors a count is also the way to those it counts. */
function Filtering({ by, on, toggle, children }: FilteringProps) {
  if (!hasTools.value) return <span class="count">{children}</span>;
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

function Connection() {
  const { connected, lostAt } = connection.value;
  return (
    <p class="connection" data-testid="connection" data-connected={connected}>
      <span class="connection-dot" />
      {connected ? "live" : lostAt === null ? "connecting…" : `disconnected since ${formatClock(lostAt)}, reconnecting…`}
    </p>
  );
}
