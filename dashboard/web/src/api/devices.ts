// The registry of devices, and what they log in with over MQTT.

import { ask, get, send } from "./request";
import type { Answers, Connection, CreatedCredential, Credential, Device, DeviceDescription, DeviceDetails, Gap, NewCredential, NewDevice, Reading } from "./types";

export type { Connection, CreatedCredential, Credential, Device, DeviceDescription, DeviceDetails, Gap, NewCredential, NewDevice, Reading };

/** A device as it was read, and the tag of that revision; without one where it is not registered. */
export interface ReadDevice {
  device: DeviceDetails;
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

/** What becomes of the readings of a device that is forgotten. */
export type ForgottenData = "keep" | "erase";

/** The device leaves all lists, and what it logs in with is worth nothing any more. */
export async function forgetDevice(name: string, data: ForgottenData): Promise<void> {
  await send("DELETE", data === "keep" ? devicePath(name) : `${devicePath(name)}?data=${data}`);
}

/** The history of the device follows. */
export async function renameDevice(name: string, to: string): Promise<void> {
  await send("POST", `${devicePath(name)}/rename`, { name: to });
}

/** From then on all that this device has sent, and sends, is that of another one. */
export async function mergeDevice(name: string, into: string): Promise<void> {
  await send("POST", `${devicePath(name)}/merge`, { into });
}

/** A retired device is kept with its history, and is neither watched nor heard. */
export async function retireDevice(name: string, retired: boolean): Promise<void> {
  await send("PATCH", devicePath(name), { retired });
}

/** The newest readings of a device, newest first. */
export async function fetchLastReadings(name: string, limit: number): Promise<Reading[]> {
  const answer = (await (await ask(`${devicePath(name)}/data?limit=${limit}`, {})).json()) as Answers["api/devices/{name}/data"];
  return answer.readings;
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
