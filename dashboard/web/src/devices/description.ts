// What people say of a device, as forms have it and as it is sent.

import type { Device, DeviceDescription, NewCredential } from "../api/devices";
import type { Field } from "../ui/submit";

/** A description in which nothing is left out. */
export type Description = Pick<Device, "title" | "type" | "location" | "latitude" | "longitude" | "sampling_rate" | "tags" | "note">;

/** A field that is empty says nothing. */
export function descriptionFrom(field: Field): Description {
  const text = (name: string) => field(name).trim() || null;
  const number = (name: string) => (text(name) === null ? null : Number(text(name)));
  return {
    title: text("title"),
    type: text("type"),
    location: text("location"),
    latitude: number("latitude"),
    longitude: number("longitude"),
    sampling_rate: number("sampling_rate"),
    tags: linesOf(field("tags")),
    note: text("note"),
  };
}

/** What a new device is described with: only what somebody says of it. */
export function saidOf(description: Description): DeviceDescription {
  return Object.fromEntries(Object.entries(description).filter(([, value]) => value !== null && !isEmptyList(value)));
}

/** Only what differs, so that the change of somebody else to another field stays; null removes. */
export function changesOf(device: Description, wanted: Description): DeviceDescription {
  const differs = (name: keyof Description) => JSON.stringify(device[name]) !== JSON.stringify(wanted[name]);
  const names = (Object.keys(wanted) as (keyof Description)[]).filter(differs);
  return Object.fromEntries(names.map((name) => [name, wanted[name]]));
}

/** A credential as its form has it. */
export function credentialFrom(field: Field): NewCredential {
  const [rights, clientId] = [linesOf(field("rights")), field("client_id").trim()];
  return {
    ...(rights.length > 0 && { rights: rights.map((right) => right.replace(/\s+/, " ")) }),
    ...(clientId !== "" && { client_id: clientId }),
    ...(field("certificate_only") !== "" && { certificate_only: true }),
  };
}

/** The lines of a text that are not empty, each once. */
export function linesOf(text: string): string[] {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** The user of the device's first credential, of which further ones are made. */
export function userOf(device: string): string {
  return device.replaceAll("/", ".");
}
