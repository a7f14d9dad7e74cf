const WINDOW_MS = 10_000;
const SHORTEST_MS = 2000;

/** How many readings a second arrive, over the last ten seconds by the server's clock. */
export class Rate {
  #since = Infinity;
  #arrivals: { at: number; count: number }[] = [];

  /** Begins anew, as arrivals before a snapshot are unknown. */
  start(at: number): void {
    this.#since = at;
    this.#arrivals = [];
  }

  add(at: number, count: number): void {
    if (count > 0) this.#arrivals.push({ at, count });
    this.#forget(at);
  }

  /** Null during the first two seconds. */
  perSecond(now: number): number | null {
    this.#forget(now);
    const spanMs = Math.min(WINDOW_MS, now - this.#since);
    if (spanMs < SHORTEST_MS) return null;
    return (this.#arrivals.reduce((sum, { count }) => sum + count, 0) / spanMs) * 1000;
  }

  #forget(now: number): void {
    const first = this.#arrivals.findIndex(({ at }) => at > now - WINDOW_MS);
    this.#arrivals = first < 0 ? [] : this.#arrivals.slice(first);
  }
}
