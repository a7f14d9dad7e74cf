import type { Frame } from "./api";

// The server sends a frame at least every 2 s; three missed ones mean that the connection is dead.
const SILENCE_MS = 6000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

export interface Listener {
  onFrame(frame: Frame): void;
  /** Called with the time of the last frame, by the browser's clock, each time a connection is lost. */
  onLost(lastHeardMs: number): void;
}

/** Keeps a WebSocket open for ever: what it hears goes to the listener, what it loses it opens again. */
export function listen(listener: Listener): void {
  let socket: WebSocket | null = null;
  let lastHeardMs = Date.now();
  let tries = 0;
  let retry = 0;
  let watchdog = 0;

  function open(): void {
    clearTimeout(retry);
    socket = new WebSocket(address());
    socket.onmessage = (message) => hear(JSON.parse(message.data as string) as Frame);
    socket.onclose = lose;
    watch();
  }

  function hear(frame: Frame): void {
    lastHeardMs = Date.now();
    tries = 0;
    watch();
    listener.onFrame(frame);
  }

  function watch(): void {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(lose, SILENCE_MS);
  }

  // A half-open connection may never report its close, so the watchdog does not wait for one.
  function lose(): void {
    clearTimeout(watchdog);
    if (socket) socket.onclose = socket.onmessage = null;
    socket?.close();
    socket = null;
    listener.onLost(lastHeardMs);
    retry = window.setTimeout(open, waitBefore(tries++));
  }

  function openNow(): void {
    if (!socket && document.visibilityState === "visible") open();
  }

  window.addEventListener("online", openNow);
  document.addEventListener("visibilitychange", openNow);
  open();
}

/** Doubles from half a second to ten, half of it by chance, so that a thousand pages do not return at once. */
export function waitBefore(tries: number): number {
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
  return wait / 2 + (Math.random() * wait) / 2;
}

function address(): string {
  const url = new URL("ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}
