import { useState } from "preact/hooks";

export type Field = (name: string) => string;
type FormEvent = SubmitEvent & { currentTarget: HTMLFormElement };

/** Sends a form once at a time. `problem` is the server's reason where it refuses; the form then stays as it is. */
export function useSubmit(send: (field: Field, form: HTMLFormElement) => Promise<void>) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const form = event.currentTarget;
    const fields = new FormData(form);
    setBusy(true);
    setProblem("");
    try {
      await send((name) => String(fields.get(name) ?? ""), form);
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return { busy, problem, submit };
}
