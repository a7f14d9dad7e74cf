// What the page knows: the newest reading of each series, the incidents, and the state of the connection.

import { batch, computed, effect, signal, type Signal } from "@preact/signals";
import { compareNames, keyOf, mergeInOrder, nameOf, type Name } from "../address/names";
import { isInScope } from "../address/scope";
import { scope } from "../address/state";
import { fetchIncidents, fetchSeries, type Freshness, type Incident, type SeriesRow, type SeriesName } from "../api/client";
import { askToLogIn, mustLogIn } from "./caller";
import { changedBy, withListed, type Alerting } from "./alerting";
import { now, serverNow, setServerTime, toServerTime } from "./clock";
import { listen } from "./connection";
import { NewestReading, SeriesIds, type Frame, type NamedReading } from "./frames";
import { HistoryBuffer } from "./history-buffer";
import { Precision } from "./precision";
import { Rate } from "./rate";

/** One metric of one device: a tile on the page, or a row. */
export interface Series extends Name {
  key: string;
  newest: Signal<NewestReading>;
  precision: Precision;
  buffer: HistoryBuffer;
}

/** All series, by name. A tile keeps its place, unless the reader asks for another order. */
export const allSeries = signal<Series[]>([]);

/** The newest incidents, at most a hundred, and all open ones before the others. */
export const incidents = signal<Incident[]>([]);

export const rejectedCount = signal(0);

/** How many groups of topics no rule reads. */
export const unmappedCount = signal(0);

/** Seconds by which the writer is behind; null while that is unknown. */
export const behindSeconds = signal<number | null>(null);

/** False until the first answer: an empty page differs from one that is still loading. */
export const known = signal(false);

export interface Connection {
  connected: boolean;
  /** The time of the last frame by the server's clock; null before the first loss. */
  lostAt: number | null;
  /** The server's reason for closing it. */
  why: string | null;
}

export const connection = signal<Connection>({ connected: false, lostAt: null, why: null });

/** Counts snapshots. Each one may follow a gap, so what was loaded from the store before is loaded again. */
export const generation = signal(0);

/** Rises when any series changes between fresh, stale and offline, so that counts need not watch each of them. */
export const stateVersion = signal(0);

/** The series with open incidents, as the server says it. */
const alertingSet = signal<Alerting>(new Map());

/** All series with open incidents, whether these are listed or not. */
export const alerting = computed(() => withListed(alertingSet.value, incidents.value));

/** A listed open incident of each series. */
export const openIncidents = computed(() => {
  const open = new Map<string, Incident>();
  for (const incident of incidents.value) if (incident.resolved_at === null) open.set(keyOf(incident), incident);
  return open;
});

/** How many open incidents are acknowledged, and how many others are silenced; of all devices. */
export const quietCounts = signal({ acknowledged: 0, silenced: 0 });

const openHere = computed(() => countOpen(incidents.value));
const openAnywhere = signal(0);

/** How many incidents are open. The server counts those of all devices; for a part, the page counts the listed ones. */
export const openCount = computed(() => (scope.value.filters.length > 0 ? openHere.value : openAnywhere.value));

function countOpen(among: Incident[]): number {
  return among.filter((incident) => incident.resolved_at === null).length;
}

export const stateCounts = computed(() => countStates(allSeries.value));

/** How many series are in each state. A caller that tracks signals is notified whenever a state changes. */
export function countStates(among: Series[]): Record<Freshness, number> {
  void stateVersion.value;
  const counts: Record<Freshness, number> = { fresh: 0, stale: 0, offline: 0 };
  for (const series of among) counts[series.newest.peek().state]++;
  return counts;
}

const rate = new Rate();

/** Readings per second on the live connection; null while that is unknown. It changes once a second. */
export const readingsPerSecond = signal<number | null>(null);

const byKey = new Map<string, Series>();

export function seriesOf(key: string): Series | undefined {
  return byKey.get(key);
}

