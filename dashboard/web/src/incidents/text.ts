import type { Alert, Mail } from "../api/client";
import { formatQuantity, unitSign } from "../ui/format";

/** What is wrong, to follow the names of device and metric: "26.1 °C, above 25 °C", "absent for 2m". */
export function brokenOf(alert: Alert, unit: string | null, digits: number): string {
  const { kind, value } = alert;
  const limit = limitOf(alert, unit);
  // The last value of a device that is silent says nothing of what is wrong.
  if (value === null || kind === "absent") return limit;
  const quantity = formatQuantity(value, unit, digits);
  const said = kind === "rate" ? `${value > 0 ? "+" : ""}${quantity}/min` : quantity;
  return limit ? `${said}, ${limit}` : said;
}

/** The condition with the unit, as the mails say it: "above 25 °C", "changing by more than 2 °C per minute". */
export function limitOf({ kind, condition }: Pick<Alert, "kind" | "condition">, unit: string | null): string {
  const sign = unitSign(unit);
  if (!sign || !condition || kind === "absent" || kind === "stuck") return condition;
  const end = kind === "rate" && condition.endsWith(PER_MINUTE) ? PER_MINUTE : "";
  return `${condition.slice(0, condition.length - end.length)}\u202f${sign}${end}`;
}

const PER_MINUTE = " per minute";

/** For those who hear the page: "temperature-high at lab temperature, above 25 °C". */
export function nameOf(alert: Alert): string {
  const place = `${alert.rule} at ${alert.device} ${alert.metric}`;
  return alert.condition ? `${place}, ${limitOf(alert, alert.unit)}` : place;
}

/** What became of telling somebody who was not told, or not yet. */
export function unsentOf(mail: Mail): string {
  switch (mail.state) {
    case "held":
      return `held: ${mail.why}`;
    case "dropped":
      return `not sent: ${mail.why}`;
    case "failed":
      return `not sent yet: ${mail.problem}`;
    default:
      return "not sent yet";
  }
}

const STATES = ["failed", "held", "waiting", "dropped", "sent"] as const;

/** All that was to be told, in a few words, and what went wrong first: "1 failed, 2 sent". */
export function toldOf(mails: Mail[]): string {
  const counted = STATES.map((state) => [mails.filter((mail) => mail.state === state).length, state] as const);
  return counted.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state === "dropped" ? "not sent" : state}`).join(", ");
}
