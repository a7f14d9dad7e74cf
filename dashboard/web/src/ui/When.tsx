import { clockKnown, now } from "../live/clock";
import { formatAge, formatDuration, formatMoment, formatUtc } from "./format";

/** An instant in the reader's time zone; its tooltip has UTC. Beside another one of the same day it needs no date. */
export function When({ at, beside }: { at: string; beside?: string }) {
  const ms = Date.parse(at);
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUtc(ms)}>
      {formatMoment(ms, beside === undefined ? now.peek() : Date.parse(beside))}
    </time>
  );
}

// The two below tick. They are components of their own, so that a second passing draws nothing else again.

/** Before the server has told its time, an age would be that of the browser's clock: then it is the time of day. */
export function Age({ at }: { at: string }) {
  const ms = Date.parse(at);
  return (
    <time class="age" dateTime={at} title={formatUtc(ms)}>
      {clockKnown.value ? formatAge(ms, now.value) : formatMoment(ms, ms)}
    </time>
  );
}

export function Since({ at }: { at: string }) {
  return <>{formatDuration(now.value - Date.parse(at))}</>;
}
