// Reads what comes over the WebSocket: ids stand for sensors, ages for times.

import type { Freshness, NameRow, ValueRow } from "../api/client";

/** The newest reading of a sensor. Its time has the server's precision, by which two readings are told apart. */
export class Newest {
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

  /** RFC 3339. It is written when somebody asks: most readings are of sensors that nobody looks at. */
  get measured_at(): string {
    return new Date(this.measuredAtMs).toISOString();
  }
}

/** A reading and whose it is. */
export interface Told {
  key: string;
  device: string;
  metric: string;
  newest: Newest;
}

type Named = Omit<Told, "newest"> & { unit: string | null };

const STATES: Freshness[] = ["fresh", "stale", "offline"];

/** What the ids of one connection stand for. */
export class Ids {
  #byId: Named[] = [];

  learn(rows: NameRow[]): void {
    for (const [id, topic, unit] of rows) {
      const slash = topic.indexOf("/");
      this.#byId[id] = { key: topic, metric: topic.slice(0, slash), device: topic.slice(slash + 1), unit };
    }
  }

  /** `at` is the server's time in microseconds, which ages count back from. */
  read(rows: ValueRow[], at: number): Told[] {
    const told: Told[] = [];
    for (const [id, value, age, state] of rows) {
      const named = this.#byId[id];
      if (!named) throw new Error(`the server sent the id ${id} without its name`);
      const { key, device, metric, unit } = named;
      told.push({ key, device, metric, newest: new Newest(value, unit, STATES[state]!, at - age) });
    }
    return told;
  }
}
