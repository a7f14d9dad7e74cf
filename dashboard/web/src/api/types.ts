// Generated from the server's OpenAPI document by api-types.mjs; run `npm run types` after changing it.

export interface Error {
  /** What is wrong, and what it may be. */
  error: string;
}

/** RFC 3339, or Unix milliseconds. */
export type Moment = string | number;

/** An MQTT filter: + for one level, # for all further ones. */
export type Filter = string;

/** Readings summed up. */
export interface Hour {
  min: number;
  max: number;
  mean: number;
  count: number;
}

/** The newest value of a series beside those before it. */
export interface Realtime {
  device: string;
  metric: string;
  value: number;
  unit: string | null;
  measured_at: string;
  state: "fresh" | "stale" | "offline";
  /** How many values before it the mean and the deviation are of. */
  window: number;
  rolling_mean: number;
  /** The standard deviation of a sample. */
  rolling_deviation: number;
  /** How many deviations the newest value is above the mean; 0 where fewer than 10 values, or no deviation, are known. */
  z_score: number;
  /** Whether z_score is above 2 or below -2. */
  is_anomaly: boolean;
  /** How many of the window's values and the newest are anomalies. */
  anomalies: number;
  /** Readings a second over the window; null where that is too short. */
  rate: number | null;
  /** The last hour; null where nothing was measured in it. */
  hour: Hour | null;
}

/** A series summed up over a range. */
export interface Historical {
  device: string;
  metric: string;
  unit: string | null;
  /** All readings of the range; null where there are none. */
  all: Hour | null;
  /** How many of them, the last ones, the following is of. */
  examined: number;
  /** The standard deviation of a sample. */
  deviation: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  anomaly_count: number;
  /** The last of them. */
  anomalies: {
    measured_at: string;
    value: number;
    mean: number;
    deviation: number;
    z_score: number;
  }[];
  /** Where points are asked for. */
  buckets?: Bucket[];
}

/** The newest value of a series, judged; beside these it has rolling_average_<metric>, a number. */
export interface Analyzed {
  device_id: string;
  is_anomaly: boolean;
  z_score: number;
  processed_at: string;
}

/** A series, that is one metric of one device, with its newest reading. */
export interface Series {
  device: string;
  metric: string;
  value: number;
  unit: string | null;
  measured_at: string;
  /** By the age of the newest reading. */
  state: "fresh" | "stale" | "offline";
}

export interface Ingested {
  /** Readings that are acknowledged. */
  taken: number;
  rejected: {
    /** Which element of the request, from 0 on. */
    index: number;
    reason: string;
    /** Of the rejected payload, where it is known: GET /api/rejected/{id}. */
    id?: string;
  }[];
  /** Commands for the device. */
  commands: Record<string, unknown>[];
  /** Whether sending the same again stores nothing more: each reading names its time, or there is an Idempotency-Key. */
  idempotent: boolean;
}

export interface AcceptedMetric {
  status: "accepted";
  device_id: string;
  /** As in Ingested; left out where there is none. */
  rejected?: Record<string, unknown>[];
}

/** At most 10,000: more are answered by 413. */
export type SentReadings = {
  /** METRIC/DEVICE, instead of both. */
  topic?: string;
  metric?: string;
  device?: string;
  value: number;
  unit?: string;
  measured_at?: Moment;
  boot?: number;
  seq?: number;
}[];

/** One object or an array of objects. Each has a `type` (the metric) and a `value`, or a field for each metric: a number, or an object as a device publishes it. */
export type SentData = Record<string, unknown> | Record<string, unknown>[];

/** As SentData, with the device in `device_id`, `sensor_id`, `device`, `id` or `name`; or as NewDevice. */
export type SentSensor = Record<string, unknown> | Record<string, unknown>[];

