// How long a silence lasts: a length, until tomorrow morning, or until a time that the reader types.

/** Lengths that are offered, in the notation of the server. */
export const LENGTHS = { "1h": "1 hour", "4h": "4 hours", "1day": "1 day" } as const;

export const TOMORROW = "tomorrow";
export const UNTIL = "until";

const MORNING_HOUR = 8;

/** 8:00 of the next day, in the reader's time zone. */
export function tomorrowMorning(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING_HOUR);
}

/** A time as a date-and-time field has it, in the reader's time zone: "2026-01-15T08:00". */
export function fieldText(at: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The end of a silence as the server takes it. Throws where the typed time is none, or is over. */
export function endOf(lasting: string, typed: string, nowMs: number): { for: string } | { until: string } {
  if (Object.hasOwn(LENGTHS, lasting)) return { for: lasting };
  const until = lasting === TOMORROW ? tomorrowMorning(new Date(nowMs)) : new Date(typed);
  if (Number.isNaN(until.getTime())) throw new Error("choose a day and a time");
  if (until.getTime() <= nowMs) throw new Error("the end is in the past");
  return { until: until.toISOString() };
}
