// Commands to devices, and what devices should be.

import { devicePath } from "./devices";
import { ask, get, send } from "./request";
import type { Answers, Command, NewCommand, Twin } from "./types";

export type { Command, NewCommand, Twin };

/** The newest commands of a device. */
export async function fetchCommands(device: string): Promise<Command[]> {
  return (await get("api/commands", { device, limit: "20" })).commands;
}

export async function makeCommand(command: NewCommand): Promise<Command> {
  return (await send("POST", "api/commands", command)).json();
}

export async function cancelCommand(id: string): Promise<void> {
  await send("DELETE", `api/commands/${encodeURIComponent(id)}`);
}

export async function fetchTwin(device: string): Promise<Twin> {
  return (await (await ask(`${devicePath(device)}/twin`, {})).json()) as Answers["api/devices/{name}/twin"];
}

/** Says what a device should be, unless somebody else has said otherwise since that version. */
export async function setDesired(device: string, state: object, version: number): Promise<void> {
  await send("PUT", `${devicePath(device)}/desired`, state, { "if-match": `"${version}"` });
}
