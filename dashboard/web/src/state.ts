import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { fetchAlerts, fetchDevices, type Alert, type Frame, type Freshness, type Newest } from "./api";
import { now, serverNow, setServerTime, toServerTime } from "./clock";
import { listen } from "./live";
import { compareNames, mergeInOrder, nameOf, type Name } from "./names";
import { Precision } from "./precision";
import { Rate } from "./rate";
import { Trail } from "./trail";

/** One metric of one device: a tile on the page, or a row. */
export interface Sensor extends Name {
  key: string;
  newest: Signal<Newest>;
  measuredAtMs: number;
  precision: Precision;
  trail: Trail;
}

/** Sensors by name. A tile stays where the eye has learnt it to be, unless the reader asks for another order. */
export const sensors = signal<Sensor[]>([]);
export const alerts = signal<Alert[]>([]);
export const rejectedCount = signal(0);

/** False until the first answer: an empty page and a page that does not know yet are two things. */
export const known = signal(false);

/** `lostAt` is the time of the last frame by the server's clock; null before the first loss. */
export const connection = signal<{ connected: boolean; lostAt: number | null }>({ connected: false, lostAt: null });

/** Rises with each snapshot: whatever was drawn from the store before may have a hole now. */
export const generation = signal(0);

/** Rises when any sensor changes between fresh, stale and offline, so that counting needs no eye on each of them. */
export const stateVersion = signal(0);

export const openAlerts = computed(() => {
  const open = new Map<string, Alert>();
  for (const alert of alerts.value) if (alert.resolved_at === null) open.set(keyOf(alert), alert);
  return open;
});

export const openCount = computed(() => alerts.value.filter((alert) => alert.resolved_at === null).length);

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
  listen({ onFrame: take, onLost: (at) => (connection.value = { connected: false, lostAt: toServerTime(at) }) });
  effect(() => {
    void now.value;
    readingsPerSecond.value = connection.value.connected ? rate.perSecond(serverNow()) : null;
  });
  void paintFromStore();
}

async function paintFromStore(): Promise<void> {
  try {
    const [devices, past] = await Promise.all([fetchDevices(), fetchAlerts()]);
    if (generation.value === 0) batch(() => replaceAll(devices, past));
  } catch {
    // The snapshot that opens the live connection brings the same and more.
  }
}

function take(frame: Frame): void {
  batch(() => {
    setServerTime(frame.server_time);
    if (frame.type === "snapshot") {
      replaceAll(frame.devices, frame.alerts);
      rate.start(Date.parse(frame.server_time));
      generation.value++;
    } else {
      rate.add(Date.parse(frame.server_time), change(frame.devices));
      if (frame.alerts) alerts.value = frame.alerts;
    }
    if (frame.rejected !== undefined) rejectedCount.value = frame.rejected;
    if (!connection.value.connected) connection.value = { connected: true, lostAt: null };
  });
}

function replaceAll(devices: Newest[], allAlerts: Alert[]): void {
  const present = new Set(devices.map(keyOf));
  const gone = [...byKey.keys()].filter((key) => !present.has(key));
  gone.forEach((key) => byKey.delete(key));
  if (gone.length > 0) sensors.value = sensors.value.filter((sensor) => present.has(sensor.key));
  change(devices);
  alerts.value = allAlerts;
  known.value = true;
}

/** Returns how many of them are readings that the page did not have. */
function change(devices: Newest[]): number {
  const added: Sensor[] = [];
  let [readings, stateChanged] = [0, false];
  for (const newest of devices) {
    const sensor = byKey.get(keyOf(newest));
    if (!sensor) {
      added.push(add(newest));
      readings++;
      continue;
    }
    const before = sensor.newest.peek();
    stateChanged ||= before.state !== newest.state;
    if (before.measured_at !== newest.measured_at) readings++;
    changeOne(sensor, newest);
  }
  if (added.length > 0) sensors.value = mergeInOrder(sensors.value, added, compareNames);
  if (stateChanged) stateVersion.value++;
  return readings;
}

function changeOne(sensor: Sensor, newest: Newest): void {
  sensor.precision.learn(newest.value);
  if (newest.measured_at !== sensor.newest.peek().measured_at) {
    sensor.measuredAtMs = Date.parse(newest.measured_at);
    if (sensor.trail.followed) sensor.trail.add(sensor.measuredAtMs, newest.value);
  }
  sensor.newest.value = newest;
}

function add(newest: Newest): Sensor {
  const sensor: Sensor = {
    ...nameOf(newest.device, newest.metric),
    key: keyOf(newest),
    newest: signal(newest),
    measuredAtMs: Date.parse(newest.measured_at),
    precision: new Precision(),
    trail: new Trail(),
  };
  sensor.precision.learn(newest.value);
  byKey.set(sensor.key, sensor);
  return sensor;
}
