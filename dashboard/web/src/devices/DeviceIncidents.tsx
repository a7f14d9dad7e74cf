import { useEffect } from "preact/hooks";
import { fetchIncidentPage, type Incident } from "../api/client";
import type { DeviceDetails } from "../api/devices";
import { conditionText } from "../ui/condition";
import { Problem } from "../ui/Facts";
import { formatDuration, plural } from "../ui/format";
import { useLoaded } from "../ui/loaded";
import { DoneShape, WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { Since, When } from "../ui/When";

const SHOWN = "20";
const REFRESH_MS = 10_000;

/** What was wrong with the device: open incidents first, then the newest. */
export function DeviceIncidents({ of: { name, open_incidents } }: { of: DeviceDetails }) {
  const { found, problem, reload } = useLoaded(() => fetchIncidentPage({ device: name, limit: SHOWN }));
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, []);
  return (
    <section class="panel" aria-labelledby="device-incidents">
      <h2 id="device-incidents">State history</h2>
      <Problem of={problem} what="The incidents could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found?.incidents.length === 0 && <p class="nothing" data-testid="no-incidents">No incidents</p>}
      {open_incidents.count > 0 && <p class="view-note">{plural(open_incidents.count, "incident")} open. <a href="#incidents">All incidents</a></p>}
      <ul class="device-incidents">{found?.incidents.map((one) => <Row key={one.id} of={one} />)}</ul>
      {found && found.next !== null && <p class="view-note">Older ones are in the <a href="#incidents">list of incidents</a>.</p>}
    </section>
  );
}

function Row({ of }: { of: Incident }) {
  const { rule, severity, metric, unit, opened_at, resolved_at } = of;
  const isOpen = resolved_at === null;
  return (
    <li data-testid="device-incident" data-open={isOpen}>
      {isOpen ? <WarningShape /> : <DoneShape />}
      <strong><Text of={rule} /></strong>
      <span class="entry-tag">{severity}</span>
      <span><Text of={metric} /> <Text of={conditionText(of, unit)} /></span>
      <span class="device-incident-time">
        {isOpen ? <>open for <Since at={opened_at} />, since <When at={opened_at} /></> : <><When at={opened_at} />, for {formatDuration(Date.parse(resolved_at) - Date.parse(opened_at))}</>}
      </span>
    </li>
  );
}