/** The device in `device_id`, its time in `timestamp` (Unix seconds or milliseconds, or RFC 3339), and a field for each metric. */
export type SentMetric = Record<string, unknown> | Record<string, unknown>[];

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
  /** By how much the broker's clock was ahead when it gave received_at, and measured_at where the device gave none; less than 0 where it was behind. Left out where nothing speaks against the clock. */
  clock_ahead_seconds?: number;
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

export interface Aggregate {
  /** The group, where groups are asked for; empty for devices without a type or a tag. */
  group?: string;
  from: string;
  to: string;
  value: number;
  unit: string | null;
  /** Readings. */
  count: number;
}

export interface Aggregates {
  aggregates: Aggregate[];
}

export interface Incident {
  id: string;
  rule: string;
  severity: "info" | "warning" | "critical";
  device: string;
  metric: string;
  kind: "above" | "below" | "outside" | "rate" | "absent" | "stuck" | "unusual";
  /** It follows a value, without the unit: "above 25". */
  condition: string;
  /** The limit that was crossed; for a rate a change per minute. Null for absent, stuck, and incidents of older versions. */
  threshold: number | null;
  /** When the condition first held; for absent the time of the last reading. */
  began_at: string;
  opened_at: string;
  judged_at: string;
  resolved_at: string | null;
  end: "cleared" | "rule removed" | null;
  /** Null for a device that never sent a reading; for a rate the change per minute. */
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
  /** Until when a silence holds back its notifications; null where none matches now, or it is resolved. */
  silenced_until: string | null;
  late: boolean;
  notifications: Notification[];
}

/** A message about an incident to one recipient over one channel. */
export interface Notification {
  kind: "opened" | "reminder" | "resolved";
  channel: "mail" | "webhook" | "mqtt";
  to: string;
  asked_at: string;
  sent_at: string | null;
  message_id: string | null;
  state: "waiting" | "held" | "dropped" | "failed" | "sent";
  /** Why it is held or was dropped. */
  why: string | null;
  /** Why it could not be sent, or what some recipients refused. */
  problem: string | null;
}

export interface IncidentGroup {
  /** The rule, or the first level of the devices' names. */
  name: string;
  /** The narrowest MQTT filter by leading levels that matches its devices. */
  device: string;
  /** Null where it has several. */
  rule: string | null;
  /** Null where it has several. */
  metric: string | null;
  /** The highest of the open incidents; of all, where none is open. */
  severity: "info" | "warning" | "critical";
  incidents: number;
  open: number;
  /** Of the open ones. */
  acknowledged: number;
  /** Of the open ones, without the acknowledged ones. */
  silenced: number;
  devices: number;
  /** How many first levels the devices' names have. */
  sites: number;
  first_opened_at: string;
  last_opened_at: string;
}

/** While it lasts, notifications of the incidents that it matches are held back. */
export interface Silence {
  id: string;
  /** An MQTT filter. */
  device: string;
  /** Null for all metrics. */
  metric: string | null;
  /** Null for all rules. */
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
  /** The author; a user who has logged in is the author in any case. */
  by?: string | null;
}

export interface NewAcknowledgement {
  /** The id of an incident. */
  incident: string;
  /** The author; a user who has logged in is the author in any case. */
  by?: string | null;
  note?: string | null;
}

/** The id of an incident. */
export type IncidentId = string;

export interface NewAcknowledgements {
  incidents?: IncidentId[];
  rule?: string | null;
  metric?: string | null;
  device?: Filter | null;
  severity?: "info" | "warning" | "critical" | null;
  /** The author; a user who has logged in is the author in any case. */
  by?: string | null;
  note?: string | null;
}

export interface NewSilences {
  incidents: IncidentId[];
  /** At most 366 days ahead. */
  until?: string | null;
  /** A duration such as 30m, 2h or 7days. */
  for?: string | null;
  reason: string;
  /** The author; a user who has logged in is the author in any case. */
  by?: string | null;
}

