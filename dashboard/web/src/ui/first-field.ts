import { useLayoutEffect, useRef } from "preact/hooks";

/** For a form that opens: its first field gets the focus. */
export function useFirstField() {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current!.querySelector<HTMLElement>("input, select, textarea")?.focus(), []);
  return form;
}
