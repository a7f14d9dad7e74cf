import { useEffect, useState } from "preact/hooks";
import { scope } from "../address/state";
import { fetchIncidentPage, type Incident, type IncidentGroup } from "../api/client";
import { formatCount, plural } from "../ui/format";
import { FoldShape, WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { groupedBy, groups, groupsProblem, queryOf, startGroups, type GroupedBy } from "./groups";
import { Reply } from "./Reply";
import { Row } from "./Row";
import { groupTarget } from "./target";
import { quietText } from "./text";

/** Many open incidents, by rule or by site. */
export function GroupList() {
  useEffect(startGroups, []);
  const found = groups.value;
  const rest = found ? found.total - found.groups.length : 0;
  return (
    <div class="incident-groups" data-testid="incident-groups">
      <div class="switch" role="group" aria-label="Group by">
        {(["rule", "site"] as GroupedBy[]).map((by) => (
          <button key={by} aria-pressed={groupedBy.value === by} onClick={() => (groupedBy.value = by)}>by {by}</button>
        ))}
      </div>
      {groupsProblem.value && <p class="problem" role="alert">The groups could not be loaded: <Text of={groupsProblem.value} />.</p>}
      {!found && !groupsProblem.value && <p class="nothing">Loading…</p>}
      <ul>{found?.groups.map((group) => <Group key={`${group.name} ${group.rule}`} group={group} />)}</ul>
      {rest > 0 && <p class="nothing">{plural(rest, "more group")}</p>}
      {found?.complete === false && <p class="nothing">Only the first 100,000 incidents are counted.</p>}
    </div>
  );
}

function Group({ group }: { group: IncidentGroup }) {
  const [open, setOpen] = useState(false);
  const { name, severity, acknowledged, silenced } = group;
  return (
    <li class="incident" tabIndex={-1} data-testid="incident-group" data-name={name} data-open="true" data-severity={severity} data-acknowledged={acknowledged + silenced >= group.open}>
      <div class="incident-line">
        <button class="incident-group" aria-expanded={open} onClick={() => setOpen(!open)}>
          <FoldShape /><WarningShape /><strong><Text of={name} /></strong>
          <span class="incident-severity">{severity}</span>
        </button>
        <span class="incident-lasted">{formatCount(group.open)} open</span>
      </div>
      <p>{placesText(group)}, since <When at={group.first_opened_at} /></p>
      {acknowledged + silenced > 0 && <p class="incident-quiet">{quietText(acknowledged, silenced)}</p>}
      <div class="incident-foot"><Reply target={groupTarget(group)} kinds={["acknowledge", "silence"]} /></div>
      {open && <Members group={group} />}
    </li>
  );
}

/** "10,000 devices in 10 sites". */
function placesText({ devices, sites, device }: IncidentGroup): string {
  const where = sites > 1 && sites < devices ? ` in ${plural(sites, "site")}` : device.endsWith("/#") ? ` in ${device.slice(0, -2)}` : "";
  return plural(devices, "device") + where;
}

const PAGE = 20;
const MOST_MEMBERS = 500;

/** The open incidents of a group, a page at a time. They are loaded again when the groups change. */
function Members({ group: { rule, metric, device } }: { group: IncidentGroup }) {
  const [most, setMost] = useState(PAGE);
  const [members, setMembers] = useState<{ incidents: Incident[]; next: string | null } | null>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const abort = new AbortController();
    const query = { ...queryOf(scope.peek().filters), device, ...(rule && { rule }), ...(metric && { metric }), state: "open", limit: `${most}` };
    fetchIncidentPage(query, abort.signal)
      .then((found) => (setMembers(found), setProblem("")))
      .catch((error: Error) => error.name !== "AbortError" && setProblem(error.message));
    return () => abort.abort();
  }, [rule, metric, device, most, groups.value]);
  return (
    <>
      {problem && <p class="problem">Could not be loaded: <Text of={problem} />.</p>}
      {!members && !problem && <p class="nothing">Loading…</p>}
      <ol>{members?.incidents.map((incident) => <Row key={incident.id} incident={incident} selectable />)}</ol>
      {members?.next && most < MOST_MEMBERS && <button class="button" onClick={() => setMost(most + 4 * PAGE)}>Show more</button>}
      {members?.next && most >= MOST_MEMBERS && <p class="nothing">Show only one site on this page to see the others.</p>}
    </>
  );
}
