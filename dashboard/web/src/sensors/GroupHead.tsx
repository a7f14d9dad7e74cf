import { hrefOfScope } from "../address/href";
import { changeRows, showOnly } from "../address/navigate";
import { fold, isClosed } from "../address/rows-view";
import { filterOfGroup } from "../address/scope";
import { rowsView } from "../address/state";
import { isQuiet } from "../live/alerting";
import { alerting, countStates, type Series } from "../live/state";
import { takeClick } from "../ui/click";
import { formatCount, plural } from "../ui/format";
import { BellOffShape, FoldShape, StateShape, WarningShape } from "../ui/Shapes";
import type { Group } from "./groups";

interface Props {
  group: Group<Series>;
  top: number | null;
  index: number;
  stop: boolean;
  position: number;
  count: number;
}

/** The heading of a group: its name, the number of its sensors, and their worst state. */
export function GroupHead({ group, top, index, stop, position, count }: Props) {
  const { folds, view } = rowsView.value;
  const closed = isClosed(folds, group.path);
  const place =
    view === "table"
      ? ({ role: "row", "aria-rowindex": index + 2 } as const)
      : ({ role: "listitem", "aria-posinset": position, "aria-setsize": count } as const);
  const filter = filterOfGroup(group.path);
  const head = (
    <>
      <button class="group-button" tabIndex={stop ? 0 : -1} aria-expanded={!closed} data-item={`group:${group.path}`}>
        <FoldShape />
        <span class="group-name">{group.name}</span>
        <span class="group-count">{plural(group.all.length, "sensor")}</span>
      </button>
      {filter !== null && <Only path={group.path} filter={filter} stop={stop} />}
      <Health group={group} />
    </>
  );
  return (
    <div
      {...place}
      class="group"
      data-testid="group"
      data-path={group.path}
      data-depth={group.depth}
      style={top === null ? undefined : { top: `${top}px` }}
      onClick={() => changeRows({ folds: fold(folds, group.path) })}
    >
      {view === "table" ? <div role="gridcell" aria-colspan={5}>{head}</div> : head}
    </div>
  );
}

/** Links to a page of this group alone. */
function Only({ path, filter, stop }: { path: string; filter: string; stop: boolean }) {
  const go = (event: MouseEvent) => {
    event.stopPropagation();
    if (takeClick(event)) showOnly([filter]);
  };
  return (
    <a class="group-only" tabIndex={stop ? 0 : -1} href={hrefOfScope([filter])} title={`Show only ${path} on this page`} onClick={go}>
      show only<span class="unseen"> {path}</span>
    </a>
  );
}

/** How many series have open incidents that are neither acknowledged nor silenced, and how many have only others. */
function alertingIn(all: Series[]): { loud: number; quiet: number } {
  const counts = { loud: 0, quiet: 0 };
  if (alerting.value.size === 0) return counts;
  for (const { key } of all) {
    const code = alerting.value.get(key);
    if (code !== undefined) counts[isQuiet(code) ? "quiet" : "loud"]++;
  }
  return counts;
}

/** What is wrong, the worst first, or that all sensors are fresh. */
function Health({ group }: { group: Group<Series> }) {
  const states = countStates(group.all);
  const { loud, quiet } = alertingIn(group.all);
  const worst = loud > 0 ? "alerting" : states.offline > 0 ? "offline" : states.stale > 0 ? "stale" : "fresh";
  return (
    <span class="group-condition" data-testid="group-condition" data-worst={worst}>
      {loud > 0 && <span data-state="alerting"><WarningShape />{formatCount(loud)} alerting</span>}
      {quiet > 0 && <span title="With open incidents that are acknowledged or silenced"><BellOffShape />{formatCount(quiet)} quiet</span>}
      {(["offline", "stale"] as const).map((state) => states[state] > 0 && (
        <span key={state} data-state={state}><StateShape state={state} />{formatCount(states[state])} {state}</span>
      ))}
      {worst === "fresh" && quiet === 0 && <span data-state="fresh"><StateShape state="fresh" />all fresh</span>}
    </span>
  );
}
