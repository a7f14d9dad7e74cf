// Rules that the page suggests.

import type { UnmappedGroup } from "../api/client";

/** A pattern has names in braces, so a topic with braces cannot be written as one. */
export function ignoringRule({ name }: Pick<UnmappedGroup, "name">): string | null {
  return /[{}"\\\p{C}]/u.test(name) ? null : `[[rule]]\ntopic = "${name}/#"\nignore = true\n`;
}

/** The command that adds a rule where the page cannot. The rule is typed, or pasted, as its input. */
export function commandFor(rule: string): string {
  return `millrace mappings add - <<'END'\n${rule.trimEnd()}\nEND`;
}

/** What a rule would make of a message, in a few words: "temp/bed-1 = 21, humidity/bed-1 = 55 % and 3 more". */
export function readingsText(readings: string[], most = 4): string {
  const shown = readings.slice(0, most).join(", ");
  return readings.length > most ? `${shown} and ${readings.length - most} more` : shown;
}
