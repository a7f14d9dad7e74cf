import { clockKnown, now } from "../live/clock";
import { formatAge, formatLasting, formatMoment, formatUtc } from "./format";

/** A time in the reader's time zone, with UTC as tooltip. The date is left out on the day of `beside`, or today. */
export function When({ at, beside }: { at: string; beside?: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {formatMoment(ms, beside === undefined ? now.peek() : Date.parse(beside))}
    </time>
  );
}

// The two below change every second. They are components of their own, so that nothing else is redrawn.

/** The age of a reading; before the server's time is known, when it was measured. */
export function Age({ at }: { at: string }) {
  const ms = Date.parse(at);
  return (
    <time class="age" dateTime={at} title={formatUtc(ms)}>
      {clockKnown.value ? formatAge(ms, now.value) : formatMoment(ms, ms)}
    </time>
  );
}

export function Since({ at }: { at: string }) {
  return <>{formatLasting(now.value - Date.parse(at))}</>;
}
