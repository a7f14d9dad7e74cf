// What the page says about an incident and its notifications.

import type { Incident, Notification } from "../api/client";
import { conditionText } from "../ui/condition";
import { formatCount } from "../ui/format";
import { quantityText } from "../ui/quantity";
import { shownIn } from "../ui/unit-preference";

/** What is wrong, after the names of device and metric: "26.1 °C, above 25 °C", "silent for 2 min". */
export function violationText(incident: Incident, unit: string | null, digits: number): string {
  const { kind, metric, value } = incident;
  const condition = conditionText(incident, unit);
  // The last value of a silent device does not say what is wrong.
  if (value === null || kind === "absent") return condition;
  const measured = kind === "rate" ? changeText(value, unit, digits) : quantityText(metric, value, unit, digits);
  return condition ? `${measured}, ${condition}` : measured;
}

/** A change per minute, which has a sign and no offset: 1 °C more is 1.8 °F more. */
function changeText(change: number, unit: string | null, digits: number): string {
  return `${change > 0 ? "+" : ""}${quantityText("", change, unit, digits, { ...shownIn(unit), offset: 0 })}/min`;
}

/** The incident in one phrase, for those who hear the page: "temperature-high at lab temperature, above 25 °C". */
export function spokenText(incident: Incident): string {
  const place = `${incident.rule} at ${incident.device} ${incident.metric}`;
  return incident.condition ? `${place}, ${conditionText(incident, incident.unit)}` : place;
}

/** Why a notification has not been sent. */
export function unsentText(notification: Notification): string {
  switch (notification.state) {
    case "held":
      return `held back: ${notification.why}`;
    case "dropped":
      return `not sent: ${notification.why}`;
    case "failed":
      return `not sent yet: ${notification.problem}`;
    default:
      return "not sent yet";
  }
}

const STATE_NAMES = { failed: "failed", held: "held back", waiting: "waiting", dropped: "not sent", sent: "sent" } as const;

/** How many notifications are in each state, problems first: "1 failed, 2 sent". */
export function notificationSummary(notifications: Pick<Notification, "state">[]): string {
  const counted = Object.entries(STATE_NAMES).map(([state, name]) => [notifications.filter((one) => one.state === state).length, name] as const);
  return counted.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`).join(", ");
}

/** How many open incidents need no attention: "3 acknowledged · 12 silenced". */
export function quietText(acknowledged: number, silenced: number): string {
  return [acknowledged > 0 && `${formatCount(acknowledged)} acknowledged`, silenced > 0 && `${formatCount(silenced)} silenced`].filter(Boolean).join(" · ");
}
