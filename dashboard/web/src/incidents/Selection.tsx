import { plural } from "../ui/format";
import { Reply } from "./Reply";
import { clearSelected, selected } from "./selected";
import { selectionTarget } from "./target";

/** Replies to all selected incidents at once. */
export function Selection() {
  const ids = [...selected.value];
  if (ids.length === 0) return null;
  return (
    <div class="selection" role="group" aria-label="Selected incidents" data-testid="selection" tabIndex={-1}>
      <p>{plural(ids.length, "incident")} selected <button class="link" onClick={clearSelected}>Clear</button></p>
      <Reply target={selectionTarget(ids)} kinds={["acknowledge", "silence"]} />
    </div>
  );
}
