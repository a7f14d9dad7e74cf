import { useLayoutEffect, useRef } from "preact/hooks";
import { arriveAt, VIEWS, type ViewName } from "../address/view";

/** The heading of a view, where the focus goes when the reader comes to it. */
export function ViewTitle({ of, unseen }: { of: ViewName; unseen?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => arriveAt(heading.current!), []);
  return <h2 ref={heading} class={unseen ? "unseen" : "view-title"} tabIndex={-1} data-testid="view-title">{VIEWS[of]}</h2>;
}
