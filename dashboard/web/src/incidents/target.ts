// What the reader replies to: one incident, all of a group, or those that are selected.

import { acknowledge, acknowledgeMany, addSilence, silenceMany, type Incident, type IncidentGroup } from "../api/client";
import { formatCount, plural } from "../ui/format";

export interface GroupTarget {
  rule: string | null;
  metric: string | null;
  /** An MQTT filter of devices. */
  device: string;
}

export interface Target {
  /** Which form is open. */
  id: string;
  /** What is acknowledged or silenced, for a sentence. */
  name: string;
  /** Who is not notified while a silence lasts. */
  silenced: string;
  incident?: Incident;
  group?: GroupTarget;
  ids?: string[];
}

export function incidentTarget(incident: Incident): Target {
  const { id, rule, device, metric } = incident;
  return { id, name: `${rule} at ${device} ${metric}`, silenced: `any incident of ${device}`, incident };
}

/** A group by rule has this rule alone; one by site may have several. */
export function groupTarget(group: IncidentGroup): Target {
  const { rule, metric, device } = group;
  const name = groupName(group);
  return { id: `group ${name}`, name: `all of ${name}`, silenced: `${rule ?? "any rule"} at ${deviceText(device)}`, group: { rule, metric, device } };
}

export function groupName({ name, rule, device }: IncidentGroup): string {
  return rule === name && device !== "#" ? `${name} at ${device}` : name;
}

export function selectionTarget(ids: string[]): Target {
  const name = plural(ids.length, "selected incident");
  return { id: "selection", name, silenced: `the rules and sensors of ${name}`, ids };
}

function deviceText(device: string): string {
  return device === "#" ? "all devices" : device;
}

export interface ReplyFields {
  by: string;
  /** The note of an acknowledgement, or the reason of a silence. */
  text: string;
}

/** Acknowledges it, and says what was done. Throws the server's reason when it refuses; then nothing has changed. */
export async function acknowledgeTarget({ name, incident, group, ids }: Target, { by, text }: ReplyFields): Promise<{ said: string; updated?: Incident }> {
  if (incident) return { said: `Acknowledged: ${name}.`, updated: await acknowledge({ incident: incident.id, by, note: text }) };
  const count = await acknowledgeMany(ids ? { incidents: ids, by, note: text } : { ...group, by, note: text });
  return { said: `Acknowledged ${formatCount(count)}: ${name}.` };
}

/** Silences it, and says what was done. */
export async function silenceTarget({ name, incident, group, ids }: Target, { by, text }: ReplyFields, end: { for: string } | { until: string }): Promise<string> {
  const silence = { ...end, reason: text, by };
  if (incident) await addSilence({ ...silence, device: incident.device });
  else if (group) await addSilence({ ...silence, ...group });
  else await silenceMany({ ...silence, incidents: ids! });
  return `Silenced: ${incident ? incident.device : name}.`;
}
