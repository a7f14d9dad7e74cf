import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import "./popover.css";

interface Props {
  name: ComponentChildren;
  /** For those who hear the page, where the name alone does not say what opens. */
  label?: string;
  title?: string;
  disabled?: boolean;
  children(close: () => void): ComponentChildren;
}

/** A button that opens a popover below it. Escape closes it and returns the focus; a click or the focus elsewhere closes it, too. */
export function Popover({ name, label, title, disabled, children }: Props) {
  const [open, setOpen] = useState(false);
  const whole = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const closeOutside = ({ target }: PointerEvent) => whole.current!.contains(target as Node) || setOpen(false);
    document.addEventListener("pointerdown", closeOutside);
    return () => document.removeEventListener("pointerdown", closeOutside);
  }, [open]);
  const close = () => {
    setOpen(false);
    whole.current!.querySelector("button")!.focus();
  };
  return (
    <div
      ref={whole}
      class="popover"
      onKeyDown={(event) => open && event.key === "Escape" && (event.preventDefault(), close())}
      onFocusOut={(event) => event.relatedTarget && !whole.current!.contains(event.relatedTarget as Node) && setOpen(false)}
    >
      <button class="button" aria-label={label} aria-expanded={open} disabled={disabled && !open} title={title} onClick={() => setOpen(!open)}>{name}</button>
      {open && <Content>{children(close)}</Content>}
    </div>
  );
}

const MARGIN = 8;

/** Stays within the panel or the header, on whichever side there is room. */
function Content({ children }: { children: ComponentChildren }) {
  const content = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = content.current!;
    const [box, panel] = [element.getBoundingClientRect(), element.closest(".panel, .header")!.getBoundingClientRect()];
    const beyond = Math.max(0, box.right - panel.right + MARGIN);
    element.style.left = `${-Math.min(beyond, box.left - panel.left - MARGIN)}px`;
    element.querySelector<HTMLElement>("input, a, button")?.focus();
  }, []);
  return <div class="popover-content" ref={content}>{children}</div>;
}
