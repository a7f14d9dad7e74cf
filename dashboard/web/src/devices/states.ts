// How devices are doing, in words.

import type { Freshness } from "../api/client";
import type { Device } from "../api/devices";

export type DeviceState = Device["state"];

export const STATE_TEXTS: Record<DeviceState, string> = { online: "online", late: "late", offline: "offline", unknown: "never heard" };

/** The freshness that has the same shape on the overview; null for a device that was never heard. */
export const FRESHNESS: Record<DeviceState, Freshness | null> = { online: "fresh", late: "stale", offline: "offline", unknown: null };

/** Whether all brokers know what was changed. */
export function inForceText(isInForce: boolean, isRevoked: boolean): string {
  if (!isInForce) return "Not every broker knows it yet. That goes on by itself, also when you leave this page.";
  return isRevoked ? "Every broker knows it: the credential is worth nothing any more." : "Every broker knows it: the device can connect now.";
}
