// Types of devices: what they measure, and which commands they take.

import { get } from "./request";
import type { DeviceType, TypeCommand } from "./types";

export type { DeviceType, TypeCommand };

export async function fetchTypes(): Promise<DeviceType[]> {
  return (await get("api/types")).types;
}
