import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { changeRows, clearFilter } from "../address/navigate";
import { ALL_CLOSED, ALL_OPEN, SORTS, type RowsView, type SortName } from "../address/rows-view";
import { rowsView } from "../address/state";
import { allSeries } from "../live/state";
import { formatCount, plural } from "../ui/format";
import { ArrowShape } from "../ui/Shapes";
import { isListFiltered, metrics, order, paths, rows, whole, whyNoOrder } from "./rows";

export const FILTER_ID = "filter";

/** Which sensors are listed, in which order, and as tiles or rows. */
export function Tools() {
  return (
    <div class="tools" role="group" aria-label="List of sensors">
      <input
        id={FILTER_ID}
        type="search"
        aria-label="Filter by name or metric. MQTT filters such as site/+/rack or temperature/# work, too."
        aria-keyshortcuts="/"
        title="Part of a name or metric, or an MQTT filter: site/+/rack, temperature/#. Press / to come here."
        placeholder="Filter by name"
        value={rowsView.value.text}
        onInput={(event) => changeRows({ text: event.currentTarget.value })}
      />
      {(metrics.value.length > 1 || rowsView.value.metric !== null) && <MetricSelect />}
      {rowsView.value.view === "tiles" && <OrderSelect />}
      <ViewSwitch />
      <div class="tools-line">
        <p data-testid="listed-count">{countText()}</p>
        {isListFiltered.value && <button class="link" onClick={clearFilter}>Show all</button>}
        {paths.value.size > 0 && <GroupSwitch />}
        <NotSorted />
      </div>
    </div>
  );
}

/** Whether the reader has tried to sort by value. */
const isAsked = signal(false);

/** Why the sensors are not sorted by value, where that is wanted and values have no order. */
function NotSorted() {
  const isWanted = rowsView.value.sort === "value" || isAsked.value;
  return <p class="tools-note" role="status" data-testid="not-sorted">{isWanted && whyNoOrder.value !== null && notSortedText()}</p>;
}

function notSortedText(): string {
  return `Not sorted by value: ${whyNoOrder.value}`;
}

function countText(): string {
  const [shown, all] = [rows.value.length, allSeries.value.length];
  return isListFiltered.value ? `${formatCount(shown)} of ${plural(all, "sensor")}` : plural(all, "sensor");
}

function MetricSelect() {
  const front = rowsView.value.metric;
  const names = front === null || metrics.value.includes(front) ? metrics.value : [front, ...metrics.value];
  return (
    <select
      aria-label="Metric"
      value={front ?? ""}
      onChange={(event) => changeRows({ metric: event.currentTarget.value || null })}
    >
      <option value="">All metrics</option>
      {names.map((name) => <option key={name} value={name}>{name}</option>)}
    </select>
  );
}

const SORT_NAMES: Record<SortName, string> = { name: "Name", value: "Value", age: "Age", state: "State" };

/** What comes first, in both directions of each order. */
const FIRST: Record<SortName, [string, string]> = {
  name: ["A to Z", "Z to A"],
  value: ["highest first", "lowest first"],
  age: ["oldest first", "newest first"],
  state: ["worst first", "best first"],
};

function OrderSelect() {
  const { reversed } = rowsView.value;
  const sort = order.value;
  const first = FIRST[sort][Number(reversed)];
  return (
    <div class="order">
      <select
        aria-label="Sort by"
        value={sort}
        onChange={(event) => changeRows({ sort: event.currentTarget.value as SortName, reversed: false })}
      >
        {SORTS.map((name) => <SortOption key={name} name={name} />)}
      </select>
      <button class="button" aria-label={`${first}, reverse`} title={first} onClick={() => changeRows({ reversed: !reversed })}>
        <ArrowShape down={pointsDown({ sort, reversed })} />
      </button>
    </div>
  );
}

function SortOption({ name }: { name: SortName }) {
  const isOffered = name !== "value" || whyNoOrder.value === null;
  return <option value={name} disabled={!isOffered}>{isOffered ? SORT_NAMES[name] : `${SORT_NAMES[name]}: ${whyNoOrder.value}`}</option>;
}

/** Whether the arrow points down, as it does in tables for descending values. */
export function pointsDown({ sort, reversed }: Pick<RowsView, "sort" | "reversed">): boolean {
  return (sort !== "name") !== reversed;
}

/** The head of a column: sorts by it, and at the next click in reverse. */
export function SortHead({ by, children }: { by: SortName; children: ComponentChildren }) {
  const { reversed } = rowsView.value;
  const sort = order.value;
  const on = sort === by;
  const first = FIRST[by][Number(on && reversed)];
  if (by === "value" && whyNoOrder.value !== null) {
    return <button class="head" aria-disabled="true" title={notSortedText()} onClick={() => (isAsked.value = true)}>{children}</button>;
  }
  return (
    <button
      class="head"
      title={on ? first : `Sort by ${by}, ${FIRST[by][0]}`}
      onClick={() => changeRows({ sort: by, reversed: on && !reversed })}
    >
      {children}
      {on && <ArrowShape down={pointsDown({ sort, reversed })} />}
    </button>
  );
}

export function ViewSwitch() {
  const { view } = rowsView.value;
  return (
    <div class="switch views" role="group" aria-label="View">
      <button aria-pressed={view === "tiles"} onClick={() => changeRows({ view: "tiles" })}>Tiles</button>
      <button aria-pressed={view === "table"} onClick={() => changeRows({ view: "table" })}>Table</button>
    </div>
  );
}

function GroupSwitch() {
  const { grouped, folds } = rowsView.value;
  const someAreOpen = !folds.allClosed || folds.but.length > 0;
  return (
    <div class="tools-groups">
      {grouped && whole.value.groups.length > 0 && (
        <button class="link" onClick={() => changeRows({ folds: someAreOpen ? ALL_CLOSED : ALL_OPEN })}>
          {someAreOpen ? "Collapse all" : "Expand all"}
        </button>
      )}
      <label>
        <input type="checkbox" checked={grouped} onChange={(event) => changeRows({ grouped: event.currentTarget.checked })} />
        Groups
      </label>
    </div>
  );
}
