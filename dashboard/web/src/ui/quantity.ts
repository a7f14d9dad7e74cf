// Values as this reader wants them: in the preferred unit, or as a word.

import { formatNumber } from "./format";
import { shownIn } from "./unit-preference";
import { convert, convertDigits, unitSign, type Conversion } from "./units";
import { wordFor } from "./words";

/** A value and the sign of its unit, which is empty where there is none. */
export interface Quantity {
  text: string;
  sign: string;
}

/** `digits` are those that values in the unit of the device are shown with. */
export function quantityOf(metric: string, value: number, unit: string | null, digits: number, shown = shownIn(unit)): Quantity {
  const word = wordFor(metric, value, unit);
  if (word !== null) return { text: word, sign: "" };
  return { text: formatNumber(convert(value, shown), convertDigits(digits, shown)), sign: unitSign(shown.unit) };
}

export function quantityText(metric: string, value: number, unit: string | null, digits: number, shown?: Conversion): string {
  const { text, sign } = quantityOf(metric, value, unit, digits, shown);
  return sign ? `${text}\u202f${sign}` : text;
}
