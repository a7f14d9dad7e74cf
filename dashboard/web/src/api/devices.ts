// The registry of devices, and what they log in with over MQTT.

import { ask, get, send } from "./request";
import type { Answers, CreatedCredential, Credential, Device, DeviceDescription, NewCredential, NewDevice } from "./types";

export type { CreatedCredential, Credential, Device, DeviceDescription, NewCredential, NewDevice };

/** A device as it was read, and the tag of that revision; without one where it is not registered. */
export interface ReadDevice {
  device: Device;
  revision: string | null;
}

/** Where a device is in the API: with a `.` for each `/` of its name. */
export function devicePath(name: string): string {
  return `api/devices/${encodeURIComponent(name.replaceAll("/", "."))}`;
}

/** A page of devices by their names, and what to ask for the next page with. */
export async function fetchDevicePage(query: Record<string, string>): Promise<Answers["api/devices"]> {
  return get("api/devices", query);
}

export async function fetchDevice(name: string): Promise<ReadDevice> {
  const answer = await ask(devicePath(name), {});
  return { device: await answer.json(), revision: answer.headers.get("etag") };
}

/** Registers a device; a name alone adopts one that was heard. */
export async function addDevice(device: NewDevice): Promise<Device> {
  return (await send("POST", "api/devices", device)).json();
}

/** Throws a `Refusal` with the status 412 where somebody else has changed the device since that revision. */
export async function changeDevice(name: string, changes: DeviceDescription, revision: string | null): Promise<Device> {
  return (await send("PATCH", devicePath(name), changes, revision === null ? {} : { "if-match": revision })).json();
}

export async function removeDevice(name: string): Promise<void> {
  await send("DELETE", devicePath(name));
}

export async function fetchCredentials(device: string): Promise<Credential[]> {
  return ((await (await ask(`${devicePath(device)}/credentials`, {})).json()) as Answers["api/devices/{name}/credentials"]).credentials;
}

/** The answer alone has the password. */
export async function addCredential(device: string, credential: NewCredential): Promise<CreatedCredential> {
  return (await send("POST", `${devicePath(device)}/credentials`, credential)).json();
}

/** Returns whether all brokers know it. */
export async function revokeCredential({ device, user }: Credential): Promise<boolean> {
  const answer = await send("DELETE", `${devicePath(device)}/credentials/${encodeURIComponent(user)}`);
  return ((await answer.json()) as { in_force: boolean }).in_force;
}
