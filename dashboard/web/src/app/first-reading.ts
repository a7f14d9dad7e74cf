// The command that sends a first reading.

import type { Broker } from "../api/client";

const LOOPBACK = /^(localhost|127\..*|\[?::1\]?)$/;
const DEFAULT_PORT = 1883;

/** `pageHost` is the host of the page's own address. What is in capitals is to be replaced. */
export function firstReading({ host, port, user, password }: Broker, pageHost: string): string {
  const target = (host ?? pageHost).replace(/^\[|\]$/g, "");
  const words = [
    !LOOPBACK.test(target) && `-h ${target}`,
    port !== DEFAULT_PORT && `-p ${port ?? "PORT"}`,
    password && `-u ${user ?? "USER"} -P PASSWORD`,
    "-q 1 -t temperature/lab -m 23.5",
  ];
  return ["mosquitto_pub", ...words.filter(Boolean)].join(" ");
}
