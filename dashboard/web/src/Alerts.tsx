import { effect, signal } from "@preact/signals";
import { brokenOf, nameOf, unsentOf } from "./alert-words";
import type { Alert, Mail, Span } from "./api";
import { choose, hrefOf } from "./choice";
import { serverNow } from "./clock";
import { formatDuration } from "./format";
import { AlertShape, DoneShape, MailShape } from "./Shapes";
import { alerts, keyOf, known, openCount, sensorOf } from "./state";
import { Since, When } from "./When";

const FIRST_SHOWN = 12;
const all = signal(false);

/** What was wrong: what still is comes first. */
export function Alerts() {
  const ordered = [...alerts.value].sort((a, b) => Number(b.resolved_at === null) - Number(a.resolved_at === null));
  const shown = all.value ? ordered : ordered.slice(0, Math.max(FIRST_SHOWN, openCount.value));
  return (
    <section id="alerts" class="panel alerts" aria-labelledby="alerts-title">
      <h2 id="alerts-title">Alerts</h2>
      {ordered.length === 0 && known.value && <p class="nothing">No alerts so far.</p>}
      <ol>{shown.map((alert) => <Row key={alert.id} alert={alert} />)}</ol>
      {shown.length < ordered.length && (
        <button class="button" onClick={() => (all.value = true)}>Show all {ordered.length}</button>
      )}
    </section>
  );
}

function Row({ alert }: { alert: Alert }) {
  const sensor = sensorOf(keyOf(alert));
  const open = alert.resolved_at === null;
  const unit = alert.unit ?? sensor?.newest.value.unit ?? null;
  return (
    <li class="alert" data-testid="alert" data-open={open} data-severity={alert.severity} data-device={alert.device} data-metric={alert.metric}>
      <div class="alert-line">
        <strong>
          {open ? <AlertShape /> : <DoneShape />}{alert.rule}
          <span class="alert-severity">{alert.severity}</span>
        </strong>
        <span class="alert-lasted">{open ? <>open for <Since at={alert.opened_at} /></> : <>lasted {lastedOf(alert)}</>}</span>
      </div>
      <div class="alert-line">
        <a href={hrefOf(around(alert))} onClick={(event) => showAround(event, alert)}>{alert.device} {alert.metric}</a>
        <span class="alert-value">{brokenOf(alert, unit, sensor?.precision.digits ?? 1)}</span>
      </div>
      <dl class="alert-times">
        <Transition alert={alert} kind="opened" at={alert.opened_at} />
        <Reminded alert={alert} />
        {alert.acknowledged && <Acknowledged {...alert.acknowledged} />}
        {alert.resolved_at && <Transition alert={alert} kind="resolved" at={alert.resolved_at} />}
      </dl>
    </li>
  );
}

/** When an alert opened or was resolved, and when the mail about it went out. */
function Transition({ alert, kind, at }: { alert: Alert; kind: Mail["kind"]; at: string }) {
  return (
    <div>
      <dt>{kind}</dt>
      <dd><When at={at} /></dd>
      {alert.mails.filter((mail) => mail.kind === kind).map((mail) => (
        <dd key={`${mail.way} ${mail.to}`} class="alert-mail">
          <MailShape />
          <span title={`${mail.way} to ${mail.to}`}>
            {mail.way !== "mail" && `${mail.way} `}
            {mail.sent_at ? <>sent <When at={mail.sent_at} beside={at} /></> : unsentOf(mail)}
          </span>
        </dd>
      ))}
    </div>
  );
}

/** When somebody was told last that it is still so. */
function Reminded({ alert }: { alert: Alert }) {
  const sent = alert.mails.flatMap((mail) => (mail.kind === "reminder" && mail.sent_at ? [mail.sent_at] : []));
  const last = sent.sort().at(-1);
  return last ? <div><dt>reminded</dt><dd><When at={last} /></dd></div> : null;
}

function Acknowledged({ at, by, note }: NonNullable<Alert["acknowledged"]>) {
  return (
    <div>
      <dt>seen</dt>
      <dd><When at={at} /></dd>
      {(by || note) && <dd>{[by && `by ${by}`, note].filter(Boolean).join(": ")}</dd>}
    </div>
  );
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
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  choose(around(alert));
  document.getElementById("chart")?.scrollIntoView({ block: "nearest" });
}

const announced = signal("");
let openBefore: Set<string> | null = null;

// Those that were open when the page came up are in the header; the voice is for what happens.
effect(() => {
  if (!known.value) return;
  const isOpen = alerts.value.filter((alert) => alert.resolved_at === null);
  const open = new Map(isOpen.map((alert) => [nameOf(alert), alert]));
  const before = openBefore ?? new Set(open.keys());
  const opened = [...open].filter(([name]) => !before.has(name)).map(([name, alert]) => `${alarmOf(alert)}: ${name}.`);
  const resolved = [...before].filter((name) => !open.has(name)).map((name) => `Resolved: ${name}.`);
  openBefore = new Set(open.keys());
  if (opened.length + resolved.length > 0) announced.value = [...opened, ...resolved].join(" ");
});

function alarmOf(alert: Alert): string {
  return alert.severity === "critical" ? "Critical alert" : "Alert";
}

/** Speaks alarms to those who do not see the page, and nothing else. */
export function Announcer() {
  return <p class="unseen" role="alert">{announced.value}</p>;
}
