// Which incidents are listed, as the page's address says it.

export const INCIDENT_FILTERS = ["open", "past", "all"] as const;
export type IncidentFilter = (typeof INCIDENT_FILTERS)[number];

export function incidentFilterFrom(search: string): IncidentFilter {
  const wanted = new URLSearchParams(search).get("alerts") as IncidentFilter;
  return INCIDENT_FILTERS.includes(wanted) ? wanted : "all";
}

/** The address with this filter; everything else in it stays. */
export function withIncidentFilter(search: string, filter: IncidentFilter): string {
  const others = search.replace(/^\?/, "").split("&").filter((part) => part && !part.startsWith("alerts="));
  const written = [...others, ...(filter === "all" ? [] : [`alerts=${filter}`])].join("&");
  return written && `?${written}`;
}
