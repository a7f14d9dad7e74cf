import type { ComponentChildren } from "preact";
import { brokenOf } from "./text";
import type { Alert, Span } from "../api/client";
import { choose, hrefOf } from "../address/choice";
import { isTaken } from "../ui/click";
import { serverNow } from "../live/clock";
import { formatDuration } from "../ui/format";
import { Notices } from "./Notifications";
import { Reply } from "./Reply";
import { reply, type ReplyKind } from "./replying";
import { AlertShape, DoneShape } from "../ui/Shapes";
import { silenceOf, silences } from "./silences";
import { keyOf, sensorOf } from "../live/state";
import { Since, When } from "../ui/When";

/** One alert: what is or was wrong, who sees to it, who was told, and what can be said to it. */
export function AlertRow({ alert }: { alert: Alert }) {
  const sensor = sensorOf(keyOf(alert));
  const open = alert.resolved_at === null;
  const unit = alert.unit ?? sensor?.newest.value.unit ?? null;
  const silence = open ? silenceOf(alert, silences.value) : undefined;
  return (
    <li
      class="alert"
      tabIndex={-1}
      data-testid="alert"
      data-open={open}
      data-severity={alert.severity}
      data-acknowledged={alert.acknowledged !== null}
      data-silenced={silence !== undefined}
      data-device={alert.device}
      data-metric={alert.metric}
    >
      <div class="alert-line">
        <strong>
          {open ? <AlertShape /> : <DoneShape />}{alert.rule}
          <span class="alert-severity">{alert.severity}</span>
        </strong>
        <span class="alert-lasted">{open ? <><span class="unseen">open </span>for <Since at={alert.opened_at} /></> : <>lasted {lastedOf(alert)}</>}</span>
      </div>
      <div class="alert-line">
        <a href={hrefOf(around(alert))} onClick={(event) => showAround(event, alert)}>{alert.device} {alert.metric}</a>
        <span class="alert-value">{brokenOf(alert, unit, sensor?.precision.digits ?? 1)}</span>
      </div>
      <dl class="alert-times">
        <Fact name="opened"><When at={alert.opened_at} /></Fact>
        {alert.acknowledged && (
          <Fact name="acknowledged"><When at={alert.acknowledged.at} />{said(alert.acknowledged.by, alert.acknowledged.note)}</Fact>
        )}
        {silence && <Fact name="silenced">until <When at={silence.until} />{said(silence.by, silence.reason)}</Fact>}
        {alert.resolved_at && <Fact name="resolved"><When at={alert.resolved_at} /></Fact>}
      </dl>
      <div class="alert-foot">
        <Notices alert={alert} />
        <Answerable alert={alert} isSilenced={silence !== undefined} />
      </div>
    </li>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

function said(by: string | null, text: string | null): string {
  return `${by ? ` by ${by}` : ""}${text ? `: ${text}` : ""}`;
}

/** What has been said already is not asked again; a form that is open stays, even when the alert ends meanwhile. */
function Answerable({ alert, isSilenced }: { alert: Alert; isSilenced: boolean }) {
  const open = alert.resolved_at === null;
  const writing = reply.value?.id === alert.id ? reply.value.kind : null;
  const kinds: ReplyKind[] = [];
  if (writing === "acknowledge" || (open && !alert.acknowledged)) kinds.push("acknowledge");
  if (writing === "silence" || (open && !isSilenced)) kinds.push("silence");
  return kinds.length > 0 ? <Reply alert={alert} kinds={kinds} /> : null;
}

function lastedOf(alert: Alert): string {
  return formatDuration(Date.parse(alert.resolved_at!) - Date.parse(alert.opened_at));
}

/** A past alert is shown with as much time around it as it took; an open one in a range that reaches back to it. */
function around(alert: Alert): Parameters<typeof hrefOf>[0] {
  const opened = Date.parse(alert.opened_at);
  const resolved = alert.resolved_at ? Date.parse(alert.resolved_at) : serverNow();
  const margin = Math.max(120_000, resolved - opened);
  const zoom: Span | null = alert.resolved_at ? { from: opened - margin, to: resolved + margin } : null;
  return { sensor: { device: alert.device, metric: alert.metric }, zoom };
}

function showAround(event: MouseEvent, alert: Alert): void {
  if (!isTaken(event)) return;
  choose(around(alert));
  document.getElementById("chart")?.scrollIntoView({ block: "nearest" });
}
