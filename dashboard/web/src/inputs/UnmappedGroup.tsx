import { useState } from "preact/hooks";
import type { UnmappedGroup } from "../api/client";
import { CodeBlock } from "../ui/CodeBlock";
import { plural } from "../ui/format";
import { Text } from "../ui/Text";
import { Age, When } from "../ui/When";
import { ignoringRule, readingsText } from "./rule";

const LONGEST_EXCERPT = 400;

/** Messages on topics with the same first two levels: the newest one, and what can be done about them. */
export function Group({ group }: { group: UnmappedGroup }) {
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
      <Showing group={group} />
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

/** Rules for such messages, to be written into the file. */
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
        </div>
      )}
    </>
  );
}

interface ButtonProps {
  text: string;
  group: UnmappedGroup;
  expanded: boolean;
  act(): void;
}

/** A button whose label names the topic for those who hear the page. */
function Button({ text, group, expanded, act }: ButtonProps) {
  return (
    <button class="button" type="button" aria-expanded={expanded} onClick={act}>
      {text}<span class="unseen">: {group.name}</span>
    </button>
  );
}
