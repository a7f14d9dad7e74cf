/**
 * Keeps the browser from following a clicked link, so that the page need not be reloaded. Returns false for a click that
 * opens another tab: the browser handles that one.
 */
export function takeClick(event: MouseEvent): boolean {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  event.preventDefault();
  return true;
}
