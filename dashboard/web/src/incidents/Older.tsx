import { computed, signal } from "@preact/signals";
import { incidentFilter } from "../address/state";
import { fetchIncidentPage, type Incident } from "../api/client";
import { incidents } from "../live/state";
import { Text } from "../ui/Text";

/** The live connection lists so many; older incidents are loaded from the store. */
const MOST_LIVE = 100;
const PAGE = 100;

export const showAll = signal(false);

/** Past incidents from the store, once the reader has asked for them, and what the next page is asked for with. */
export const past = signal<{ incidents: Incident[]; next: string | null } | null>(null);
const problem = signal("");

/** Whether there may be incidents that the live connection does not list. */
export const hasOlder = computed(() => incidents.value.length >= MOST_LIVE && incidentFilter.value !== "open");

/** Loads past incidents, a page at a time. */
export function Older() {
  const found = past.value;
  return (
    <>
      {found?.next !== null && <button class="button" onClick={load}>{found ? "Load more past incidents" : "Load past incidents"}</button>}
      <p class="problem" aria-live="polite">{problem.value && <>Could not be loaded: <Text of={problem.value} />.</>}</p>
    </>
  );
}

async function load(): Promise<void> {
  const before = past.peek();
  try {
    const page = await fetchIncidentPage({ state: "resolved", limit: `${PAGE}`, ...(before?.next && { after: before.next }) });
    past.value = { incidents: [...(before?.incidents ?? []), ...page.incidents], next: page.next ?? null };
    showAll.value = true;
    problem.value = "";
    if (!before) document.getElementById("incidents-title")?.focus();
  } catch (error) {
    problem.value = (error as Error).message;
  }
}
