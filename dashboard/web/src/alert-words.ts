import type { Alert, Mail } from "./api";
import { formatQuantity } from "./format";

/** What is wrong, to follow the names of device and metric: "26.1 °C, above 25", "absent for 2m". */
export function brokenOf(alert: Alert, unit: string | null, digits: number): string {
  const { kind, condition, value } = alert;
  // The last value of a device that is silent says nothing of what is wrong.
  if (value === null || kind === "absent") return condition;
  const quantity = formatQuantity(value, unit, digits);
  const said = kind === "rate" ? `${value > 0 ? "+" : ""}${quantity}/min` : quantity;
  return condition ? `${said}, ${condition}` : said;
}

/** For those who hear the page: "temperature-high at lab temperature, above 25". */
export function nameOf(alert: Alert): string {
  const place = `${alert.rule} at ${alert.device} ${alert.metric}`;
  return alert.condition ? `${place}, ${alert.condition}` : place;
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
