import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Mappings, UnmappedGroup } from "../api/client";
import { may } from "../live/caller";
import { CodeBlock } from "../ui/CodeBlock";
import { plural } from "../ui/format";
import { done } from "../ui/status";
import { Text } from "../ui/Text";
import { Age, When } from "../ui/When";
import { commandFor, ignoringRule, readingsText } from "./rule";
import { add } from "./state";

const LONGEST_EXCERPT = 400;

/** Messages on topics with the same first two levels: the newest one, and what can be done about them. */
export function Group({ group, mappings }: { group: UnmappedGroup; mappings: Mappings }) {
  const { suggestion } = group;
  return (
    <li data-testid="unmapped-group" data-name={group.name}>
      <div class="unmapped-line">
        <h3><Text of={group.name} /></h3>
        <span>{plural(group.count, "message")}</span>
        <span class="unmapped-times">since <When at={group.first} />, the newest <Age at={group.last} /></span>
      </div>
      {group.topic !== group.name && <p class="unmapped-topic"><Text of={group.topic} /></p>}
      <Payload text={group.payload} />
      <p data-testid="suggestion">
        {suggestion ? <>Looks like <strong><Text of={readingsText(suggestion.readings)} /></strong></> : <span class="nothing">No number was found in it</span>}
      </p>
      {may("rules") && (mappings.can_add ? <Adding group={group} /> : <Showing group={group} />)}
    </li>
  );
}

/** The beginning of the newest payload. */
function Payload({ text }: { text: string }) {
  return (
    <pre tabIndex={0} role="region" aria-label="Newest payload">
      {text === "" ? "(empty)" : <Text of={text.slice(0, LONGEST_EXCERPT)} lines />}
      {text.length > LONGEST_EXCERPT && "…"}
    </pre>
  );
}

/** Adds the suggested rule by one click, or one that the reader has changed. */
function Adding({ group }: { group: UnmappedGroup }) {
  const [edited, edit] = useState<string | null>(null);
  const { busy, problem, submit } = useAdding(group);
  const ignoring = ignoringRule(group);
  const suggested = group.suggestion?.rule ?? null;
  return (
    <>
      {edited === null ? (
        <div class="replies">
          {suggested && <Button text="Add the rule" group={group} main busy={busy} act={() => submit(suggested)} />}
          {ignoring && <Button text="Ignore" group={group} busy={busy} act={() => submit(ignoring)} />}
          <Button text={suggested ? "Change the rule…" : "Write a rule…"} group={group} act={() => edit(suggested ?? ignoring ?? "[[rule]]\n")} />
        </div>
      ) : (
        <Editor group={group} rule={edited} busy={busy} submit={submit} close={() => edit(null)} />
      )}
      <p class="problem" aria-live="polite" data-testid="add-problem">{problem && <>Not added: <Text of={problem} lines />.</>}</p>
    </>
  );
}

/** When the server refuses a rule, nothing has changed, and its reason is shown. */
function useAdding({ name }: UnmappedGroup) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (rule: string) => {
    if (busy) return;
    setBusy(true);
    setProblem("");
    try {
      await add(rule);
      done.value = `Added a rule for ${name}.`;
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  return { busy, problem, submit };
}

interface EditorProps {
  group: UnmappedGroup;
  rule: string;
  busy: boolean;
  submit(rule: string): void;
  close(): void;
}

function Editor({ group, rule, busy, submit, close }: EditorProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current!.focus(), []);
  return (
    <form
      class="reply"
      aria-label={`A rule for ${group.name}`}
      onSubmit={(event) => (event.preventDefault(), submit(field.current!.value))}
      onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}
    >
      <label>
        Rule
        <textarea ref={field} name="rule" rows={Math.max(4, rule.split("\n").length)} defaultValue={rule} spellcheck={false} />
      </label>
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Adding…" : "Add"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

/** Where the page may not add a rule, it shows the command that does. */
function Showing({ group }: { group: UnmappedGroup }) {
  const [rule, show] = useState<string | null>(null);
  const ignoring = ignoringRule(group);
  const { suggestion } = group;
  return (
    <>
      <div class="replies">
        {suggestion && <Button text="Show the rule" group={group} expanded={rule === suggestion.rule} act={() => show(rule === suggestion.rule ? null : suggestion.rule)} />}
        {ignoring && <Button text="Show how to ignore" group={group} expanded={rule === ignoring} act={() => show(rule === ignoring ? null : ignoring)} />}
      </div>
      {rule !== null && (
        <div class="unmapped-rule" data-testid="rule">
          <p>Write this into the file of mappings:</p>
          <CodeBlock text={rule.trimEnd()} label={`the rule for ${group.name}`} />
          <p>Or run this where Millrace runs:</p>
          <CodeBlock text={commandFor(rule)} label={`the command for ${group.name}`} />
        </div>
      )}
    </>
  );
}

interface ButtonProps {
  text: string;
  group: UnmappedGroup;
  main?: boolean;
  busy?: boolean;
  expanded?: boolean;
  act(): void;
}

/** A button whose label names the topic for those who hear the page. */
function Button({ text, group, main, busy, expanded, act }: ButtonProps) {
  return (
    <button class={main ? "button main" : "button"} type="button" aria-disabled={busy} aria-expanded={expanded} onClick={act}>
      {text}<span class="unseen">: {group.name}</span>
    </button>
  );
}
