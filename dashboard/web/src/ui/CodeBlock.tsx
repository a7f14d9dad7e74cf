import { useEffect, useRef, useState } from "preact/hooks";
import { done } from "./status";
import "./code.css";

interface Props {
  text: string;
  /** What it is, for those who hear the page. */
  label: string;
}

/** A text to be copied, such as a command or a configuration. */
export function CodeBlock({ text, label }: Props) {
  const code = useRef<HTMLElement>(null);
  return (
    <div class="code">
      <pre tabIndex={0} role="region" aria-label={label}><code ref={code}>{text}</code></pre>
      <CopyButton text={text} label={label} select={() => getSelection()?.selectAllChildren(code.current!)} />
    </div>
  );
}

const CONFIRM_MS = 2500;

const NAMES = { idle: "Copy", copied: "Copied", selected: "Selected: press Ctrl+C" } as const;

/** Copies a text; where the browser does not allow that, the text is selected for the reader to copy. */
function CopyButton({ text, label, select }: Props & { select(): void }) {
  const [state, setState] = useState<keyof typeof NAMES>("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), CONFIRM_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async () => {
    const isCopied = (await writeToClipboard(text)) || (select(), document.execCommand("copy"));
    setState(isCopied ? "copied" : "selected");
    if (isCopied) done.value = `Copied: ${label}.`;
  };
  return <button class="button" type="button" aria-label={state === "idle" ? `Copy: ${label}` : undefined} onClick={copy} data-testid="copy">{NAMES[state]}</button>;
}

/** Browsers give the clipboard only to pages from this machine or over TLS. */
async function writeToClipboard(text: string): Promise<boolean> {
  return (await navigator.clipboard?.writeText(text).then(() => true, () => false)) ?? false;
}