export interface Rejected {
  id: string;
  received_at: string;
  topic: string;
  reason: string;
  /** Bytes that are not UTF-8 are shown replaced. */
  payload: string;
  /** Bytes as it arrived. */
  payload_bytes: number;
  /** Bytes that are stored; only a payload that is stored whole can be resent as it is. */
  stored_bytes: number;
  resent_at: string | null;
}

export interface RejectedGroup {
  topic: string;
  /** With … for what differs; as parameter it selects the group. */
  reason: string;
  count: number;
  oldest_received_at: string;
  newest_received_at: string;
}

export interface Dismissed {
  /** How many were deleted. */
  dismissed: number;
}

export interface ResendSelected {
  /** Only payloads of this topic. */
  topic: string;
  /** Only for this reason, in which … stands for any text. */
  reason?: string | null;
  /** Only those that were received at this time or later. */
  since?: string | null;
  /** The `next` of the answer before. */
  after?: string | null;
  /** Instead of their topic. */
  new_topic?: string | null;
  /** Replaces a text wherever it is in a payload. */
  replace?: Replace | null;
}

export interface Replace {
  find: string;
  with: string;
}

export interface ResentSelected {
  /** How many payloads were resent. */
  resent: number;
  /** How many readings they held. */
  readings: number;
  failed: NotResent[];
  /** Where the next call goes on; null if none is left. */
  next: string | null;
}

