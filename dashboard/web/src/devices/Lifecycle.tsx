import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { hrefOfDevice } from "../address/view";
import { forgetDevice, mergeDevice, renameDevice, retireDevice, type Device, type ForgottenData } from "../api/devices";
import { Confirm } from "../ui/Confirm";
import { Problem } from "../ui/Facts";
import { useFirstField } from "../ui/first-field";
import { done } from "../ui/status";
import { useSubmit } from "../ui/submit";
import { visible } from "../ui/visible";

const FORMS = { rename: RenameForm, merge: MergeForm, forget: ForgetForm };

type FormName = keyof typeof FORMS;

const NAMES: Record<FormName, string> = { rename: "Rename…", merge: "Merge…", forget: "Forget…" };

/** What becomes of a device: another name, part of another device, retired, forgotten. `children` are further buttons. */
export function Lifecycle({ of, reload, children }: { of: Device; reload(): Promise<void>; children: ComponentChildren }) {
  const [open, setOpen] = useState<FormName | null>(null);
  const buttons = useRef<HTMLDivElement>(null);
  const close = () => {
    buttons.current?.querySelector<HTMLElement>(`[data-form="${open}"]`)?.focus();
    setOpen(null);
  };
  const Form = open && FORMS[open];
  return (
    <>
      <div ref={buttons} class="replies">
        {children}
        {(Object.keys(FORMS) as FormName[]).map((name) => (
          <button key={name} class="button" data-form={name} aria-expanded={open === name} aria-label={`${NAMES[name].slice(0, -1)} ${visible(of.name)}`} onClick={() => setOpen(open === name ? null : name)}>{NAMES[name]}</button>
        ))}
        <Retire of={of} reload={reload} />
      </div>
      {Form && <Form key={open} name={of.name} close={close} />}
    </>
  );
}

/** Only where the server says whether a device is retired. */
function Retire({ of, reload }: { of: Device; reload(): Promise<void> }) {
  const retired = (of as { retired?: boolean }).retired;
  if (!of.registered || retired === undefined) return null;
  const set = async () => {
    await retireDevice(of.name, !retired);
    done.value = `${retired ? "Took back" : "Retired"} the device ${visible(of.name)}.`;
    await reload();
  };
  const name = retired ? "Take back…" : "Retire…";
  const sure = retired ? "Take it back: its readings are accepted again" : "Retire it: what it sends is rejected, and nobody waits for it";
  return <Confirm key={name} name={name} label={`${name.slice(0, -1)} ${visible(of.name)}`} sure={sure} failed="Not changed" act={set} />;
}

interface FormProps {
  name: string;
  close(): void;
}

function RenameForm({ name, close }: FormProps) {
  return (
    <NameForm
      label={`New name of ${visible(name)}`}
      about="Its readings, incidents and commands follow, and what it goes on sending under the old name is stored under the new one."
      field="New name"
      hint="as in topics, such as site-a/lab"
      act="Rename"
      close={close}
      send={async (to) => {
        await renameDevice(name, to);
        leave(`Renamed ${visible(name)} to ${visible(to)}.`, hrefOfDevice(to));
      }}
    />
  );
}

function MergeForm({ name, close }: FormProps) {
  return (
    <NameForm
      label={`Merge ${visible(name)} into another device`}
      about={`All that ${visible(name)} has sent, and goes on sending, becomes part of the other device. This cannot be undone.`}
      field="Into"
      hint="the name of the other device"
      act="Merge"
      close={close}
      send={async (into) => {
        await mergeDevice(name, into);
        leave(`Merged ${visible(name)} into ${visible(into)}.`, hrefOfDevice(into));
      }}
    />
  );
}

function leave(note: string, href: string): void {
  done.value = note;
  location.hash = href;
}

interface NameFormProps {
  label: string;
  about: string;
  field: string;
  hint: string;
  act: string;
  close(): void;
  send(name: string): Promise<void>;
}

function NameForm({ label, about, field: name, hint, act, close, send }: NameFormProps) {
  const form = useFirstField();
  const { busy, problem, submit } = useSubmit((field) => send(field("name").trim()));
  return (
    <form ref={form} class="reply entry-form" aria-label={label} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <p>{about}</p>
      <label>
        <span>{name} <small>{hint}</small></span>
        <input name="name" required maxLength={253} autocomplete="off" autocapitalize="none" spellcheck={false} />
      </label>
      <Problem of={problem} what={`${act}: not done`} />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "One moment…" : act}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Asks what becomes of the readings; that is the second question as well. */
function ForgetForm({ name, close }: FormProps) {
  const form = useFirstField();
  const { busy, problem, submit } = useSubmit(async (field) => {
    await forgetDevice(name, field("data") as ForgottenData);
    leave(`Forgot the device ${visible(name)}.`, "devices");
  });
  return (
    <form ref={form} class="reply entry-form" aria-label={`Forget ${visible(name)}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <ForgottenChoice about={`${visible(name)} leaves all lists, its credentials are revoked, and its open commands are cancelled. It appears anew when it sends something.`} />
      <Problem of={problem} what="Not forgotten" />
      <div class="replies">
        <button class="button danger" aria-disabled={busy}>{busy ? "Forgetting…" : "Forget it"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Whether readings are kept or erased. */
export function ForgottenChoice({ about }: { about: string }) {
  return (
    <fieldset class="device-choice">
      <legend>{about}</legend>
      <label class="device-check"><input type="radio" name="data" value="keep" defaultChecked /> Keep the readings and incidents</label>
      <label class="device-check"><input type="radio" name="data" value="erase" /> Erase them for good</label>
    </fieldset>
  );
}
