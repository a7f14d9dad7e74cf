import type { ComponentChildren } from "preact";
import { hrefOf } from "../address/href";
import { keyOf } from "../address/names";
import { select } from "../address/navigate";
import type { Incident, Span } from "../api/client";
import { may } from "../live/caller";
import { serverNow } from "../live/clock";
import { seriesOf } from "../live/state";
import { takeClick } from "../ui/click";
import { formatDuration } from "../ui/format";
import { BellOffShape, DoneShape, WarningShape } from "../ui/Shapes";
import { showChart } from "../ui/show-chart";
import { Text } from "../ui/Text";
import { Since, When } from "../ui/When";
import { Notifications } from "./Notifications";
import { Reply } from "./Reply";
import { reply, type ReplyKind } from "./replying";
import { selected, toggleSelected } from "./selected";
import { silenceOf, silences } from "./silences";
import { incidentTarget } from "./target";
import { violationText } from "./text";

/** One incident: what is or was wrong, who takes care of it, who was notified, and the buttons to reply. */
export function Row({ incident, selectable }: { incident: Incident; selectable?: boolean }) {
  const series = seriesOf(keyOf(incident));
  const open = incident.resolved_at === null;
  const unit = incident.unit ?? series?.newest.value.unit ?? null;
  const silence = open ? silenceOf(incident, silences.value) : undefined;
  const until = silence?.until ?? incident.silenced_until;
  return (
    <li
      class="incident"
      tabIndex={-1}
      data-testid="incident"
      data-open={open}
      data-severity={incident.severity}
      data-acknowledged={incident.acknowledged !== null}
      data-silenced={until !== null}
      data-device={incident.device}
      data-metric={incident.metric}
    >
      <div class="incident-line">
        <span class="incident-title">
          {open && selectable && (may("acknowledge") || may("silence")) && <Select incident={incident} />}
          {!open ? <DoneShape /> : until ? <BellOffShape /> : <WarningShape />}<strong><Text of={incident.rule} /></strong>
          <span class="incident-severity">{incident.severity}</span>
        </span>
        <span class="incident-lasted">{open ? <><span class="unseen">open </span>for <Since at={incident.opened_at} /></> : <>lasted {lastedOf(incident)}</>}</span>
      </div>
      <p><a href={hrefOf(around(incident))} onClick={(event) => showAround(event, incident)}>{incident.device} {incident.metric}</a></p>
      <p class="incident-value">{violationText(incident, unit, series?.precision.digits ?? 1)}</p>
      <dl class="incident-times">
        <Fact name="opened"><When at={incident.opened_at} /></Fact>
        {incident.acknowledged && (
          <Fact name="acknowledged"><When at={incident.acknowledged.at} /><By by={incident.acknowledged.by} text={incident.acknowledged.note} /></Fact>
        )}
        {until && <Fact name="silenced">until <When at={until} />{silence && <By by={silence.by} text={silence.reason} />}</Fact>}
        {incident.resolved_at && <Fact name="resolved"><When at={incident.resolved_at} /></Fact>}
      </dl>
      <div class="incident-foot">
        <Notifications incident={incident} />
        <Replies incident={incident} isSilenced={until !== null} />
      </div>
    </li>
  );
}

function Select({ incident }: { incident: Incident }) {
  const name = `Select ${incidentTarget(incident).name}`;
  return <input type="checkbox" aria-label={name} checked={selected.value.has(incident.id)} onChange={() => toggleSelected(incident.id)} />;
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function By({ by, text }: { by: string | null; text: string | null }) {
  return <>{by && <> by <Text of={by} /></>}{text && <>: <Text of={text} /></>}</>;
}

/** Offers what has not been done yet. An open form stays, even when the incident is resolved meanwhile. */
function Replies({ incident, isSilenced }: { incident: Incident; isSilenced: boolean }) {
  const open = incident.resolved_at === null;
  const writing = reply.value?.target.id === incident.id ? reply.value.kind : null;
  const kinds: ReplyKind[] = [];
  if (writing === "acknowledge" || (open && !incident.acknowledged)) kinds.push("acknowledge");
  if (writing === "silence" || (open && !isSilenced)) kinds.push("silence");
  return kinds.length > 0 ? <Reply target={incidentTarget(incident)} kinds={kinds} /> : null;
}

function lastedOf(incident: Incident): string {
  return formatDuration(Date.parse(incident.resolved_at!) - Date.parse(incident.opened_at));
}

/** Zooms to a past incident, with as much time around it as it lasted; an open one keeps the range that ends now. */
function around(incident: Incident): Parameters<typeof hrefOf>[0] {
  const opened = Date.parse(incident.opened_at);
  const resolved = incident.resolved_at ? Date.parse(incident.resolved_at) : serverNow();
  const margin = Math.max(120_000, resolved - opened);
  const zoom: Span | null = incident.resolved_at ? { from: opened - margin, to: resolved + margin } : null;
  return { series: { device: incident.device, metric: incident.metric }, zoom };
}

function showAround(event: MouseEvent, incident: Incident): void {
  if (!takeClick(event)) return;
  select(around(incident));
  showChart();
}
