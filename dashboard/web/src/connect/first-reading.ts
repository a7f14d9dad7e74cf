// Where a device publishes, and the command that sends a first reading there.

import type { Broker } from "../api/client";

/** How devices reach the broker. */
export type Reached = Pick<Broker, "host" | "port" | "user" | "password">;

const LOOPBACK = /^(localhost|127\..*|\[?::1\]?)$/;
const DEFAULT_PORT = 1883;

/** A place to publish to. What is in capitals is to be replaced. */
export interface Target {
  host: string;
  port: string;
  /** None where devices need no user. */
  user: string | null;
  /** The name of the first device. Where each device has a user of its own, it may publish under its user's name alone. */
  device: string;
}

/** `pageHost` is the host of the page's own address. */
export function targetOf({ host, port, user, password }: Reached, pageHost: string): Target {
  return {
    host: (host ?? pageHost).replace(/^\[|\]$/g, ""),
    port: String(port ?? "PORT"),
    user: password ? (user ?? "lab") : null,
    device: "lab",
  };
}

/** Whether only programs on the same machine reach it. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

export function firstReading({ host, port, user, device }: Target): string {
  const words = [
    !isLoopback(host) && `-h ${host}`,
    port !== String(DEFAULT_PORT) && `-p ${port}`,
    user !== null && `-u ${user} -P PASSWORD`,
    `-q 1 -t temperature/${device} -m 23.5`,
  ];
  return ["mosquitto_pub", ...words.filter(Boolean)].join(" ");
}
