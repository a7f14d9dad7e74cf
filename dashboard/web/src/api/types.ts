// Generated from the server's OpenAPI document by api-types.mjs; run `npm run types` after changing it.

export interface Error {
  /** What is wrong, and what it may be. */
  error: string;
}

/** RFC 3339, or Unix milliseconds. */
export type Moment = string | number;

/** An MQTT filter: + for one level, # for all further ones. */
export type Filter = string;

export interface Series {
  device: string;
  metric: string;
  value: number;
  unit: string | null;
  measured_at: string;
  state: "fresh" | "stale" | "offline";
}

export interface Reading {
  device: string;
  metric: string;
  value: number;
  unit: string | null;
  measured_at: string;
  received_at: string;
  stored_at: string;
  boot: number | null;
  seq: number | null;
}

export interface Readings {
  readings: Reading[];
  /** Asks for what follows, as `after`. */
  next: string | null;
}

export interface Bucket {
  from: string;
  to: string;
  min: number;
  max: number;
  mean: number;
  count: number;
}

export interface Buckets {
  buckets: Bucket[];
}

export interface Incident {
  id: string;
  rule: string;
  severity: "info" | "warning" | "critical";
  device: string;
  metric: string;
  kind: "above" | "below" | "outside" | "rate" | "absent" | "stuck";
  condition: string;
  threshold: number | null;
  began_at: string;
  opened_at: string;
  judged_at: string;
  resolved_at: string | null;
  end: "cleared" | "rule removed" | null;
  value: number | null;
  unit: string | null;
  peak: number | null;
  peak_at: string | null;
  resolved_value: number | null;
  acknowledged: {
    at: string;
    by: string | null;
    note: string | null;
  } | null;
  late: boolean;
  notifications: Notification[];
}

export interface Notification {
  kind: "opened" | "reminder" | "resolved";
  channel: "mail" | "webhook" | "mqtt";
  to: string;
  asked_at: string;
  sent_at: string | null;
  message_id: string | null;
  state: "waiting" | "held" | "dropped" | "failed" | "sent";
  why: string | null;
  problem: string | null;
}

export interface Silence {
  id: string;
  device: string;
  metric: string | null;
  rule: string | null;
  from: string;
  until: string;
  reason: string;
  by: string | null;
}

export interface NewSilence {
  device: Filter;
  metric?: string | null;
  rule?: string | null;
  /** At most 366 days ahead. */
  until?: string | null;
  /** A duration such as 30m, 2h or 7days. */
  for?: string | null;
  reason: string;
  by?: string | null;
}

export interface NewAcknowledgement {
  /** The id of an alert. */
  incident: string;
  by?: string | null;
  note?: string | null;
}

export interface Rejected {
  id: string;
  received_at: string;
  topic: string;
  reason: string;
  /** Bytes that are not UTF-8 are shown replaced. */
  payload: string;
  resent_at: string | null;
}

export interface Resend {
  /** Instead of what came. */
  payload?: string | null;
  /** Instead of where it came. */
  topic?: string | null;
}

export interface Resent {
  readings: number;
  resent_at: string;
}

export interface Boot {
  device: string;
  boot: number;
  first: number;
  last: number;
  expected: number;
  stored: number;
  repeated: number;
  late: number;
  missing: number;
  /** First and last number of each gap, at most a hundred gaps. */
  missing_ranges: [number, number][];
  newest_measured_at: string;
}

export interface Stage {
  id: string;
  name: string;
  state: "ok" | "warning" | "down" | "unknown";
  rate: number | null;
  depth: number | null;
  behind: number | null;
  says: string[];
  problem: string | null;
  parts: Part[];
}

export interface Part {
  name: string;
  state: "ok" | "warning" | "down" | "unknown";
  rate: number | null;
  depth: number | null;
  behind: number | null;
  says: string[];
  problem: string | null;
}

/** What each path answers to GET. */
export interface Answers {
  "api/series": {
    series: Series[];
  };
  "api/readings": Readings | Buckets;
  "api/incidents": {
    incidents: Incident[];
  };
  "api/silences": {
    silences: Silence[];
  };
  "api/rejected": {
    rejected: Rejected[];
  };
  "api/completeness": {
    completeness: Boot[];
  };
  "api/pipeline": {
    at: string;
    stages: Stage[];
  };
  "api/openapi.json": Record<string, unknown>;
}
