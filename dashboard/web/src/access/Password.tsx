import { useState } from "preact/hooks";
import { changePassword } from "../api/access";
import { caller } from "../live/caller";
import { Dialog } from "../ui/Dialog";
import { Problem } from "../ui/Facts";
import { DoneShape } from "../ui/Shapes";
import { useSubmit } from "../ui/submit";
import { NewPasswordField } from "./Fields";
import "../ui/entries.css";

/** The dialog in which the caller changes the password. */
export function Password() {
  const [isChanged, setChanged] = useState(false);
  return (
    <Dialog name="password" title="Change password">
      {(close) => (isChanged ? <Changed /> : <Form finish={() => setChanged(true)} close={close} />)}
    </Dialog>
  );
}

function Changed() {
  return <p role="status" data-testid="password-changed"><DoneShape /> Your password is changed, and all your other sessions have ended.</p>;
}

function Form({ finish, close }: { finish(): void; close(): void }) {
  const { busy, problem, submit } = useSubmit(async (field) => {
    if (field("password") !== field("again")) throw new Error("the new passwords differ: write the same one twice");
    await changePassword({ old_password: field("old"), password: field("password") });
    finish();
  });
  return (
    <form class="reply entry-form" aria-label="Change password" onSubmit={submit}>
      <input class="unseen" name="username" autocomplete="username" value={caller.value?.username ?? ""} readonly tabIndex={-1} aria-hidden="true" />
      <label>Old password<input name="old" type="password" autocomplete="current-password" required autofocus /></label>
      <NewPasswordField label="New password" />
      <label>New password again<input name="again" type="password" autocomplete="new-password" required /></label>
      <p>All your other sessions end.</p>
      <Problem of={problem} what="Not changed" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Changing…" : "Change"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
