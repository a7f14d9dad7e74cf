import { hrefOfDevice } from "../address/view";
import { addDevice } from "../api/devices";
import { Dialog } from "../ui/Dialog";
import { Problem } from "../ui/Facts";
import { done } from "../ui/status";
import { useSubmit } from "../ui/submit";
import { visible } from "../ui/visible";
import { descriptionFrom, saidOf } from "./description";
import { DeviceFields } from "./DeviceFields";
import "../ui/entries.css";

/** The dialog that registers a device, whether it was heard or not, and leads to its details. */
export function Register() {
  return <Dialog name="register" title="Register a device">{(close) => <Form close={close} />}</Dialog>;
}

function Form({ close }: { close(): void }) {
  const { busy, problem, submit } = useSubmit(async (field) => {
    const { name } = await addDevice({ name: field("name").trim(), ...saidOf(descriptionFrom(field)) });
    close();
    done.value = `Registered the device ${visible(name)}.`;
    location.hash = hrefOfDevice(name);
  });
  return (
    <form class="reply entry-form" aria-label="Register a device" onSubmit={submit}>
      <label>
        <span>Name <small>as in its topics, such as <code>site-a/lab</code>; any other text becomes the title, and a name is made of it</small></span>
        <input name="name" autocomplete="off" autocapitalize="none" spellcheck={false} required autofocus />
      </label>
      <DeviceFields />
      <Problem of={problem} what="Not registered" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Registering…" : "Register"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
