import { batch, computed, signal, type Signal } from "@preact/signals";
import { fetchAlerts, fetchDevices, type Alert, type Frame, type Freshness, type Newest } from "./api";
import { setServerTime } from "./clock";
import { listen } from "./live";
import { Precision } from "./precision";
import { Trail } from "./trail";

/** One metric of one device: a tile on the page. */
export interface Sensor {
  key: string;
  device: string;
  metric: string;
  newest: Signal<Newest>;
  precision: Precision;
  trail: Trail;
}

/** Sensors by name. The order never depends on values, so that a tile stays where the eye has learnt it to be. */
export const sensors = signal<Sensor[]>([]);
export const alerts = signal<Alert[]>([]);
export const rejectedCount = signal(0);

/** False until the first answer: an empty page and a page that does not know yet are two things. */
export const known = signal(false);

/** `lostAt` is the time of the last frame by the browser's clock; null before the first loss. */
export const connection = signal<{ connected: boolean; lostAt: number | null }>({ connected: false, lostAt: null });

/** Rises with each snapshot: whatever was drawn from the store before may have a hole now. */
export const generation = signal(0);

export const openAlerts = computed(() => {
  const open = new Map<string, Alert>();
  for (const alert of alerts.value) if (alert.resolved_at === null) open.set(keyOf(alert), alert);
  return open;
});

export const openCount = computed(() => alerts.value.filter((alert) => alert.resolved_at === null).length);

export const stateCounts = computed(() => {
  const counts: Record<Freshness, number> = { fresh: 0, stale: 0, offline: 0 };
  for (const sensor of sensors.value) counts[sensor.newest.value.state]++;
  return counts;
});

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
  listen({ onFrame: take, onLost: (lostAt) => (connection.value = { connected: false, lostAt }) });
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
      generation.value++;
    } else {
      change(frame.devices);
      if (frame.alerts) alerts.value = frame.alerts;
    }
    if (frame.rejected !== undefined) rejectedCount.value = frame.rejected;
    if (!connection.value.connected) connection.value = { connected: true, lostAt: null };
  });
}

function replaceAll(devices: Newest[], allAlerts: Alert[]): void {
  const present = new Set(devices.map(keyOf));
  for (const key of byKey.keys()) if (!present.has(key)) byKey.delete(key);
  change(devices);
  sensors.value = inOrder();
  alerts.value = allAlerts;
  known.value = true;
}

function change(devices: Newest[]): void {
  const sizeBefore = byKey.size;
  for (const newest of devices) changeOne(newest);
  if (byKey.size !== sizeBefore) sensors.value = inOrder();
}

function changeOne(newest: Newest): void {
  const sensor = byKey.get(keyOf(newest)) ?? add(newest);
  const isNewer = newest.measured_at !== sensor.newest.peek().measured_at || sensor.trail.slots.length === 0;
  sensor.precision.learn(newest.value);
  if (isNewer) sensor.trail.add(Date.parse(newest.measured_at), newest.value);
  sensor.newest.value = newest;
}

function add(newest: Newest): Sensor {
  const { device, metric } = newest;
  const key = keyOf(newest);
  const sensor = { key, device, metric, newest: signal(newest), precision: new Precision(), trail: new Trail() };
  byKey.set(key, sensor);
  return sensor;
}

function inOrder(): Sensor[] {
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  return [...byKey.values()].sort((a, b) => compare(a.device, b.device) || compare(a.metric, b.metric));
}
