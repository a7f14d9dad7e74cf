import type { ComponentChildren } from "preact";

/** A cell that a phone shows with its head; `none` leaves it out there: there is nothing to say. */
export function Cell({ head, none, children, ...rest }: { head: string; none?: boolean; class?: string; children: ComponentChildren }) {
  return <td role="cell" data-head={head} data-none={none} {...rest}>{children}</td>;
}
