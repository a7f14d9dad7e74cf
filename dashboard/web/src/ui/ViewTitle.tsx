import { useLayoutEffect, useRef } from "preact/hooks";
import { focusOnArrival, VIEWS, type ViewName } from "../address/view";

/** The heading of a view, which gets the focus when the reader comes from another view. */
export function ViewTitle({ of, unseen }: { of: ViewName; unseen?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => focusOnArrival(heading.current!), []);
  return <h2 ref={heading} class={unseen ? "unseen" : "view-title"} tabIndex={-1} data-testid="view-title">{VIEWS[of]}</h2>;
}
