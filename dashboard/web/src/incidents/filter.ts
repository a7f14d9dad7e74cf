import type { IncidentFilter } from "../address/incident-filter";
import type { Incident } from "../api/client";

/** Those that pass the filter, open ones first. The one with the id `kept` stays: its form is open. */
export function filtered(incidents: Incident[], filter: IncidentFilter, kept: string | null): Incident[] {
  const isOpen = (incident: Incident) => incident.resolved_at === null;
  const passes = (incident: Incident) => filter === "all" || isOpen(incident) === (filter === "open") || incident.id === kept;
  return incidents.filter(passes).sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)));
}
