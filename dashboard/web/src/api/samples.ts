// Complete answers of the server, for unit tests: each sample takes the fields that matter to a test.

import type { AuditRecord, Me } from "./access";
import type { Boot, Incident, Notification, Part, Silence, Stage } from "./client";
import type { Device } from "./devices";

export function sampleIncident(fields: Partial<Incident> = {}): Incident {
  return {
    id: "hot/temperature/lab/1", rule: "hot", severity: "warning", device: "lab", metric: "temperature",
    kind: "above", condition: "above 25", threshold: 25, unit: null, value: 26.1, peak: 26.1, resolved_value: null, late: false,
    began_at: "2026-01-15T10:01:00Z", opened_at: "2026-01-15T10:03:00Z", judged_at: "2026-01-15T10:03:00Z", peak_at: "2026-01-15T10:03:00Z",
    resolved_at: null, end: null, acknowledged: null, silenced_until: null, notifications: [], ...fields,
  };
}

export function sampleNotification(fields: Partial<Notification> = {}): Notification {
  return {
    kind: "opened", channel: "mail", to: "operator@localhost", asked_at: "2026-01-15T10:03:00Z", sent_at: null,
    message_id: null, state: "waiting", why: null, problem: null, ...fields,
  };
}

export function sampleSilence(fields: Partial<Silence> = {}): Silence {
  return {
    id: "1", device: "#", metric: null, rule: null, from: "2026-01-15T11:00:00Z", until: "2026-01-15T12:00:00Z",
    reason: "maintenance", by: null, ...fields,
  };
}

export function sampleBoot(fields: Partial<Boot> = {}): Boot {
  return {
    device: "lab", boot: 1, first: 1, last: 10, expected: 10, stored: 10, repeated: 0, late: 0, missing: 0,
    missing_ranges: [], oldest_measured_at: "2026-01-15T10:00:00Z", newest_measured_at: "2026-01-15T10:30:00Z", ...fields,
  };
}

export function samplePart(fields: Partial<Part> = {}): Part {
  return { name: "db-writer", state: "ok", rate: null, depth: null, behind: null, says: [], problem: null, ...fields };
}

export function sampleStage(fields: Partial<Stage> = {}): Stage {
  return { id: "writer", ...samplePart(), parts: [], ...fields };
}

export function sampleMe(fields: Partial<Me> = {}): Me {
  return {
    username: "ann", email: null, role: "admin", filters: [], via: "session", open: false,
    actions: ["read", "system", "acknowledge", "silence", "resend", "adopt", "devices", "rules", "users", "audit", "keys", "password"], ...fields,
  };
}

export function sampleDevice(fields: Partial<Device> = {}): Device {
  return {
    name: "site-a/lab", title: "Lab", type: "bme280", location: "2nd floor", latitude: null, longitude: null, sampling_rate: 10, tags: ["floor=2"],
    note: null, retired: false, registered: true, created_at: "2026-01-15T10:30:00Z", changed_at: "2026-01-15T10:30:00Z", state: "online",
    last_seen: "2026-01-15T10:30:00Z", series: [], ...fields,
  };
}

export function sampleAuditRecord(fields: Partial<AuditRecord> = {}): AuditRecord {
  return {
    number: 1, at: "2026-01-15T10:30:00Z", actor: "ann", via: "session", address: "192.0.2.1", action: "add user", target: "ben",
    outcome: "done", before: null, after: null, hash: "00", ...fields,
  };
}
