// Sends requests to the server, and says what became of them.

import type { Answers } from "./types";

/** The server refused a request. The message is its reason. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** After how many seconds the next try may be made; null where the server does not say it. */
    readonly retryAfterSeconds: number | null,
  ) {
    super(message);
  }
}

let noteUnauthorized = () => {};

/** Calls `act` whenever the server answers that the caller has to log in. */
export function onUnauthorized(act: () => void): void {
  noteUnauthorized = act;
}

export async function get<Path extends keyof Answers>(path: Path, query: Record<string, string> = {}, abort?: AbortSignal): Promise<Answers[Path]> {
  const search = String(new URLSearchParams(query));
  return (await ask(search ? `${path}?${search}` : path, abort ? { signal: abort } : {})).json();
}

export function send(method: string, path: string, body: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  return ask(path, { method, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });
}

// Addresses are relative to the page, so that it works below any path of a proxy.
export async function ask(path: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(path, init).catch(explain);
  if (answer.ok) return answer;
  if (answer.status === 401) noteUnauthorized();
  throw new Refusal(await reasonOf(answer), answer.status, secondsFrom(answer.headers.get("retry-after")));
}

/** Each browser words an unreachable server differently, and never helpfully. */
function explain(error: Error): never {
  throw error.name === "AbortError" ? error : new Error("the server does not answer");
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { error: string }).error;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

/** The seconds that a Retry-After header names; null for a date, and for what is no number. */
export function secondsFrom(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
}
