import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { changeDevice, type ReadDevice } from "../api/devices";
import { Refusal } from "../api/request";
import { Problem } from "../ui/Facts";
import { useSubmit } from "../ui/submit";
import { visible } from "../ui/visible";
import { changesOf, descriptionFrom } from "./description";
import { DeviceFields } from "./DeviceFields";

interface Props {
  of: ReadDevice;
  finish(): void;
  /** Begins again with what the device is now. */
  restart(): void;
  close(): void;
}

/** Changes what is said of a device, if it is still as it was when the form was opened. */
export function DeviceForm({ of, finish, restart, close }: Props) {
  // The device is loaded again and again; the form is about the one that it began with.
  const [{ device, revision }] = useState(of);
  const [isOutdated, setOutdated] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current!.querySelector<HTMLElement>("input")!.focus(), []);
  const { busy, problem, submit } = useSubmit(async (field) => {
    const changes = changesOf(device, descriptionFrom(field));
    if (Object.keys(changes).length === 0) return finish();
    setOutdated(false);
    await changeDevice(device.name, changes, revision).then(finish, (error: Error) => {
      if (!(error instanceof Refusal) || error.status !== OUTDATED) throw error;
      setOutdated(true);
    });
  });
  return (
    <form ref={form} class="reply entry-form" aria-label={`Change ${visible(device.name)}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <DeviceFields of={device} />
      <Problem of={problem} what="Not changed" />
      {isOutdated && <Outdated restart={restart} />}
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Changing…" : "Change"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** The status of an answer to a change of an earlier revision. */
const OUTDATED = 412;

function Outdated({ restart }: { restart(): void }) {
  return (
    <p class="problem" role="alert" data-testid="outdated">
      Not changed: somebody else has changed this device meanwhile. Reload what it is now, and change that.{" "}
      <button class="button" type="button" onClick={restart}>Reload</button>
    </p>
  );
}
