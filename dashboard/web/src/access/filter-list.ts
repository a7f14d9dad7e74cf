// MQTT filters over devices, as forms have them: one in a line.

/** As many as the server accepts. */
export const MOST_FILTERS = 16;

/** The filters of a text: one in a line, or separated by commas or blanks, each once. */
export function filtersFrom(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
}

export function filtersText(filters: string[]): string {
  return filters.join("\n");
}

/** In the same order or another. */
export function isSameFilters(one: string[], other: string[]): boolean {
  return JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());
}
