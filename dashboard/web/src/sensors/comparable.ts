// Whether values can be compared: 45 % is not more than 20 °C.

import { converts, unitOf, unitSign } from "../ui/units";

interface Measured {
  metric: string;
  unit: string | null;
}

const MOST_NAMED = 3;

/** Why values have no order, such as "the units are °C and %"; null where all units convert into each other. */
export function whyIncomparable(all: Measured[]): string | null {
  const kinds = [...new Map(all.map((one) => [nameOf(one), one])).entries()];
  const first = kinds[0]?.[1];
  if (!first || kinds.every(([, one]) => areComparable(first, one))) return null;
  const names = kinds.map(([name]) => name);
  const named = names.length > MOST_NAMED + 1 ? [...names.slice(0, MOST_NAMED), `${names.length - MOST_NAMED} others`] : names;
  return `the units are ${named.slice(0, -1).join(", ")} and ${named.at(-1)}`;
}

/** Without a unit, values are comparable to those of the same metric only, and not to those with one. */
function areComparable(one: Measured, other: Measured): boolean {
  const [from, into] = [unitOf(one.unit), unitOf(other.unit)];
  return from && into ? converts(from, into) : nameOf(one) === nameOf(other);
}

function nameOf({ metric, unit }: Measured): string {
  return unit === null ? `none (${metric})` : unitSign(unit);
}
