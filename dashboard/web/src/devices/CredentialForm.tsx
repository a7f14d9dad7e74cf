import { useLayoutEffect, useRef } from "preact/hooks";
import { addCredential, type CreatedCredential } from "../api/devices";
import { seesAllDevices } from "../live/caller";
import { Problem } from "../ui/Facts";
import { useSubmit } from "../ui/submit";
import { visible } from "../ui/visible";
import { credentialFrom, userOf } from "./description";

/** Makes a credential. Millrace makes the user and the password, so that most need nothing but the button. */
export function CredentialForm({ device, finish, close }: { device: string; finish(credential: CreatedCredential): void; close(): void }) {
  const form = useRef<HTMLFormElement>(null);
  useLayoutEffect(() => form.current!.querySelector<HTMLElement>(".main")!.focus(), []);
  const { busy, problem, submit } = useSubmit(async (field) => finish(await addCredential(device, credentialFrom(field))));
  return (
    <form ref={form} class="reply entry-form" aria-label={`New credential of ${visible(device)}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <p>The device may publish its own readings and subscribe to its own commands. All of this is optional:</p>
      {seesAllDevices() && (
        <label>
          <span>Further rights <small><code>read</code>, <code>write</code> or <code>readwrite</code> and an MQTT filter, one in a line, such as <code>readwrite zigbee2mqtt/#</code> of a gateway</small></span>
          <textarea name="rights" rows={2} autocomplete="off" spellcheck={false} />
        </label>
      )}
      <label>
        <span>Client ids begin with <small>for subscribing in a cluster; otherwise with <code>{userOf(device)}</code></small></span>
        <input name="client_id" maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} />
      </label>
      <label class="device-check"><input name="certificate_only" type="checkbox" /> Certificate only, without a password</label>
      <Problem of={problem} what="Not made" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Making…" : "Make"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
