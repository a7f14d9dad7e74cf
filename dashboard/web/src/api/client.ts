// Asks the server. The types of its answers are generated from its OpenAPI document.

import type { AddedRules, Answers, Attribute, Boot, Broker, Bucket, ClockPeriod, Edge, IgnoringRule, Incident, IncidentGroup, Inputs, Mappings, MetricWords, NewAcknowledgement, NewAcknowledgements, NewSilence, NewSilences, Notification, Part, PresetInUse, Rejected, RejectedGroup, Resend, ResendSelected, Resent, ResentSelected, Series as SeriesRow, Silence, Stage, UnmappedGroup } from "./types";
import { ask, get, send } from "./request";

export type { Attribute, Boot, Broker, Bucket, ClockPeriod, Edge, IgnoringRule, Incident, IncidentGroup, Inputs, Mappings, MetricWords, Notification, Part, PresetInUse, Rejected, RejectedGroup, Resent, ResentSelected, SeriesRow, Silence, Stage, UnmappedGroup };

export type Freshness = SeriesRow["state"];
export type StageState = Stage["state"];
export type Pipeline = Answers["api/pipeline"];

/** A series is one metric of one device. */
export interface SeriesName {
  device: string;
  metric: string;
}

/** A span of time in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

/** All series, page by page. */
export async function fetchSeries(): Promise<SeriesRow[]> {
  const all: SeriesRow[] = [];
  let after: string | null = "";
  while (after !== null) {
    const page: Answers["api/series"] = await get("api/series", { after });
    all.push(...page.series);
    after = page.next;
  }
  return all;
}

export async function fetchIncidents(): Promise<Incident[]> {
  return (await get("api/incidents")).incidents;
}

/** The incidents of a series that were open at some time in a span. */
export async function fetchIncidentsOf({ device, metric }: SeriesName, { from, to }: Span, abort: AbortSignal): Promise<Incident[]> {
  return (await get("api/incidents", { device, metric, from: isoOf(from), to: isoOf(to) }, abort)).incidents;
}

/** One incident, open or resolved; null where there is none with this id. */
export async function fetchIncident(id: string): Promise<Incident | null> {
  return (await get("api/incidents", { id })).incidents[0] ?? null;
}

/** A page of incidents, and what to ask for the next page with. */
export async function fetchIncidentPage(query: Record<string, string>, abort?: AbortSignal): Promise<Answers["api/incidents"]> {
  return get("api/incidents", query, abort);
}

/** Incidents counted by rule or site. */
export async function fetchIncidentGroups(query: Record<string, string>, abort: AbortSignal): Promise<Answers["api/incidents/groups"]> {
  return get("api/incidents/groups", query, abort);
}

/** Returns how many were acknowledged now. */
export async function acknowledgeMany(acknowledgements: NewAcknowledgements): Promise<number> {
  return ((await (await send("POST", "api/incidents/acknowledgements", acknowledgements)).json()) as { acknowledged: number }).acknowledged;
}

/** Silences the rule and the series of each of these incidents. */
export async function silenceMany(silences: NewSilences): Promise<void> {
  await send("POST", "api/incidents/silences", silences);
}

/** Returns the incident as it is stored then. The first acknowledgement stays. */
export async function acknowledge(acknowledgement: NewAcknowledgement): Promise<Incident> {
  return (await send("POST", "api/acknowledgements", acknowledgement)).json();
}

export async function fetchSilences(): Promise<Silence[]> {
  return (await get("api/silences")).silences;
}

export async function addSilence(silence: NewSilence): Promise<Silence> {
  return (await send("POST", "api/silences", silence)).json();
}

export async function endSilence(id: string): Promise<void> {
  await send("DELETE", `api/silences/${encodeURIComponent(id)}`);
}

/** The readings of a series in a span, reduced to at most `points` buckets of equal width. */
export async function fetchBuckets({ device, metric }: SeriesName, { from, to }: Span, points: number, abort?: AbortSignal): Promise<Bucket[]> {
  const answer = await get("api/readings", { device, metric, from: isoOf(from), to: isoOf(to), points: `${points}` }, abort);
  return "buckets" in answer ? answer.buckets : [];
}

