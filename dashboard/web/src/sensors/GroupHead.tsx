import type { Group } from "./groups";
import { list, listing } from "./rows";
import { fold, isClosed } from "../address/rows-view";
import { isTaken } from "../ui/click";
import { plural } from "../ui/format";
import { filterOfGroup } from "../address/scope";
import { hrefOfScope, showOnly } from "../address/scoping";
import { AlertShape, FoldShape, StateShape } from "../ui/Shapes";
import { countStates, openAlerts, type Sensor } from "../live/state";

interface Props {
  group: Group<Sensor>;
  top: number | null;
  index: number;
  stop: boolean;
  position: number;
  count: number;
}

/** The heading of a group: what it is called, how many it has, and what is wrong with them. */
export function GroupHead({ group, top, index, stop, position, count }: Props) {
  const { folds, view } = listing.value;
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
      <Condition group={group} />
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
      onClick={() => list({ folds: fold(folds, group.path) })}
    >
      {view === "table" ? <div role="gridcell" aria-colspan={5}>{head}</div> : head}
    </div>
  );
}

/** The way to a page of this group alone. */
function Only({ path, filter, stop }: { path: string; filter: string; stop: boolean }) {
  const go = (event: MouseEvent) => {
    event.stopPropagation();
    if (isTaken(event)) showOnly([filter]);
  };
  return (
    <a class="group-only" tabIndex={stop ? 0 : -1} href={hrefOfScope([filter])} title={`Show only ${path} on this page`} onClick={go}>
      only<span class="unseen"> {path}</span>
    </a>
  );
}

/** What is wrong, the worst first; or that nothing is. */
function Condition({ group }: { group: Group<Sensor> }) {
  const states = countStates(group.all);
  const open = openAlerts.value;
  const alerting = open.size === 0 ? 0 : group.all.reduce((sum, sensor) => sum + Number(open.has(sensor.key)), 0);
  const worst = alerting > 0 ? "alerting" : states.offline > 0 ? "offline" : states.stale > 0 ? "stale" : "fresh";
  return (
    <span class="group-condition" data-testid="group-condition" data-worst={worst}>
      {alerting > 0 && <span data-state="alerting"><AlertShape />{alerting.toLocaleString()} alerting</span>}
      {(["offline", "stale"] as const).map((state) => states[state] > 0 && (
        <span key={state} data-state={state}><StateShape state={state} />{states[state].toLocaleString()} {state}</span>
      ))}
      {worst === "fresh" && <span data-state="fresh"><StateShape state="fresh" />all fresh</span>}
    </span>
  );
}
