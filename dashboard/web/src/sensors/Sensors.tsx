import { useEffect } from "preact/hooks";
import { changeRows, clearFilter } from "../address/navigate";
import { rowsView } from "../address/state";
import { allSeries } from "../live/state";
import { formatCount } from "../ui/format";
import { visible } from "../ui/visible";
import { List } from "./List";
import { hasTools, isListFiltered, many, rows } from "./rows";
import { FILTER_ID, Tools } from "./Tools";

/** All sensors at a glance, or those that the reader is looking for. */
export function Overview() {
  useEffect(() => {
    window.addEventListener("keydown", jumpToFilter);
    return () => window.removeEventListener("keydown", jumpToFilter);
  }, []);
  return (
    <section id="sensors" class="sensors" aria-label="Sensors" data-many={many.value} onKeyDown={clearOnEscape}>
      {hasTools.value && <Tools />}
      <List />
      {rows.value.length === 0 && allSeries.value.length > 0 && <NoMatch />}
    </section>
  );
}

function NoMatch() {
  return (
    <div class="list-empty" data-testid="nothing-listed">
      <p class="nothing">No sensor matches {filterText()}.</p>
      <button class="button" onClick={clearFilter}>Show all {formatCount(allSeries.value.length)}</button>
    </div>
  );
}

/** Names every filter, since not each alone need be the reason that no sensor is left. */
function filterText(): string {
  const { text, metric, states, alerting } = rowsView.value;
  return [text.trim() && `“${visible(text.trim())}”`, metric && visible(metric), states.join(" or "), alerting && "alerting"].filter(Boolean).join(", ");
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

/** In the filter field, Escape empties that first; then, and elsewhere, it removes all filters. */
function clearOnEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || !isListFiltered.peek()) return;
  event.preventDefault();
  const inFilter = (event.target as HTMLElement).id === FILTER_ID;
  if (inFilter && rowsView.peek().text) changeRows({ text: "" });
  else clearFilter();
}
