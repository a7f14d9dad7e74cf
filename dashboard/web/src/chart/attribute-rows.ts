// Attributes as rows of a list.

import type { Attribute } from "../api/client";

export interface AttributeRow {
  title: string;
  value: string;
  since: string;
  /** Whose it is. */
  device: string;
}

/** One row for each name: that of the device itself comes before that of a device above it. */
export function attributeRows(attributes: Attribute[]): AttributeRow[] {
  const nearest = new Map<string, Attribute>();
  for (const attribute of attributes) {
    const other = nearest.get(attribute.name);
    if (!other || attribute.device.length > other.device.length) nearest.set(attribute.name, attribute);
  }
  const rows = [...nearest.values()].map(({ name, value, since, device }) => ({ title: titleOf(name), value, since, device }));
  return rows.sort((a, b) => (a.title < b.title ? -1 : 1));
}

/** "ip_address" as people write it. */
function titleOf(name: string): string {
  return name.replace(/_/g, " ").replace(/\b(ip|mac)\b/g, (word) => word.toUpperCase());
}
