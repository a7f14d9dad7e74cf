/** Takes a click on a link, so that the page need not load anew. One that asks for another tab is the browser's. */
export function isTaken(event: MouseEvent): boolean {
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return false;
  event.preventDefault();
  return true;
}
