// The frames of the WebSocket: short ids stand for series, and ages for times.

import type { Freshness, Incident } from "../api/client";

/** A snapshot replaces everything; in a frame of changes, what is left out has not changed. */
export interface Frame {
  type: "snapshot" | "changes";
  /** The server's time in microseconds. */
  at: number;
  names?: NameRow[];
  values?: ValueRow[];
  /** The newest incidents of the subscribed series, open ones first. */
  alerts?: Incident[];
  /** Series whose open incidents changed, each with a code; 0 for none. */
  alerting?: [id: number, code: number][];
  /** How many incidents of all devices are open. */
  open_alerts?: number;
  /** How many of them are acknowledged. */
  acknowledged_alerts?: number;
  /** How many of them are silenced, and not acknowledged. */
  silenced_alerts?: number;
  rejected?: number;
  /** Seconds by which the writer is behind; null while that is unknown. */
  behind?: number | null;
  /** How many groups of topics no rule reads. */
  unmapped?: number;
}

/** What an id stands for, from this frame on until the connection ends. */
export type NameRow = [id: number, topic: string, unit: string | null];

/** The age counts back from the time of the frame. The state is 0 for fresh, 1 for stale, 2 for offline. */
export type ValueRow = [id: number, value: number, ageMicros: number, state: number];

/** The newest reading of a series. Its time has the server's precision, by which two readings differ. */
export class NewestReading {
  constructor(
    readonly value: number,
    readonly unit: string | null,
    readonly state: Freshness,
    /** Microseconds since 1970. */
    readonly measuredAtMicros: number,
  ) {}

  get measuredAtMs(): number {
    return this.measuredAtMicros / 1000;
  }

  /** RFC 3339. It is formatted on demand, as most readings are of series that are not in sight. */
  get measured_at(): string {
    return new Date(this.measuredAtMs).toISOString();
  }
}

/** A reading with the name of its series. */
export interface NamedReading {
  key: string;
  device: string;
  metric: string;
  newest: NewestReading;
}

type NamedUnit = Omit<NamedReading, "newest"> & { unit: string | null };

const STATES: Freshness[] = ["fresh", "stale", "offline"];

/** The series that the ids of one connection stand for. */
export class SeriesIds {
  #byId: NamedUnit[] = [];

  learn(rows: NameRow[]): void {
    for (const [id, topic, unit] of rows) {
      const slash = topic.indexOf("/");
      this.#byId[id] = { key: topic, metric: topic.slice(0, slash), device: topic.slice(slash + 1), unit };
    }
  }

  /** The series of an id. Throws where it has no name. */
  keyOf(id: number): string {
    return this.#named(id).key;
  }

  /** `at` is the server's time in microseconds, from which ages count back. Throws where an id has no name. */
  read(rows: ValueRow[], at: number): NamedReading[] {
    const readings: NamedReading[] = [];
    for (const [id, value, age, state] of rows) {
      const { key, device, metric, unit } = this.#named(id);
      readings.push({ key, device, metric, newest: new NewestReading(value, unit, STATES[state]!, at - age) });
    }
    return readings;
  }

  #named(id: number): NamedUnit {
    const named = this.#byId[id];
    if (!named) throw new Error(`the server sent the id ${id} without its name`);
    return named;
  }
}
