import { useEffect } from "preact/hooks";
import { hasTools, isListFiltered, list, listAll, listed, listing, many } from "./rows";
import { List } from "./List";
import { sensors } from "../live/state";
import { FILTER_ID, Tools } from "./Tools";

/** All sensors at a glance, or those that the reader looks for. */
export function Overview() {
  useEffect(() => {
    window.addEventListener("keydown", jumpToFilter);
    return () => window.removeEventListener("keydown", jumpToFilter);
  }, []);
  return (
    <section id="sensors" class="sensors" aria-label="Sensors" data-many={many.value} onKeyDown={clearOnEscape}>
      {hasTools.value && <Tools />}
      <List />
      {listed.value.length === 0 && sensors.value.length > 0 && <NothingListed />}
    </section>
  );
}

function NothingListed() {
  return (
    <div class="list-nothing" data-testid="nothing-listed">
      <p class="nothing">No sensor matches {wanted()}.</p>
      <button class="button" onClick={listAll}>Show all {sensors.value.length.toLocaleString()}</button>
    </div>
  );
}

/** All that hides sensors, in words: one of them alone may not be why there is none. */
function wanted(): string {
  const { text, metric, states, alerting } = listing.value;
  return [text.trim() && `“${text.trim()}”`, metric, states.join(" or "), alerting && "alerting"].filter(Boolean).join(", ");
}

function jumpToFilter(event: KeyboardEvent): void {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (target.matches("input, textarea, select") || target.closest("dialog")) return;
  const filter = document.getElementById(FILTER_ID) as HTMLInputElement | null;
  if (!filter) return;
  event.preventDefault();
  filter.focus();
  filter.select();
}

/** In the filter it empties the filter first; then, and elsewhere, it takes away all that hides a sensor. */
function clearOnEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || !isListFiltered.peek()) return;
  event.preventDefault();
  const inFilter = (event.target as HTMLElement).id === FILTER_ID;
  if (inFilter && listing.peek().text) list({ text: "" });
  else listAll();
}
