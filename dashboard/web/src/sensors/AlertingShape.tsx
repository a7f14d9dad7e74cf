import { isQuiet, type AlertingCode } from "../live/alerting";
import { openIncidents } from "../live/state";
import { BellOffShape, WarningShape } from "../ui/Shapes";
import { visible } from "../ui/visible";

/** The sign of a series with open incidents: a triangle, or a crossed-out bell where all are silenced or acknowledged. */
export function AlertingShape({ code }: { code: AlertingCode }) {
  return isQuiet(code) ? <BellOffShape /> : <WarningShape />;
}

/** "open incident: hot", with the rule where it is known. */
export function incidentTitle(key: string, code: AlertingCode): string {
  const rule = openIncidents.value.get(key)?.rule;
  const state = code === 1 ? "acknowledged incident" : code === 2 ? "silenced incident" : "open incident";
  return rule === undefined ? state : `${state}: ${visible(rule)}`;
}
