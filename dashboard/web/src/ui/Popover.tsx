import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  name: string;
  title?: string;
  disabled?: boolean;
  children(close: () => void): ComponentChildren;
}

/** A button with a sheet below it. Escape closes the sheet and gives the focus back; leaving it closes it, too. */
export function Drop({ name, title, disabled, children }: Props) {
  const [open, setOpen] = useState(false);
  const whole = useRef<HTMLDivElement>(null);
  const close = () => {
    setOpen(false);
    whole.current!.querySelector("button")!.focus();
  };
  return (
    <div
      ref={whole}
      class="drop"
      onKeyDown={(event) => open && event.key === "Escape" && (event.preventDefault(), close())}
      onFocusOut={(event) => event.relatedTarget && !whole.current!.contains(event.relatedTarget as Node) && setOpen(false)}
    >
      <button class="button" aria-expanded={open} disabled={disabled && !open} title={title} onClick={() => setOpen(!open)}>{name}</button>
      {open && <Sheet>{children(close)}</Sheet>}
    </div>
  );
}

const MARGIN = 8;

/** Stays within the panel, on whichever side there is room. */
function Sheet({ children }: { children: ComponentChildren }) {
  const sheet = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = sheet.current!;
    const [box, panel] = [element.getBoundingClientRect(), element.closest(".panel")!.getBoundingClientRect()];
    const beyond = Math.max(0, box.right - panel.right + MARGIN);
    element.style.left = `${-Math.min(beyond, box.left - panel.left - MARGIN)}px`;
    element.querySelector<HTMLElement>("input, a, button")?.focus();
  }, []);
  return <div class="sheet" ref={sheet}>{children}</div>;
}
