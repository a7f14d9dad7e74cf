import { effect, signal } from "@preact/signals";
import { scope } from "../address/state";
import type { Incident } from "../api/client";
import { spokenText } from "../incidents/text";
import { generation, incidents, known } from "../live/state";
import { formatCount, plural } from "../ui/format";

const announced = signal("");
let openBefore: Set<string> | null = null;
let scopeBefore = scope.peek();
/** The snapshot after which the reader asked for other sensors; null once they have arrived. */
let askedAfter: number | null = null;

// The header says what was open when the page was loaded; only changes are announced.
effect(() => {
  if (!known.value) return;
  if (hasOtherSensors()) openBefore = null;
  const isOpen = incidents.value.filter((incident) => incident.resolved_at === null);
  const open = new Map(isOpen.map((incident) => [spokenText(incident), incident]));
  const before = openBefore ?? new Set(open.keys());
  const opened = [...open].filter(([name]) => !before.has(name)).map(([name, incident]) => `${severityText(incident)}: ${name}.`);
  const resolved = [...before].filter((name) => !open.has(name)).map((name) => `Resolved: ${name}.`);
  openBefore = new Set(open.keys());
  if (opened.length + resolved.length > 0) announced.value = changesText(opened, resolved);
});

/** More than a few names would be read for minutes. */
const MOST_NAMED = 3;

function changesText(opened: string[], resolved: string[]): string {
  if (opened.length + resolved.length <= MOST_NAMED) return [...opened, ...resolved].join(" ");
  return `${plural(opened.length, "incident")} opened, ${formatCount(resolved.length)} resolved.`;
}

/** Incidents that appear or disappear with other sensors have neither opened nor been resolved. */
function hasOtherSensors(): boolean {
  const snapshot = generation.value;
  if (scope.value !== scopeBefore) [scopeBefore, askedAfter] = [scope.value, snapshot];
  if (askedAfter === null) return false;
  if (snapshot > askedAfter) askedAfter = null;
  return true;
}

function severityText(incident: Incident): string {
  return incident.severity === "critical" ? "Critical incident" : "Incident";
}

/** Announces incidents to those who do not see the page, and nothing else. */
export function Announcer() {
  return <p class="unseen" role="alert">{announced.value}</p>;
}
