import type { ComponentChildren } from "preact";
import { isListFiltered, list, listAll, listed, listing, metrics, paths, whole } from "./rows";
import { ALL_CLOSED, ALL_OPEN, SORTS, type Listing, type SortName } from "../address/rows-view";
import { plural } from "../ui/format";
import { ArrowShape } from "../ui/Shapes";
import { sensors } from "../live/state";

export const FILTER_ID = "filter";

/** Which sensors are listed, in which order, and as what. */
export function Tools() {
  return (
    <div class="tools" role="group" aria-label="What is listed">
      <input
        id={FILTER_ID}
        type="search"
        aria-label="Filter by name or metric. Patterns as site/+/rack or temperature/# work too."
        aria-keyshortcuts="/"
        title="Parts of a name or metric, or a pattern: site/+/rack, temperature/#. The key / comes here."
        placeholder="Filter by name"
        value={listing.value.text}
        onInput={(event) => list({ text: event.currentTarget.value })}
      />
      {(metrics.value.length > 1 || listing.value.metric !== null) && <MetricChoice />}
      {listing.value.view === "tiles" && <OrderChoice />}
      <ViewChoice />
      <div class="tools-line">
        <p data-testid="listed-count">{countText()}</p>
        {isListFiltered.value && <button class="link" onClick={listAll}>Show all</button>}
        {paths.value.size > 0 && <GroupChoice />}
      </div>
    </div>
  );
}

function countText(): string {
  const [shown, all] = [listed.value.length, sensors.value.length];
  return isListFiltered.value ? `${shown.toLocaleString()} of ${plural(all, "sensor")}` : plural(all, "sensor");
}

function MetricChoice() {
  const chosen = listing.value.metric;
  const names = chosen === null || metrics.value.includes(chosen) ? metrics.value : [chosen, ...metrics.value];
  return (
    <select
      aria-label="Metric"
      value={chosen ?? ""}
      onChange={(event) => list({ metric: event.currentTarget.value || null })}
    >
      <option value="">All metrics</option>
      {names.map((name) => <option key={name} value={name}>{name}</option>)}
    </select>
  );
}

const SORT_NAMES: Record<SortName, string> = { name: "Name", value: "Value", age: "Age", state: "State" };

/** What comes first, in the two directions of each order. */
const FIRST: Record<SortName, [string, string]> = {
  name: ["A to Z", "Z to A"],
  value: ["highest first", "lowest first"],
  age: ["oldest first", "newest first"],
  state: ["worst first", "best first"],
};

function OrderChoice() {
  const { sort, reversed } = listing.value;
  const first = FIRST[sort][Number(reversed)];
  return (
    <div class="order">
      <select
        aria-label="Sort by"
        value={sort}
        onChange={(event) => list({ sort: event.currentTarget.value as SortName, reversed: false })}
      >
        {SORTS.map((name) => <option key={name} value={name}>{SORT_NAMES[name]}</option>)}
      </select>
      <button class="button" aria-label={`${first}, turn round`} title={first} onClick={() => list({ reversed: !reversed })}>
        <ArrowShape down={pointsDown(listing.value)} />
      </button>
    </div>
  );
}

/** Down where figures or letters fall from top to bottom, as in any table. */
export function pointsDown({ sort, reversed }: Pick<Listing, "sort" | "reversed">): boolean {
  return (sort !== "name") !== reversed;
}

/** The head of a column: it sorts by it, and once more the other way round. */
export function SortHead({ by, children }: { by: SortName; children: ComponentChildren }) {
  const { sort, reversed } = listing.value;
  const on = sort === by;
  const first = FIRST[by][Number(on && reversed)];
  return (
    <button
      class="head"
      title={on ? first : `Sort by ${by}, ${FIRST[by][0]}`}
      onClick={() => list({ sort: by, reversed: on && !reversed })}
    >
      {children}
      {on && <ArrowShape down={pointsDown(listing.value)} />}
    </button>
  );
}

export function ViewChoice() {
  const { view } = listing.value;
  return (
    <div class="ranges views" role="group" aria-label="View">
      <button aria-pressed={view === "tiles"} onClick={() => list({ view: "tiles" })}>Tiles</button>
      <button aria-pressed={view === "table"} onClick={() => list({ view: "table" })}>Table</button>
    </div>
  );
}

function GroupChoice() {
  const { grouped, folds } = listing.value;
  const someAreOpen = !folds.allClosed || folds.but.length > 0;
  return (
    <div class="tools-groups">
      {grouped && whole.value.groups.length > 0 && (
        <button class="link" onClick={() => list({ folds: someAreOpen ? ALL_CLOSED : ALL_OPEN })}>
          {someAreOpen ? "Close all" : "Open all"}
        </button>
      )}
      <label>
        <input type="checkbox" checked={grouped} onChange={(event) => list({ grouped: event.currentTarget.checked })} />
        Groups
      </label>
    </div>
  );
}
