// Commands as forms and lists have them.

import type { Command, NewCommand, Twin } from "../api/commands";
import type { TypeCommand } from "../api/types-of-devices";
import type { Field } from "../ui/submit";
import { argsFrom, fieldsOf, type Schema } from "./schema-form";

/** The commands that something may still become of. */
const OPEN = ["queued", "sent", "accepted"];

/** A command as its form has it: one that the type of the device knows, or another one. Throws where the arguments are no JSON. */
export function commandFrom(device: string, field: Field, known: TypeCommand[] = []): NewCommand {
  const chosen = known.find(({ name }) => name === field("known"));
  const fields = chosen ? fieldsOf((chosen.args ?? null) as Schema | null) : null;
  const args = fields ? argsFrom(fields, field) : jsonIn(field("args").trim());
  const expires = field("expires_in").trim();
  return { device, command: chosen?.name ?? field("command").trim(), ...(args !== undefined && { args }), ...(expires !== "" && { expires_in: expires }) };
}

function jsonIn(text: string): unknown {
  return text === "" ? undefined : jsonOf(text, "The arguments");
}

/** A desired state as its form has it. Throws where it is no JSON object. */
export function stateFrom(text: string): object {
  const state = jsonOf(text, "The state");
  if (typeof state !== "object" || state === null || Array.isArray(state)) throw new Error("the state must be a JSON object, such as {\"interval\": 10}");
  return state;
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${what} must be JSON, such as {"seconds": 10}`);
  }
}

export function isOpen({ state }: Command): boolean {
  return OPEN.includes(state);
}

/** What is known of a command, in words. */
export function stateText({ state, reason, sent_count }: Command): string {
  if (state === "queued") return "queued: nobody has taken it yet";
  if (state === "sent" && sent_count > 1) return `sent ${sent_count} times, not answered yet`;
  if (state === "sent") return "sent, not answered yet";
  return reason === null ? state : `${state}: ${reason}`;
}

/** Whether a device is as it should be, in words. */
export function twinText({ desired, reported, in_sync, differs }: Twin): string {
  if (desired === null) return "Nobody says what it should be.";
  if (reported === null) return "It has not said yet what it is.";
  return in_sync ? "It is as it should be." : `It differs at ${differs.map((place) => place || "the whole").join(", ")}.`;
}
