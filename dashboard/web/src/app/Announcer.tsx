import { effect, signal } from "@preact/signals";
import { nameOf } from "../incidents/text";
import type { Alert } from "../api/client";
import { scope } from "../address/scope";
import { alerts, generation, known } from "../live/state";

const announced = signal("");
let openBefore: Set<string> | null = null;
let scopeBefore = scope.peek();
/** The snapshot after which the reader asked for other sensors; null once they are there. */
let askedAfter: number | null = null;

// Those that were open when the page came up are in the header; the voice is for what happens.
effect(() => {
  if (!known.value) return;
  if (hasOtherSensors()) openBefore = null;
  const isOpen = alerts.value.filter((alert) => alert.resolved_at === null);
  const open = new Map(isOpen.map((alert) => [nameOf(alert), alert]));
  const before = openBefore ?? new Set(open.keys());
  const opened = [...open].filter(([name]) => !before.has(name)).map(([name, alert]) => `${alarmOf(alert)}: ${name}.`);
  const resolved = [...before].filter((name) => !open.has(name)).map((name) => `Resolved: ${name}.`);
  openBefore = new Set(open.keys());
  if (opened.length + resolved.length > 0) announced.value = [...opened, ...resolved].join(" ");
});

/** What comes and goes with the sensors that are shown has not opened, nor is it resolved. */
function hasOtherSensors(): boolean {
  const snapshot = generation.value;
  if (scope.value !== scopeBefore) [scopeBefore, askedAfter] = [scope.value, snapshot];
  if (askedAfter === null) return false;
  if (snapshot > askedAfter) askedAfter = null;
  return true;
}

function alarmOf(alert: Alert): string {
  return alert.severity === "critical" ? "Critical alert" : "Alert";
}

/** Speaks alarms to those who do not see the page, and nothing else. */
export function Announcer() {
  return <p class="unseen" role="alert">{announced.value}</p>;
}
