// Addresses of this page that show something else.

import { withIncidentFilter } from "./incident-filter";
import { keyOf } from "./names";
import { readable } from "./readable";
import { withRowsView } from "./rows-view";
import { isInScope } from "./scope";
import { changed, withSelection, type Selection } from "./selection";
import { currentSelection, front, incidentFilter, rowsView, scope, selection } from "./state";

/** The address that shows another selection in the chart; the rest of the page stays. */
export function hrefOf(next: Partial<Selection>): string {
  const selected = withSelection(location.search, changed(currentSelection(), next));
  const query = new URLSearchParams(withIncidentFilter(selected, incidentFilter.value));
  if (scope.value.filters.length > 0) query.set("topics", scope.value.filters.join());
  return withRowsView(query.toString(), rowsView.value);
}

/** The address of this page with other filters; a series that does not match them leaves the chart. */
export function hrefOfScope(filters: string[]): string {
  const shown = front.value;
  const stays = shown !== null && selection.value.series !== null && isInScope(filters, keyOf(shown));
  const query = new URLSearchParams(hrefOf(stays ? {} : { series: null, zoom: null }));
  if (filters.length > 0) query.set("topics", filters.join());
  else query.delete("topics");
  if (!stays && query.get("range") === "15m") query.delete("range");
  return readable(query) || location.pathname;
}
