// What the page says about an incident and its notifications.

import type { Incident, Notification } from "../api/client";
import { conditionText } from "../ui/condition";
import { formatCount, formatQuantity } from "../ui/format";

/** What is wrong, after the names of device and metric: "26.1 °C, above 25 °C", "silent for 2 min". */
export function violationText(incident: Incident, unit: string | null, digits: number): string {
  const { kind, value } = incident;
  const condition = conditionText(incident, unit);
  // The last value of a silent device does not say what is wrong.
  if (value === null || kind === "absent") return condition;
  const quantity = formatQuantity(value, unit, digits);
  const measured = kind === "rate" ? `${value > 0 ? "+" : ""}${quantity}/min` : quantity;
  return condition ? `${measured}, ${condition}` : measured;
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
