import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { fetchAlerts, fetchDevices, type Alert, type Device, type Frame, type Freshness } from "../api/client";
import { now, serverNow, setServerTime, toServerTime } from "./clock";
import { Ids, Newest, type Told } from "./frames";
import { listen } from "./connection";
import { compareNames, mergeInOrder, nameOf, type Name } from "../address/names";
import { Precision } from "./precision";
import { Rate } from "./rate";
import { isInScope, scope } from "../address/scope";
import { Trail } from "./history-buffer";

/** One metric of one device: a tile on the page, or a row. */
export interface Sensor extends Name {
  key: string;
  newest: Signal<Newest>;
  precision: Precision;
  trail: Trail;
}

/** Sensors by name. A tile stays where the eye has learnt it to be, unless the reader asks for another order. */
export const sensors = signal<Sensor[]>([]);
export const alerts = signal<Alert[]>([]);
export const rejectedCount = signal(0);

/** Seconds by which the writer is behind; null while nobody knows. */
export const behindSeconds = signal<number | null>(null);

/** False until the first answer: an empty page and a page that does not know yet are two things. */
export const known = signal(false);

export interface Connection {
  connected: boolean;
  /** The time of the last frame by the server's clock; null before the first loss. */
  lostAt: number | null;
  /** Why the server ended it, in its words. */
  why: string | null;
}

export const connection = signal<Connection>({ connected: false, lostAt: null, why: null });

/** Rises with each snapshot: whatever was drawn from the store before may have a hole now. */
export const generation = signal(0);

/** Rises when any sensor changes between fresh, stale and offline, so that counting needs no eye on each of them. */
export const stateVersion = signal(0);

export const openAlerts = computed(() => {
  const open = new Map<string, Alert>();
  for (const alert of alerts.value) if (alert.resolved_at === null) open.set(keyOf(alert), alert);
  return open;
});

const openListed = computed(() => countOpen(alerts.value));
const openAnywhere = signal(0);

/** How many alerts are open. The server counts those of all devices; of a part, those are counted that it listed. */
export const openCount = computed(() => (scope.value.filters.length > 0 ? openListed.value : openAnywhere.value));

function countOpen(among: Alert[]): number {
  return among.filter((alert) => alert.resolved_at === null).length;
}

export const stateCounts = computed(() => countStates(sensors.value));

/** Counts anew whenever a state changes. */
export function countStates(among: Sensor[]): Record<Freshness, number> {
  void stateVersion.value;
  const counts: Record<Freshness, number> = { fresh: 0, stale: 0, offline: 0 };
  for (const sensor of among) counts[sensor.newest.peek().state]++;
  return counts;
}

const rate = new Rate();

/** Readings that came on the stream, a second; null while that is not known. It moves once a second. */
export const readingsPerSecond = signal<number | null>(null);

/** The topic of a sensor's readings, which names it uniquely. */
export function keyOf(sensor: { device: string; metric: string }): string {
  return `${sensor.metric}/${sensor.device}`;
}

const byKey = new Map<string, Sensor>();

export function sensorOf(key: string): Sensor | undefined {
  return byKey.get(key);
}

/** Paints from the store first, then follows the live connection for ever. */
export function start(): void {
  const subscribe = listen({ filters: () => scope.peek().filters, onFrame: take, onLost: lose });
  let before = scope.peek();
  effect(() => {
    if (scope.value === before) return;
    before = scope.value;
    leaveOthersOut();
    subscribe();
  });
  effect(() => {
    void now.value;
    readingsPerSecond.value = connection.value.connected ? rate.perSecond(serverNow()) : null;
  });
  void paintFromStore();
}

/** What the new filters bring, the next snapshot has; what they exclude need not stay until then. */
function leaveOthersOut(): void {
  const { filters } = scope.peek();
  batch(() => {
    keepOnly((key) => isInScope(filters, key));
    alerts.value = alerts.peek().filter((alert) => isInScope(filters, keyOf(alert)));
  });
}

async function paintFromStore(): Promise<void> {
  try {
    const [devices, past] = await Promise.all([fetchDevices(), fetchAlerts()]);
    if (generation.value > 0) return;
    const isWanted = (one: { device: string; metric: string }) => isInScope(scope.peek().filters, keyOf(one));
    batch(() => {
      replaceAll(devices.filter(isWanted).map((device) => ({ ...device, key: keyOf(device), newest: newestOf(device) })));
      alerts.value = past.filter(isWanted);
      openAnywhere.value = countOpen(past);
    });
  } catch {
    // The snapshot that opens the live connection brings the same and more.
  }
}

function newestOf({ value, unit, state, measured_at }: Device): Newest {
  return new Newest(value, unit, state, Date.parse(measured_at) * 1000);
}

/** What the ids stand for on this connection. */
let ids = new Ids();

function lose(lastHeardMs: number, why: string | null): void {
  ids = new Ids();
  connection.value = { connected: false, lostAt: toServerTime(lastHeardMs), why };
}

function take(frame: Frame): void {
  const atMs = frame.at / 1000;
  ids.learn(frame.names ?? []);
  const told = ids.read(frame.values ?? [], frame.at);
  batch(() => {
    setServerTime(atMs);
    if (frame.type === "snapshot") {
      replaceAll(told);
      rate.start(atMs);
      generation.value++;
    } else {
      rate.add(atMs, change(told));
    }
    if (frame.alerts) alerts.value = frame.alerts;
    if (frame.open_alerts !== undefined) openAnywhere.value = frame.open_alerts;
    if (frame.rejected !== undefined) rejectedCount.value = frame.rejected;
    if (frame.behind !== undefined) behindSeconds.value = frame.behind;
    if (!connection.value.connected) connection.value = { connected: true, lostAt: null, why: null };
  });
}

function replaceAll(told: Told[]): void {
  const present = new Set(told.map(({ key }) => key));
  keepOnly((key) => present.has(key));
  change(told);
  known.value = true;
}

function keepOnly(isKept: (key: string) => boolean): void {
  const gone = [...byKey.keys()].filter((key) => !isKept(key));
  gone.forEach((key) => byKey.delete(key));
  if (gone.length > 0) sensors.value = sensors.value.filter((sensor) => byKey.has(sensor.key));
}

/** Returns how many of them are readings that the page did not have. */
function change(told: Told[]): number {
  const added: Sensor[] = [];
  let [readings, stateChanged] = [0, false];
  for (const one of told) {
    const sensor = byKey.get(one.key);
    if (!sensor) {
      added.push(add(one));
      readings++;
      continue;
    }
    const before = sensor.newest.peek();
    stateChanged ||= before.state !== one.newest.state;
    if (before.measuredAtMicros !== one.newest.measuredAtMicros) {
      readings++;
      if (sensor.trail.followed) sensor.trail.add(one.newest.measuredAtMs, one.newest.value);
    }
    sensor.precision.learn(one.newest.value);
    sensor.newest.value = one.newest;
  }
  if (added.length > 0) sensors.value = mergeInOrder(sensors.value, added, compareNames);
  if (stateChanged) stateVersion.value++;
  return readings;
}

function add({ key, device, metric, newest }: Told): Sensor {
  const sensor: Sensor = {
    ...nameOf(device, metric),
    key,
    newest: signal(newest),
    precision: new Precision(),
    trail: new Trail(),
  };
  sensor.precision.learn(newest.value);
  byKey.set(key, sensor);
  return sensor;
}
