import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { openDialog, type DialogName } from "./dialogs";
import "./dialog.css";

interface Props {
  name: DialogName;
  title: string;
  children(close: () => void): ComponentChildren;
}

/** A dialog in front of the page. Escape, the button and a click beside it close it; the browser gives the focus back. */
export function Dialog({ name, title, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current!.close();
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={`${name}-title`}
      data-testid={name}
      onClose={() => (openDialog.value = null)}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div class="dialog-content">
        <div class="view-head">
          <h2 id={`${name}-title`}>{title}</h2>
          <button class="button" type="button" onClick={close}>Close</button>
        </div>
        {children(close)}
      </div>
    </dialog>
  );
}
