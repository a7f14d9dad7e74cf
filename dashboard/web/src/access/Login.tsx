import { useLayoutEffect, useRef } from "preact/hooks";
import { fetchLoginMethods } from "../api/access";
import { Refusal } from "../api/request";
import { logIn, loginName, loginNote } from "../live/caller";
import { useLoaded } from "../ui/loaded";
import { Mark } from "../ui/Shapes";
import { useSubmit } from "../ui/submit";
import { Text } from "../ui/Text";
import { beginningAt } from "./provider";
import { useCountdown } from "./retry";
import "./login.css";

/** Asks for a name and a password, in place of the page. */
export function Login() {
  return (
    <main class="login">
      <h1><Mark />Millrace</h1>
      <Form key={loginName.value} name={loginName.value} />
    </main>
  );
}

/** Begins with the password where the name is known. */
function Form({ name }: { name: string }) {
  const form = useRef<HTMLFormElement>(null);
  const { busy, problem, seconds, submit } = useLoggingIn();
  useLayoutEffect(() => focus(form.current!, name ? "password" : "username"), []);
  return (
    <form ref={form} class="panel reply" aria-labelledby="login-title" data-testid="login" onSubmit={submit}>
      <h2 id="login-title">Log in</h2>
      {loginNote.value && <p role="status" data-testid="login-note">{loginNote.value}</p>}
      <label>Name<input name="username" autocomplete="username" autocapitalize="none" spellcheck={false} defaultValue={name} required /></label>
      <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>
      <p class="problem" role="alert" data-testid="login-problem">{problem && <>Not logged in: <Text of={problem} />.</>}</p>
      <button class="button main" aria-disabled={busy || seconds > 0}>{seconds > 0 ? `Try again in ${seconds} s` : busy ? "Logging in…" : "Log in"}</button>
      <Provider />
    </form>
  );
}

/** Leads to the identity provider, where one is set, and from there back to what the address shows. */
function Provider() {
  const { found } = useLoaded(fetchLoginMethods);
  if (!found?.oidc) return null;
  return (
    <a class="button" data-testid="login-oidc" href={beginningAt(found.oidc, location)}>
      Log in with <Text of={found.oidc.name} />
    </a>
  );
}

function focus(form: HTMLFormElement, name: string): void {
  const field = form.querySelector<HTMLInputElement>(`[name=${name}]`);
  field?.focus();
  field?.select();
}

/** While the server asks to wait, nothing is sent. */
function useLoggingIn() {
  const { seconds, wait } = useCountdown();
  const sending = useSubmit(async (field, form) => {
    await logIn(field("username").trim(), field("password")).catch((error: Error) => {
      if (isOpen(error)) return location.reload();
      if (error instanceof Refusal && error.retryAfterSeconds !== null) wait(error.retryAfterSeconds);
      focus(form, "password");
      throw error;
    });
  });
  const submit: typeof sending.submit = async (event) => (seconds > 0 ? event.preventDefault() : sending.submit(event));
  return { ...sending, seconds, submit };
}

/** There are no users, so that nobody needs to log in. */
function isOpen(error: Error): boolean {
  return error instanceof Refusal && error.status === 409;
}
