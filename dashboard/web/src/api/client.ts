// What the server says, as it says it: names and times are those on the wire.

export type Freshness = "fresh" | "stale" | "offline";

/** A sensor as `GET /api/devices` lists it. */
export interface Device {
  device: string;
  metric: string;
  value: number;
  unit: string | null;
  measured_at: string;
  state: Freshness;
}

/** Somebody or something that is told of an alert. */
export interface Mail {
  kind: "opened" | "reminder" | "resolved";
  way: "mail" | "webhook" | "mqtt";
  to: string;
  asked_at: string;
  sent_at: string | null;
  state: "waiting" | "held" | "sent" | "failed" | "dropped";
  /** Why it is held or dropped. */
  why: string | null;
  /** Why it could not be sent, or what some recipients said to it. */
  problem: string | null;
}

export interface Alert {
  id: string;
  rule: string;
  severity: "info" | "warning" | "critical";
  device: string;
  metric: string;
  kind: "above" | "below" | "outside" | "rate" | "absent" | "stuck";
  /** In words that follow a value: "above 25". */
  condition: string;
  /** The limit that was crossed; for a rate a change per minute. Null for absent, stuck, and alerts of older versions. */
  threshold: number | null;
  /** When it was first so; for absent the time of the last reading. */
  began_at: string;
  opened_at: string;
  resolved_at: string | null;
  /** Null for a device that never spoke; for a rate the change per minute. */
  value: number | null;
  unit: string | null;
  acknowledged: { at: string; by: string | null; note: string | null } | null;
  mails: Mail[];
}

/** Nobody is told of what it matches. */
export interface Silence {
  id: string;
  /** An MQTT filter. */
  device: string;
  /** Null for all of them. */
  metric: string | null;
  rule: string | null;
  until: string;
  reason: string;
  by: string | null;
}

export interface Bucket {
  from: string;
  to: string;
  min: number;
  max: number;
  mean: number;
  count: number;
}

/** What an id stands for from here on, on this connection. */
export type NameRow = [id: number, topic: string, unit: string | null];

/** Microseconds count back from the time of the frame. The state is 0 for fresh, 1 for stale, 2 for offline. */
export type ValueRow = [id: number, value: number, ageMicros: number, state: number];

/** A snapshot replaces everything; of changes, what is left out is as it was. */
export interface Frame {
  type: "snapshot" | "changes";
  /** The server's time in microseconds. */
  at: number;
  names?: NameRow[];
  values?: ValueRow[];
  /** The newest of those that belong to what was asked for. */
  alerts?: Alert[];
  /** How many alerts of any device are open. */
  open_alerts?: number;
  rejected?: number;
  /** Seconds by which the writer is behind; null while that is not known. */
  behind?: number | null;
}

/** A span of time in milliseconds since 1970. */
export interface Span {
  from: number;
  to: number;
}

export async function fetchDevices(): Promise<Device[]> {
  return (await get<{ devices: Device[] }>("api/devices")).devices;
}

export async function fetchAlerts(): Promise<Alert[]> {
  return (await get<{ alerts: Alert[] }>("api/alerts")).alerts;
}

export async function fetchPast(limit: number): Promise<Alert[]> {
  return (await get<{ alerts: Alert[] }>(`api/alerts?state=resolved&limit=${limit}`)).alerts;
}

/** Those of a sensor that were open at some time in a span. */
export async function fetchAlertsOf(sensor: { device: string; metric: string }, span: Span, abort: AbortSignal): Promise<Alert[]> {
  const { device, metric } = sensor;
  const query = new URLSearchParams({ device, metric, from: isoOf(span.from), to: isoOf(span.to) });
  return (await get<{ alerts: Alert[] }>(`api/alerts?${query}`, abort)).alerts;
}

/** Returns the alert as it is then: the first who acknowledged it is kept. */
export async function acknowledge(said: { alert: string; by: string; note: string }): Promise<Alert> {
  return (await send("POST", "api/acknowledgements", said)).json();
}

export async function fetchSilences(): Promise<Silence[]> {
  return (await get<{ silences: Silence[] }>("api/silences")).silences;
}

export async function addSilence(asked: { device: string; for: string; reason: string; by: string }): Promise<Silence> {
  return (await send("POST", "api/silences", asked)).json();
}

export async function endSilence(id: string): Promise<void> {
  await send("DELETE", `api/silences/${encodeURIComponent(id)}`);
}

export async function fetchBuckets(
  sensor: { device: string; metric: string },
  span: Span,
  points: number,
  abort?: AbortSignal,
): Promise<Bucket[]> {
  const query = new URLSearchParams({
    device: sensor.device,
    metric: sensor.metric,
    from: isoOf(span.from),
    to: isoOf(span.to),
    points: String(points),
  });
  return (await get<{ buckets: Bucket[] }>(`api/readings?${query}`, abort)).buckets;
}

/** When the sensor's first stored reading was measured, in milliseconds, or null when it has none. */
export async function fetchFirst(
  sensor: { device: string; metric: string },
  abort?: AbortSignal,
): Promise<number | null> {
  const query = new URLSearchParams({ device: sensor.device, metric: sensor.metric, limit: "1" });
  const page = await get<{ readings: { measured_at: string }[] }>(`api/readings?${query}`, abort);
  return page.readings[0] ? Date.parse(page.readings[0].measured_at) : null;
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

export async function get<T>(path: string, abort?: AbortSignal): Promise<T> {
  return (await ask(path, abort ? { signal: abort } : {})).json();
}

export function send(method: string, path: string, body: object = {}): Promise<Response> {
  return ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

// Addresses are relative to the page, so that it works below any path of a proxy.
async function ask(path: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(path, init).catch(explain);
  if (!answer.ok) throw new Error(await reasonOf(answer));
  return answer;
}

/** Each browser has words of its own for a server that is away, and none of them helps. */
function explain(error: Error): never {
  throw error.name === "AbortError" ? error : new Error("the server does not answer");
}

async function reasonOf(answer: Response): Promise<string> {
  try {
    return ((await answer.json()) as { error: string }).error;
  } catch {
    return `the server answered ${answer.status}`;
  }
}
