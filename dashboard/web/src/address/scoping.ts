import { choice, chosen, hrefOf } from "./choice";
import { isInScope, scope } from "./scope";
import { keyOf } from "../live/state";

/** The address of this page with other filters; a sensor that does not belong to them leaves the chart. */
export function hrefOfScope(filters: string[]): string {
  const sensor = chosen.value;
  const stays = sensor !== null && choice.value.sensor !== null && isInScope(filters, keyOf(sensor));
  const query = new URLSearchParams(hrefOf(stays ? {} : { sensor: null, zoom: null }));
  if (filters.length > 0) query.set("topics", filters.join());
  else query.delete("topics");
  if (!stays && query.get("range") === "15m") query.delete("range");
  const written = query.toString().replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%2C/g, ",");
  return written ? `?${written}` : location.pathname;
}

/** Shows only what the filters say; with none, all there is. The way back is the browser's. */
export function showOnly(filters: string[]): void {
  history.pushState(null, "", hrefOfScope(filters));
  if (choice.peek().sensor && !isInScope(filters, keyOf(choice.peek().sensor!))) {
    choice.value = { ...choice.peek(), sensor: null, zoom: null };
  }
  scope.value = { filters, problem: null };
}
