import { signal } from "@preact/signals";
import type { Alert } from "../api/client";

export const ALERT_FILTERS = ["open", "past", "all"] as const;
export type AlertFilter = (typeof ALERT_FILTERS)[number];

/** Which alerts are listed. It lives in the page's address. */
export const alertFilter = signal(alertFilterFrom(globalThis.location?.search ?? ""));

globalThis.addEventListener?.("popstate", () => (alertFilter.value = alertFilterFrom(location.search)));

export function listAlerts(filter: AlertFilter): void {
  alertFilter.value = filter;
  history.replaceState(history.state, "", (withAlertFilter(location.search, filter) || location.pathname) + location.hash);
}

export function alertFilterFrom(search: string): AlertFilter {
  const asked = new URLSearchParams(search).get("alerts") as AlertFilter;
  return ALERT_FILTERS.includes(asked) ? asked : "all";
}

/** The address with this filter, and all else in it as it was. */
export function withAlertFilter(search: string, filter: AlertFilter): string {
  const others = search.replace(/^\?/, "").split("&").filter((part) => part && !part.startsWith("alerts="));
  const written = [...others, ...(filter === "all" ? [] : [`alerts=${filter}`])].join("&");
  return written && `?${written}`;
}

/** What still is comes first. `kept` stays whatever has become of it: somebody is writing about it. */
export function filtered(alerts: Alert[], filter: AlertFilter, kept: string | null): Alert[] {
  const isOpen = (alert: Alert) => alert.resolved_at === null;
  const passes = (alert: Alert) => filter === "all" || isOpen(alert) === (filter === "open") || alert.id === kept;
  return alerts.filter(passes).sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)));
}
