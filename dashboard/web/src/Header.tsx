import type { ComponentChildren } from "preact";
import { connection, known, openCount, rejectedCount, sensors, stateCounts } from "./state";
import type { Freshness } from "./api";
import { formatClock, plural } from "./format";
import { openRejected } from "./RejectedPanel";
import { AlertShape, Mark, StateShape } from "./Shapes";
import { filter, filterable } from "./Tiles";

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
    <ul class="summary">
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
  return (
    <>
      <li>{plural(sensors.value.length, "sensor")}</li>
      {(["fresh", "stale", "offline"] as Freshness[]).map((state) => (
        <li key={state} data-none={counts[state] === 0} data-state={state}>
          <Filtering by={state}><StateShape state={state} />{counts[state].toLocaleString()} {state}</Filtering>
        </li>
      ))}
      <li data-none={open === 0} data-alerting={open > 0}>
        <Filtering by="alert"><AlertShape />{plural(open, "open alert")}</Filtering>
      </li>
    </>
  );
}

/** With many sensors a count is also the way to those it counts. */
function Filtering({ by, children }: { by: string; children: ComponentChildren }) {
  if (!filterable.value) return <span class="count">{children}</span>;
  const on = filter.value === by;
  return (
    <button class="count" aria-pressed={on} onClick={() => (filter.value = on ? "" : by)} title={`Show only ${by}`}>
      {children}
    </button>
  );
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