/** When the first stored reading of a series was measured, in milliseconds, or null when it has none. */
export async function fetchFirst({ device, metric }: SeriesName, abort?: AbortSignal): Promise<number | null> {
  const answer = await get("api/readings", { device, metric, limit: "1" }, abort);
  const [first] = "readings" in answer ? answer.readings : [];
  return first ? Date.parse(first.measured_at) : null;
}

/** The address of a file with every stored reading of a series in a span. */
export function csvHref({ device, metric }: SeriesName, { from, to }: Span): string {
  const span = { from: isoOf(Math.floor(from)), to: isoOf(Math.floor(to) + 1) };
  return `api/readings?${new URLSearchParams({ device, metric, ...span, format: "csv" })}`;
}

/** The numbered readings that were measured since an instant, or all; per device and boot. */
export async function fetchBoots(fromMs: number | null): Promise<Boot[]> {
  return (await get("api/completeness", fromMs === null ? {} : { from: isoOf(fromMs) })).completeness;
}

/** What each edge stored, and what arrived of it. */
export async function fetchEdges(): Promise<Edge[]> {
  return (await get("api/edges", {})).edges;
}

/** Which rejected payloads: of a topic, for a reason, received since. */
export type RejectedSelection = { topic?: string; reason?: string; since?: string; resent?: "true" | "false" };

/** A page of rejected payloads, newest first, each with the first part of its payload. */
export async function fetchRejectedPage(query: Record<string, string>, abort?: AbortSignal): Promise<Answers["api/rejected"]> {
  return get("api/rejected", query, abort);
}

export async function fetchRejectedGroups(selection: RejectedSelection): Promise<RejectedGroup[]> {
  return (await get("api/rejected/groups", selection)).groups;
}

/** A rejected payload with all that is stored of it. */
export async function fetchRejectedWhole(id: string): Promise<Rejected> {
  return (await ask(`api/rejected/${encodeURIComponent(id)}`, {})).json();
}

export async function dismissRejected(id: string): Promise<void> {
  await send("DELETE", `api/rejected/${encodeURIComponent(id)}`);
}

/** Returns how many were deleted. */
export async function dismissSelected(selection: RejectedSelection): Promise<number> {
  const answer = await send("DELETE", `api/rejected?${new URLSearchParams(selection)}`);
  return ((await answer.json()) as { dismissed: number }).dismissed;
}

/** Resends at most a hundred rejected payloads of a topic; `next` of the answer goes on as `after`. */
export async function resendSelected(selection: ResendSelected): Promise<ResentSelected> {
  return (await send("POST", "api/rejected/resend", selection)).json();
}

/** Processes a rejected payload again, changed as `resend` says. Throws the server's reason when it refuses. */
export async function resendRejected(id: string, resend: Resend): Promise<Resent> {
  return (await send("POST", `api/rejected/${encodeURIComponent(id)}/resend`, resend)).json();
}

/** Where devices publish. */
export async function fetchBroker(abort: AbortSignal): Promise<Broker> {
  return get("api/broker", {}, abort);
}

/** What a device, and the devices above it, say of themselves in words. */
export async function fetchAttributes(device: string, abort: AbortSignal): Promise<Attribute[]> {
  return (await get("api/attributes", { device }, abort)).attributes;
}

/** The words that the user's rules have for values. */
export async function fetchWords(): Promise<MetricWords[]> {
  return (await get("api/words")).words;
}

/** When the clock that gives stamps was wrong. */
export async function fetchClockPeriods(abort: AbortSignal): Promise<ClockPeriod[]> {
  return (await get("api/clock", {}, abort)).periods;
}

export async function fetchPipeline(abort: AbortSignal): Promise<Pipeline> {
  return get("api/pipeline", {}, abort);
}

/** The rules by which messages are read, and what none of them reads. */
export async function fetchInputs(abort: AbortSignal): Promise<Inputs> {
  return get("api/inputs", {}, abort);
}

/** Adds rules to the file of mappings. Throws the server's reason when it refuses. */
export async function addRules(rule: string): Promise<AddedRules> {
  return (await send("POST", "api/inputs/rules", { rule })).json();
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
