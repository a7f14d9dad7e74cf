// Who uses the page, and what this caller may do.

import { batch, effect, signal, untracked } from "@preact/signals";
import { beginSession, endOwnSession, fetchMe, type Action, type Me } from "../api/access";
import { onUnauthorized } from "../api/request";
import { waitBefore } from "./connection";

/** Null until the server has said who it is. It stays when the session ends, until somebody logs in again. */
export const caller = signal<Me | null>(null);

/** Whether the login is shown instead of the page. */
export const mustLogIn = signal(false);

/** What the login says first, and whose name it has filled in. */
export const loginNote = signal("");
export const loginName = signal("");

/** Why the server has not said yet who the caller is. */
export const callerProblem = signal<string | null>(null);

/** Whether the caller may do something at all. What is not so is not offered. */
export function may(action: Action): boolean {
  return caller.value?.actions.includes(action) ?? false;
}

/** Whether the caller sees all devices, and not only those of some filters. */
export function seesAllDevices(): boolean {
  return caller.value?.filters.length === 0;
}

/** The name under which the caller replies; null where the page asks for one. */
export function replyName(): string | null {
  return caller.value?.username ?? null;
}

onUnauthorized(() => askToLogIn());

let isLeaving = false;

/**
 * Shows the login in place of the page. The address stays, and with it what is shown after the login. A note of its own
 * replaces the one of a login that is shown already.
 */
export function askToLogIn(note?: string, name = caller.peek()?.username ?? ""): void {
  if (isLeaving || (mustLogIn.peek() && note === undefined)) return;
  batch(() => {
    [loginNote.value, loginName.value] = [note ?? noteFor(caller.peek()), name];
    mustLogIn.value = true;
  });
}

function noteFor(me: Me | null): string {
  if (!me) return "";
  return me.open ? "Millrace has users now: log in to go on." : "Your session has ended: log in again to go on.";
}

/** Asks who the caller is until the server says it. */
export async function identify(): Promise<void> {
  for (let tries = 0; !caller.peek() && !mustLogIn.peek(); tries++) {
    try {
      caller.value = await fetchMe();
      callerProblem.value = null;
    } catch (error) {
      if (mustLogIn.peek()) return;
      callerProblem.value = (error as Error).message;
      await new Promise((resume) => setTimeout(resume, waitBefore(tries)));
    }
  }
}

/** Throws the server's refusal. What the page holds of another caller is dropped, by loading the page again. */
export async function logIn(username: string, password: string): Promise<void> {
  const next = await beginSession({ username, password });
  const before = caller.peek();
  if (before && !seesTheSame(before, next)) return location.reload();
  batch(() => {
    caller.value = next;
    callerProblem.value = null;
    mustLogIn.value = false;
  });
}

/** Ends the session, and loads the page again, so that it keeps nothing of what the user saw. */
export async function logOut(): Promise<void> {
  isLeaving = true;
  try {
    await endOwnSession();
    location.reload();
  } catch (error) {
    isLeaving = false;
    throw error;
  }
}

/** Whether two callers are one user who may see the same. */
export function seesTheSame(one: Me, other: Me): boolean {
  const seen = ({ username, role, filters, actions }: Me) => JSON.stringify([username, role, [...filters].sort(), [...actions].sort()]);
  return one.username !== null && seen(one) === seen(other);
}

/** Calls `start` once, as soon as the caller is known. */
export function onceKnown(start: () => void): void {
  let isStarted = false;
  effect(() => {
    if (!caller.value || isStarted) return;
    isStarted = true;
    untracked(start);
  });
}
