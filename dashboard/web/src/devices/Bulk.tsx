import { useRef, useState } from "preact/hooks";
import { makeCommand } from "../api/commands";
import { forgetDevice, type ForgottenData } from "../api/devices";
import { may } from "../live/caller";
import { Problem } from "../ui/Facts";
import { useFirstField } from "../ui/first-field";
import { formatCount, plural } from "../ui/format";
import { done } from "../ui/status";
import { useSubmit, type Field } from "../ui/submit";
import { failedText, forEachDevice, tagDevice } from "./many-devices";
import { CommandFields } from "./CommandFields";
import { commandFrom } from "./command-form";
import { linesOf } from "./description";
import { ForgottenChoice } from "./Lifecycle";

interface Act {
  name: string;
  action: "devices" | "command";
  /** What has been done to so many devices. */
  told: string;
  run(name: string, field: Field): Promise<unknown>;
}

const ACTS = {
  tag: { name: "Tag…", action: "devices", told: "Tagged", run: (name, field) => tagDevice(name, linesOf(field("tags"))) },
  command: { name: "Command…", action: "command", told: "Made a command for", run: (name, field) => makeCommand(commandFrom(name, field)) },
  forget: { name: "Forget…", action: "devices", told: "Forgot", run: (name, field) => forgetDevice(name, field("data") as ForgottenData) },
} satisfies Record<string, Act>;

type ActName = keyof typeof ACTS;

const offered = () => (Object.keys(ACTS) as ActName[]).filter((name) => may(ACTS[name].action));

/** Whether anything can be done with devices that are chosen. */
export function canChoose(): boolean {
  return offered().length > 0;
}

interface Props {
  chosen: ReadonlySet<string>;
  /** Called when something was done to all, or nothing is to be done any more. */
  clear(): void;
  reload(): Promise<void>;
}

/** What can be done with the devices that are chosen. */
export function Bulk({ chosen, clear, reload }: Props) {
  const [open, setOpen] = useState<ActName | null>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const close = () => {
    buttons.current?.querySelector<HTMLElement>(`[data-act="${open}"]`)?.focus();
    setOpen(null);
  };
  return (
    <div class="device-bulk" role="group" aria-label="Chosen devices" data-testid="bulk">
      <div ref={buttons} class="replies">
        <span role="status">{plural(chosen.size, "device")} chosen</span>
        {offered().map((name) => <button key={name} class="button" data-act={name} aria-expanded={open === name} onClick={() => setOpen(open === name ? null : name)}>{ACTS[name].name}</button>)}
        <button class="button" onClick={clear}>Choose none</button>
      </div>
      {open && <Form key={open} act={open} names={[...chosen]} close={close} clear={clear} reload={reload} />}
    </div>
  );
}

interface FormProps extends Omit<Props, "chosen"> {
  act: ActName;
  names: string[];
  close(): void;
}

function Form({ act, names, close, clear, reload }: FormProps) {
  const { told, run } = ACTS[act];
  const [count, setCount] = useState(0);
  const form = useFirstField();
  const { busy, problem, submit } = useSubmit(async (field) => {
    const outcome = await forEachDevice(names, (name) => run(name, field), setCount);
    await reload();
    if (outcome.failed.length > 0) throw new Error(failedText(outcome));
    done.value = `${told} ${plural(names.length, "device")}.`;
    clear();
  });
  return (
    <form ref={form} class="reply entry-form" aria-label={`${told}: ${plural(names.length, "device")}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <Fields of={act} count={names.length} />
      <Problem of={problem} what="Not done for all" />
      <div class="replies">
        <button class={act === "forget" ? "button danger" : "button main"} aria-disabled={busy}>{busy ? `${formatCount(count)} of ${formatCount(names.length)}…` : `${ACTS[act].name.slice(0, -1)} ${plural(names.length, "device")}`}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

function Fields({ of, count }: { of: ActName; count: number }) {
  if (of === "forget") return <ForgottenChoice about={`${plural(count, "device")} will leave all lists, their credentials are revoked, and their open commands are cancelled.`} />;
  if (of === "command") return <CommandFields />;
  return (
    <label>
      <span>Further tags <small>one in a line</small></span>
      <textarea name="tags" rows={2} required autocomplete="off" spellcheck={false} />
    </label>
  );
}