/** Shows what the store has, then follows the live connection for ever. */
export function start(): void {
  const { subscribe, pause, resume } = listen({
    filters: () => scope.peek().filters,
    onFrame: applyFrame,
    onLost: noteLoss,
    onUnauthorized: () => askToLogIn(),
  });
  let isPaused = false;
  effect(() => {
    if (mustLogIn.value === isPaused) return;
    isPaused = mustLogIn.value;
    if (isPaused) pause();
    else resume();
  });
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

/** Removes what the new filters exclude at once; the next snapshot brings what they include. */
function leaveOthersOut(): void {
  const { filters } = scope.peek();
  batch(() => {
    keepOnly((key) => isInScope(filters, key));
    alertingSet.value = new Map([...alertingSet.peek()].filter(([key]) => isInScope(filters, key)));
    incidents.value = incidents.peek().filter((incident) => isInScope(filters, keyOf(incident)));
  });
}

async function paintFromStore(): Promise<void> {
  try {
    const [stored, past] = await Promise.all([fetchSeries(), fetchIncidents()]);
    if (generation.value > 0) return;
    const isWanted = (one: SeriesName) => isInScope(scope.peek().filters, keyOf(one));
    batch(() => {
      replaceAll(stored.filter(isWanted).map((one) => ({ ...one, key: keyOf(one), newest: newestOf(one) })));
      incidents.value = past.filter(isWanted);
      openAnywhere.value = countOpen(past);
    });
  } catch {
    // The snapshot of the live connection brings the same and more.
  }
}

function newestOf({ value, unit, state, measured_at }: SeriesRow): NewestReading {
  return new NewestReading(value, unit, state, Date.parse(measured_at) * 1000);
}

/** The ids of this connection. */
let ids = new SeriesIds();

function noteLoss(lastHeardMs: number, why: string | null): void {
  ids = new SeriesIds();
  connection.value = { connected: false, lostAt: toServerTime(lastHeardMs), why };
}

function applyFrame(frame: Frame): void {
  const atMs = frame.at / 1000;
  ids.learn(frame.names ?? []);
  const readings = ids.read(frame.values ?? [], frame.at);
  const changes = (frame.alerting ?? []).map(([id, code]): [string, number] => [ids.keyOf(id), code]);
  batch(() => {
    setServerTime(atMs);
    if (frame.type === "snapshot") {
      replaceAll(readings);
      rate.start(atMs);
      generation.value++;
    } else {
      rate.add(atMs, applyReadings(readings));
    }
    const isSnapshot = frame.type === "snapshot";
    if (isSnapshot || changes.length > 0) alertingSet.value = changedBy(isSnapshot ? new Map() : alertingSet.peek(), changes);
    if (frame.alerts) incidents.value = frame.alerts;
    if (frame.open_alerts !== undefined) openAnywhere.value = frame.open_alerts;
    const { acknowledged_alerts: acknowledged, silenced_alerts: silenced } = frame;
    if (acknowledged !== undefined) quietCounts.value = { ...quietCounts.peek(), acknowledged };
    if (silenced !== undefined) quietCounts.value = { ...quietCounts.peek(), silenced };
    if (frame.rejected !== undefined) rejectedCount.value = frame.rejected;
    if (frame.behind !== undefined) behindSeconds.value = frame.behind;
    if (frame.unmapped !== undefined) unmappedCount.value = frame.unmapped;
    if (!connection.value.connected) connection.value = { connected: true, lostAt: null, why: null };
  });
}

function replaceAll(readings: NamedReading[]): void {
  const present = new Set(readings.map(({ key }) => key));
  keepOnly((key) => present.has(key));
  applyReadings(readings);
  known.value = true;
}

function keepOnly(isKept: (key: string) => boolean): void {
  const gone = [...byKey.keys()].filter((key) => !isKept(key));
  gone.forEach((key) => byKey.delete(key));
  if (gone.length > 0) allSeries.value = allSeries.value.filter((series) => byKey.has(series.key));
}

/** Returns how many of the readings are new to the page. */
function applyReadings(readings: NamedReading[]): number {
  const added: Series[] = [];
  let [count, stateChanged] = [0, false];
  for (const reading of readings) {
    const series = byKey.get(reading.key);
    if (!series) {
      added.push(addSeries(reading));
      count++;
      continue;
    }
    const before = series.newest.peek();
    stateChanged ||= before.state !== reading.newest.state;
    if (before.measuredAtMicros !== reading.newest.measuredAtMicros) {
      count++;
      if (series.buffer.followed) series.buffer.add(reading.newest.measuredAtMs, reading.newest.value);
    }
    series.precision.learn(reading.newest.value);
    series.newest.value = reading.newest;
  }
  if (added.length > 0) allSeries.value = mergeInOrder(allSeries.value, added, compareNames);
  if (stateChanged) stateVersion.value++;
  return count;
}

function addSeries({ key, device, metric, newest }: NamedReading): Series {
  const series: Series = {
    ...nameOf(device, metric),
    key,
    newest: signal(newest),
    precision: new Precision(),
    buffer: new HistoryBuffer(),
  };
  series.precision.learn(newest.value);
  byKey.set(key, series);
  return series;
}
