import type { Frame } from "./frames";

// The server sends a frame at least every 2 s; three missed ones mean that the connection is dead.
const IDLE_TIMEOUT_MS = 6000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** The code with which the server closes a connection without a caller, or whose session has ended. */
const UNAUTHORIZED = 4401;

export interface Listener {
  /** The MQTT filters to subscribe to; none for all. */
  filters(): string[];
  onFrame(frame: Frame): void;
  /**
   * Called each time a connection is lost, with the time of the last frame by the browser's clock, and with the
   * server's reason if it gave one.
   */
  onLost(lastHeardMs: number, why: string | null): void;
  /** Called when the server closes the connection because the caller has to log in. */
  onUnauthorized(): void;
}

export interface LiveConnection {
  /** Subscribes to the listener's present filters; the server answers with a snapshot. */
  subscribe(): void;
  /** Closes the connection, until `resume` is called. */
  pause(): void;
  resume(): void;
}

/** Keeps a WebSocket open for ever, and reconnects when it is lost. */
export function listen(listener: Listener): LiveConnection {
  let socket: WebSocket | null = null;
  let lastHeardMs = Date.now();
  let tries = 0;
  let retry = 0;
  let watchdog = 0;
  let isPaused = false;

  function open(): void {
    clearTimeout(retry);
    socket = new WebSocket(addressFor(listener.filters()));
    socket.onmessage = (message) => hear(JSON.parse(message.data as string) as Frame);
    socket.onclose = ({ code, reason }) => {
      lose(reason || null);
      if (code === UNAUTHORIZED) listener.onUnauthorized();
    };
    watch();
  }

  function hear(frame: Frame): void {
    lastHeardMs = Date.now();
    watch();
    try {
      listener.onFrame(frame);
      tries = 0;
    } catch (error) {
      // A new connection begins with a snapshot, which has everything that was missed.
      lose((error as Error).message);
    }
  }

  function watch(): void {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(() => lose(null), IDLE_TIMEOUT_MS);
  }

  // A half-open connection may never report its close, so the watchdog does not wait for one.
  function lose(why: string | null): void {
    drop();
    listener.onLost(lastHeardMs, why);
    retry = window.setTimeout(open, waitBefore(tries++));
  }

  function drop(): void {
    clearTimeout(watchdog);
    if (socket) socket.onclose = socket.onmessage = null;
    socket?.close();
    socket = null;
  }

  function subscribe(): void {
    if (!socket) return;
    const filters = listener.filters();
    if (socket.readyState === WebSocket.OPEN) return socket.send(JSON.stringify({ topics: filters.length > 0 ? filters : ["#"] }));
    drop();
    open();
  }

  function openNow(): void {
    if (!socket && !isPaused && document.visibilityState === "visible") open();
  }

  function pause(): void {
    isPaused = true;
    clearTimeout(retry);
    drop();
    listener.onLost(lastHeardMs, null);
  }

  function resume(): void {
    isPaused = false;
    tries = 0;
    if (!socket) open();
  }

  window.addEventListener("online", openNow);
  document.addEventListener("visibilitychange", openNow);
  open();
  return { subscribe, pause, resume };
}

/** The wait doubles from half a second to ten. Half of it is random, so that a thousand pages do not return at once. */
export function waitBefore(tries: number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
  return wait / 2 + (Math.random() * wait) / 2;
}

function addressFor(filters: string[]): string {
  const url = new URL("ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = filters.length > 0 ? `?topics=${encodeURIComponent(filters.join())}` : "";
  url.hash = "";
  return url.href;
}
