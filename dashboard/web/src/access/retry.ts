// How long the login waits after too many tries.

import { useEffect, useState } from "preact/hooks";

const STEP_MS = 200;

/** The whole seconds until a time, at least 0; both times by one clock, in milliseconds. */
export function secondsLeft(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}

/** Counts down the seconds that `wait` was last called with. */
export function useCountdown(): { seconds: number; wait(seconds: number): void } {
  const [until, setUntil] = useState(0);
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const step = () => setSeconds(secondsLeft(until, performance.now()));
    step();
    const timer = setInterval(step, STEP_MS);
    return () => clearInterval(timer);
  }, [until]);
  const wait = (length: number) => {
    setSeconds(length);
    setUntil(performance.now() + length * 1000);
  };
  return { seconds, wait };
}