export interface NotResent {
  id: string;
  /** Why it was not resent. */
  error: string;
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

/** The newest value of an attribute of a device. */
export interface Attribute {
  /** Whose it is: the device that was asked for, or one above it. */
  device: string;
  name: string;
  value: string;
  /** When the broker received the first message that has this value. */
  since: string;
}

/** The words for the values of a metric without a unit. */
export interface MetricWords {
  metric: string;
  /** Each value and its word, the lowest first. */
  words: StateWord[];
}

/** A value of a metric that has a few states, and the word for it. */
export interface StateWord {
  value: number;
  word: string;
}

/** What an edge stored, and what arrived of it: stored = arrived + deleted + refused + missing. */
export interface Edge {
  edge: string;
  /** The run of its journal: another one where its database was lost. */
  run: string;
  /** Readings that the edge has stored, as far as it told. */
  stored: number;
  /** Readings that are here. */
  arrived: number;
  /** Readings that were deleted at the edge before they were sent. */
  deleted: number;
  /** Readings that the broker refuses. */
  refused: number;
  /** Readings that are neither here nor gone. */
  missing: number;
  /** Readings that the edge had still to send when it last told. */
  unsent: number;
  /** First and last number of each range that is missing, at most a hundred. */
  missing_ranges: [number, number][];
  /** First and last number of each range that was deleted or refused, at most a hundred. */
  gone_ranges: [number, number][];
  first_heard_at: string;
  heard_at: string;
  /** By how much its clock was ahead of the broker's then. */
  clock_ahead_seconds: number;
}

/** The readings that a device numbered between two restarts. */
export interface Boot {
  device: string;
  boot: number;
  first: number;
  last: number;
  expected: number;
  stored: number;
  /** Rows with a number that is stored already. */
  repeated: number;
  /** Readings that reached the broker more than a minute after they were measured. */
  late: number;
  missing: number;
  /** First and last number of each gap, at most a hundred gaps. */
  missing_ranges: [number, number][];
  oldest_measured_at: string;
  newest_measured_at: string;
}

/** A period in which the clock that gives stamps was wrong. */
export interface ClockPeriod {
  /** The first time that the clock showed. */
  from: string;
  /** The last one. */
  to: string;
  /** By how much it was ahead of the clock as it is now; less than 0 where it was behind. Over a restart it is the least that it can have been. */
  ahead_seconds: number;
}

/** The MQTT broker as devices reach it. */
export interface Broker {
  /** Null where it is the host of this API. */
  host: string | null;
  /** Null where it is not known. */
  port: number | null;
  /** The user that devices share; null where there is none, or each device has its own. */
  user: string | null;
  /** Whether devices need a user and a password. */
  password: boolean;
  /** Client ids that two devices used at once within the last five minutes, so that each cuts the other one off. */
  contested_client_ids: string[];
}

export interface Inputs {
  mappings: Mappings;
  unmapped: UnmappedGroup[];
  /** Messages in no group, because there are too many. */
  others: number;
  /** Rules in force that have ignored messages, those that ignored the most first. */
  ignored: IgnoringRule[];
}

/** A rule that has ignored messages. */
export interface IgnoringRule {
  /** The preset that it is from; null for a rule of the file. */
  preset: string | null;
  /** Its pattern of topics. */
  topic: string;
  /** How many messages it has ignored since the start. */
  count: number;
}

/** A preset, and whether its rules are in force. */
export interface PresetInUse {
  /** As `use` in the file has it. */
  name: string;
  on: boolean;
}

/** The rules by which messages are read. */
export interface Mappings {
  /** Where the file of rules is, or will be looked for; null where none is named. */
  file: string | null;
  /** Differs where messages may be read differently. */
  hash: string;
  /** Since when these rules are in force. */
  since: string;
  /** How many rules there are beside the presets. */
  own_rules: number;
  /** All presets, in the order in which their rules are tried. */
  presets: PresetInUse[];
  /** What is wrong with the file as it is now, and where: the rules from before it stay in force. */
  error: string | null;
  /** Whether `POST /api/inputs/rules` can add a rule now; not while `error` says something. */
  can_add: boolean;
  /** Why it cannot. */
  why_not: string | null;
}

export interface NewRules {
  /** TOML with `[[rule]]` above each rule; at most 8 KiB. */
  rule: string;
}

export interface AddedRules {
  /** How many rules were added. */
  added: number;
  mappings: Mappings;
}

/** Messages that no rule reads, on topics with the same first two levels. */
export interface UnmappedGroup {
  /** The first two levels. */
  name: string;
  count: number;
  first: string;
  last: string;
  /** Of the newest message; at most 4 KiB. */
  topic: string;
  /** Of the newest message; at most 4 KiB. */
  payload: string;
  /** A rule that would read it; null where no number was found in it. */
  suggestion: Suggestion | null;
}

/** A rule that would read a message, and what it would find. */
export interface Suggestion {
  /** TOML, for `POST /api/inputs/rules`. */
  rule: string;
  /** `metric/device = value unit` each. */
  readings: string[];
}

export interface Stage {
  id: string;
  name: string;
  state: "ok" | "warning" | "down" | "unknown";
  /** Messages or readings per second. */
  rate: number | null;
  /** Messages that are waiting. */
  depth: number | null;
  /** Seconds. */
  behind: number | null;
  says: string[];
  problem: string | null;
  parts: Part[];
}

/** A node, a queue or an instance of a stage. */
export interface Part {
  name: string;
  state: "ok" | "warning" | "down" | "unknown";
  /** Messages or readings per second. */
  rate: number | null;
  /** Messages that are waiting. */
  depth: number | null;
  /** Seconds. */
  behind: number | null;
  says: string[];
  problem: string | null;
}

/** The name of a user. */
export type Username = string;

/** A viewer reads; an operator also acknowledges, silences and resends; an admin may do everything. */
export type Role = "viewer" | "operator" | "admin";

/** `system` is the pipeline, the inputs and the clock, for callers without filters; `rules` adds mappings. */
export type Action = "read" | "system" | "acknowledge" | "silence" | "resend" | "send" | "command" | "adopt" | "devices" | "rules" | "users" | "audit" | "keys" | "password";

/** A signed token. */
export interface Token {
  /** Sent as Authorization: Bearer. */
  token: string;
  expires_at: string;
}

/** Public keys (RFC 8037). */
export interface KeySet {
  keys: {
    kty: string;
    crv: string;
    kid: string;
    x: string;
    use: string;
    alg: string;
  }[];
}

/** How people may log in. */
export interface LoginMethods {
  /** With a name and a password: always. */
  password: boolean;
  /** At an identity provider, by OpenID Connect; null where none is set. */
  oidc: OidcMethod | null;
}

/** The login at an identity provider. */
export interface OidcMethod {
  /** What people know it as. */
  name: string;
  /** Where the browser goes for that; it takes `return_to`. */
  url: string;
}

/** Who the caller is. */
export interface Me {
  /** Null while Millrace is open. */
  username: string | null;
  email: string | null;
  role: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters: Filter[];
  via: "open" | "session" | "key" | "token" | "oidc";
  /** Whether there are no users yet, so that everybody may do everything. */
  open: boolean;
  /** What the caller may do at all. */
  actions: Action[];
}

export interface LogIn {
  username: string;
  password: string;
}

export interface NewPassword {
  old_password: string;
  /** 12 to 128 characters. */
  password: string;
}

/** A login that lasts. */
export interface Session {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  /** Where it began. */
  address: string | null;
  /** Whether it is the caller's own. */
  current: boolean;
}

export interface User {
  username: string;
  email: string | null;
  role: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters: Filter[];
  /** Whether the user logs in at the identity provider, which says role, filters and address at each login, and has no password here. */
  external: boolean;
  created_at: string;
  /** Null before the first login. */
  last_login_at: string | null;
}

export interface NewUser {
  username: Username;
  email?: string | null;
  /** 12 to 128 characters. */
  password: string;
  role: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters?: Filter[];
}

/** What is left out stays as it is. */
export interface UserChanges {
  email?: string | null;
  /** 12 to 128 characters. */
  password?: string;
  role?: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters?: Filter[];
}

/** An API key, which programs send as `authorization: Bearer mk_…`. */
export interface Key {
  id: string;
  name: string;
  /** The name of a user. */
  owner: string;
  role: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters: Filter[];
  created_at: string;
  expires_at: string;
  /** Null where it was never used. */
  last_used_at: string | null;
}

/** A device, with what people say of it and the newest reading of each of its series. */
export interface Device {
  /** Its name in topics. */
  name: string;
  title: string | null;
  type: string | null;
  location: string | null;
  latitude: number | null;
  longitude: number | null;
  /** Seconds between two of its readings. */
  sampling_rate: number | null;
  tags: string[];
  note: string | null;
  /** Whether its readings are neither awaited nor taken. */
  retired: boolean;
  /** Whether it is registered, or was only heard. */
  registered: boolean;
  /** When it was registered. */
  created_at: string | null;
  changed_at: string | null;
  /** By its newest reading: with a sampling rate, its own or that of its type, late after two intervals and offline after five, else as the page has it. */
  state: "online" | "late" | "offline" | "unknown";
  last_seen: string | null;
  series: Series[];
}

export interface ImportedDevices {
  registered: number;
  changed: number;
  unchanged: number;
  skipped: number;
  failed: number;
  devices: ({
    /** The number of the row; the first is 1. */
    row: number;
    name: string | null;
    outcome: "registered" | "changed" | "unchanged" | "skipped" | "failed";
    /** Why it failed. */
    reason: string | null;
  })[];
}

/** A device, with what is known of it beside. */
export type DeviceDetails = Device & {
  /** By which it speaks; null where it is not connected, or that is not known, as in a cluster. */
  connection: Connection | null;
  /** From which time on its numbered readings are counted in `boots` and `gaps`; null where all are. */
  counted_from: string | null;
  /** Its last restarts, newest first. */
  boots: Boot[];
  /** Numbers that are not stored, newest first. */
  gaps: Gap[];
  open_incidents: {
    count: number;
    newest: Incident | null;
  };
  /** Payloads of it among the last 10,000 of all devices that could not be read and were not resent. */
  rejected: {
    count: number;
    newest: Rejected | null;
  };
};

/** The connection by which a device speaks. */
export interface Connection {
  /** Of a gateway where one speaks for the device. */
  client_id: string;
  /** The user that the client has proved to be. */
  user: string | null;
  /** Address and port. */
  address: string;
  since: string;
  last_will: LastWill | null;
}

/** What is published when a client is gone without a word. */
export interface LastWill {
  topic: string;
  /** Its first 256 bytes as text. */
  payload: string;
  retain: boolean;
}

/** A range of numbers of a device that are not stored. */
export interface Gap {
  boot: number;
  first: number;
  last: number;
}

/** A device to be registered; `device_type`, `room`, `lat`, `lon`, `sampling_interval`, `description` and the like are taken, too. */
export interface NewDevice {
  /** Its name in topics; another text becomes the title. */
  name?: string | null;
  /** How people call it. */
  title?: string | null;
  /** What kind of device it is. */
  type?: string | null;
  /** Where it is, in words. */
  location?: string | null;
  /** Degrees north. */
  latitude?: number | null;
  /** Degrees east. */
  longitude?: number | null;
  /** Seconds between two of its readings, or a duration such as `1m 30s`. */
  sampling_rate?: number | string | null;
  /** Words that it is found by. */
  tags?: string[];
  note?: string | null;
  /** Whether its readings are neither awaited nor taken. */
  retired?: boolean | null;
}

/** What is said of a device. */
export interface DeviceDescription {
  /** How people call it. */
  title?: string | null;
  /** What kind of device it is. */
  type?: string | null;
  /** Where it is, in words. */
  location?: string | null;
  /** Degrees north. */
  latitude?: number | null;
  /** Degrees east. */
  longitude?: number | null;
  /** Seconds between two of its readings, or a duration such as `1m 30s`. */
  sampling_rate?: number | string | null;
  /** Words that it is found by. */
  tags?: string[];
  note?: string | null;
  /** Whether its readings are neither awaited nor taken. */
  retired?: boolean | null;
}

/** A type of devices. */
export interface DeviceType {
  /** What the `type` of its devices is. */
  name: string;
  /** How people call it. */
  title: string | null;
  /** Seconds between two readings of a device that says nothing else. */
  sampling_rate: number | null;
  /** What its devices measure. */
  metrics: TypeMetric[];
  /** Which commands they take. */
  commands: TypeCommand[];
  /** Whether it is compiled in, and not stored. */
  built_in: boolean;
  changed_at: string | null;
}

/** What a type says of its devices. */
export interface TypeDescription {
  /** How people call it. */
  title?: string | null;
  /** Seconds between two readings of a device that says nothing else. */
  sampling_rate?: number | null;
  /** What its devices measure. */
  metrics?: TypeMetric[];
  /** Which commands they take. */
  commands?: TypeCommand[];
}

/** What devices of a type measure. */
export interface TypeMetric {
  /** The name of the metric. */
  metric: string;
  /** The unit of its values. */
  unit?: string | null;
  /** The least value that makes sense. */
  min?: number | null;
  /** The greatest one. */
  max?: number | null;
}

/** A command that devices of a type take. */
export interface TypeCommand {
  name: string;
  /** What it does, in words. */
  title?: string | null;
  /** A JSON schema of the arguments, as far as it is type, properties, required, additionalProperties, items, enum, minimum, maximum, minLength, maxLength, maxItems, title, description and default; null where they may be anything. */
  args?: Record<string, unknown> | null;
}

/** What a device logs in with over MQTT. */
export interface Credential {
  /** The user name: the device's name with a . for each /; of further ones followed by ~2, ~3 …. */
  user: string;
  device: string;
  /** What it may do beside what a device may: `read`, `write` or `readwrite`, and an MQTT filter. */
  rights: string[];
  /** How the client ids begin with which it subscribes in the cluster; its user name where null. */
  client_id: string | null;
  /** Whether only a certificate with the user name gives access. */
  certificate_only: boolean;
  created_at: string;
}

export interface NewCredential {
  /** What it may do beside what a device may, such as `readwrite zigbee2mqtt/#` of a gateway. */
  rights?: string[];
  /** How the client ids begin with which it subscribes in the cluster; its user name where left out. */
  client_id?: string | null;
  /** Whether it gets no password. */
  certificate_only?: boolean;
}

/** A credential that was just made. */
export interface CreatedCredential {
  user: string;
  device: string;
  rights: string[];
  client_id: string | null;
  certificate_only: boolean;
  created_at: string;
  /** Shown this once; left out with certificate_only. */
  password?: string;
  /** Whether all brokers have it; if not yet, it goes on by itself. */
  in_force: boolean;
}

export interface NewKey {
  /** What the key is for. */
  name: string;
  role: Role;
  /** The owner's own where left out; empty for all devices. */
  filters?: Filter[];
  /** How long it is valid. */
  days?: number;
}

/** A new API key. */
export interface CreatedKey {
  id: string;
  name: string;
  /** The name of a user. */
  owner: string;
  role: Role;
  /** Only devices that match one of these; empty for all devices. */
  filters: Filter[];
  created_at: string;
  expires_at: string;
  /** Null where it was never used. */
  last_used_at: string | null;
  /** The key itself, which is shown this once: `mk_…`. */
  key: string;
}

/** A change, or a try that was refused. */
export interface AuditRecord {
  /** Rises by one with each record. */
  number: number;
  at: string;
  /** The name of a user; null where nobody had logged in. */
  actor: string | null;
  via: "open" | "session" | "key" | "token" | "oidc" | "mqtt" | "command" | "none";
  address: string | null;
  /** Such as `add user`. */
  action: string;
  /** Who or what it was done to. */
  target: string;
  outcome: "done" | "refused";
  /** What was so before; null where there was nothing; a list for an import. */
  before: Record<string, unknown> | Record<string, unknown>[] | null;
  /** What is so since; null where there is nothing; a list for an import. */
  after: Record<string, unknown> | Record<string, unknown>[] | null;
  /** Hexadecimal; covers the record and the hash of the one before. */
  hash: string;
}

/** A command to a device. */
export interface Command {
  id: string;
  device: string;
  /** Its place among the commands of the device; 0 in the answer before it is stored. */
  n: number;
  /** What to do. */
  command: string;
  /** With what: any JSON. */
  args: unknown;
  /** queued: stored; sent: a broker or the device took it; accepted: the device says that it has it. */
  state: "queued" | "sent" | "accepted" | "done" | "failed" | "expired" | "cancelled";
  created_by: string | null;
  created_at: string;
  /** It is not sent before. */
  not_before: string;
  /** It is not sent after. */
  expires_at: string;
  /** When it was sent last. */
  sent_at: string | null;
  sent_count: number;
  accepted_at: string | null;
  ended_at: string | null;
  /** What the device says of how it went: any JSON. */
  result: unknown;
  /** Why it failed or was cancelled. */
  reason: string | null;
  /** The group that it was made with. */
  job: string | null;
}

/** A command to be made: to `device`, or to each of `devices`. */
export interface NewCommand {
  device?: string | null;
  devices?: Filter | null;
  command: string;
  /** Any JSON of at most 16 KiB. */
  args?: unknown;
  /** How long it is worth sending, such as `1h`, or the seconds: 1 s to 31 days. */
  expires_in?: string | number | null;
  /** Chosen by the caller, so that the same request twice makes one command. */
  id?: string | null;
  /** Of a group: so many are sent within a minute, at most. */
  per_minute?: number | null;
  /** Of a group: after so many failures what was not sent yet is cancelled. */
  stop_after_failures?: number | null;
}

/** Commands that were made together. */
export interface CommandJob {
  job: string;
  /** The filter. */
  devices: string;
  command: string;
  /** Commands that were made. */
  count: number;
  per_minute: number | null;
  stop_after_failures: number | null;
  created_by: string | null;
  created_at: string;
  stopped_at: string | null;
  /** How many are in which state. */
  states: Record<string, unknown>;
}

/** A command as its device gets it. */
export interface DeviceCommand {
  id: string;
  n: number;
  command: string;
  /** Any JSON. */
  args: unknown;
  expires_at: string;
}

/** What a device says of a command. */
export interface CommandResult {
  status: "accepted" | "done" | "failed";
  /** Any JSON. */
  result?: unknown;
  reason?: string | null;
}

/** What a device should be. */
export interface Desired {
  /** Counts what was desired, and never goes back. */
  version: number;
  /** null where it was taken back. */
  desired: Record<string, unknown> | null;
  changed_at: string | null;
}

/** What a device should be, and what it says that it is. */
export interface Twin {
  desired: Record<string, unknown> | null;
  reported: Record<string, unknown> | null;
  version: number;
  reported_version: number | null;
  desired_at: string | null;
  reported_at: string | null;
  in_sync: boolean;
  /** JSON pointers to what is not as it should be. */
  differs: string[];
}

/** A decision. */
export interface Access {
  allowed: boolean;
  /** The role or the filter that decides. */
  why: string;
}

/** What each path answers to GET. */
export interface Answers {
  "api/series": {
    series: Series[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
  "api/analytics/realtime": {
    series: Realtime[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
  "api/analytics/historical": {
    series: Historical[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
  "api/devices/{name}/analytics": {
    series: Historical[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
  "analyze": Analyzed;
  "api/readings": Readings | Buckets | Aggregates;
  "api/incidents": {
    incidents: Incident[];
    /** Asks for what follows, as `after`. */
    next: string | null;
  };
  "api/incidents/groups": {
    groups: IncidentGroup[];
    /** How many groups there are, listed or not. */
    total: number;
    /** False where there are more than 100,000 incidents: the first of them were counted. */
    complete: boolean;
  };
  "api/silences": {
    silences: Silence[];
  };
  "api/rejected": {
    /** Each with the first 4 KiB of its payload. */
    rejected: Rejected[];
    /** Where the next page begins; null on the last one. A page ends at its limit or at 1 MiB. */
    next: string | null;
  };
  "api/rejected/groups": {
    groups: RejectedGroup[];
  };
  "api/rejected/{id}": Rejected;
  "api/completeness": {
    completeness: Boot[];
  };
  "api/edges": {
    edges: Edge[];
  };
  "api/attributes": {
    attributes: Attribute[];
  };
  "api/words": {
    words: MetricWords[];
  };
  "api/broker": Broker;
  "api/clock": {
    periods: ClockPeriod[];
  };
  "api/pipeline": {
    at: string;
    stages: Stage[];
  };
  "api/inputs": Inputs;
  "api/session/methods": LoginMethods;
  "api/me": Me;
  "api/sessions": {
    sessions: Session[];
  };
  "api/users": {
    users: User[];
  };
  "api/keys": {
    keys: Key[];
  };
  "api/jwks.json": KeySet;
  "api/audit": {
    audit: AuditRecord[];
    /** Asks for what follows, as `after`; null on the last page. */
    next: string | null;
  };
  "api/devices": {
    devices: Device[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
  "api/devices/{name}": DeviceDetails;
  "api/devices/{name}/data": Readings;
  "api/devices/{name}/credentials": {
    credentials: Credential[];
  };
  "api/types": {
    types: DeviceType[];
  };
  "api/types/{name}": DeviceType;
  "api/commands": {
    commands: Command[];
    /** For `after`; null on the last page. */
    next: string | null;
  };
  "api/commands/jobs/{id}": CommandJob;
  "api/commands/{id}": Command;
  "api/devices/{name}/commands": DeviceCommand;
  "api/devices/{name}/desired": Desired;
  "api/devices/{name}/twin": Twin;
  "commands": DeviceCommand;
  "api/access": Access;
  "api/openapi.json": Record<string, unknown>;
  "sensors": {
    devices: Device[];
    /** Where the next page begins; null on the last one. */
    next: string | null;
  };
}
