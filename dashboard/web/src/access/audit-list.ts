// The records of the audit that the view lists.

import { effect, signal } from "@preact/signals";
import { fetchAuditPage, type AuditRecord } from "../api/access";

const PAGE = 50;
const ASK_AFTER_MS = 300;

export const NO_FILTER = { actor: "", action: "", target: "", outcome: "" };
export type AuditFilter = typeof NO_FILTER;

export const filter = signal<AuditFilter>(NO_FILTER);

/** Null until the first answer. */
export const records = signal<AuditRecord[] | null>(null);

/** What the next page is asked for with; null where there is none. */
export const next = signal<string | null>(null);
export const problem = signal("");
let turn = 0;

export function isFiltered(filter: AuditFilter): boolean {
  return Object.values(filter).some((text) => text.trim() !== "");
}

/** What is asked for; fields that are empty are left out. */
export function auditQuery(filter: AuditFilter, after: string | null): Record<string, string> {
  const wanted = Object.entries(filter).map(([name, text]) => [name, text.trim()]).filter(([, text]) => text !== "");
  return { ...Object.fromEntries(wanted), ...(after !== null && { after }), limit: `${PAGE}` };
}

/** Loads the first page now, and again a moment after each change of the filter. */
export function keepLoaded(): () => void {
  let timer = 0;
  let isFirst = true;
  [records.value, next.value, problem.value] = [null, null, ""];
  const stop = effect(() => {
    void filter.value;
    clearTimeout(timer);
    timer = window.setTimeout(() => load(null), isFirst ? 0 : ASK_AFTER_MS);
    isFirst = false;
  });
  return () => [stop, () => clearTimeout(timer), () => turn++].forEach((end) => end());
}

export async function loadNext(): Promise<void> {
  await load(next.peek());
}

/** Without `after` the page replaces all records; an answer that was overtaken is dropped. */
async function load(after: string | null): Promise<void> {
  const mine = ++turn;
  try {
    const page = await fetchAuditPage(auditQuery(filter.peek(), after));
    if (mine !== turn) return;
    records.value = after === null ? page.audit : [...(records.peek() ?? []), ...page.audit];
    next.value = page.next;
    problem.value = "";
  } catch (error) {
    if (mine === turn) problem.value = (error as Error).message;
  }
}
