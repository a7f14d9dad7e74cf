import type { ComponentChildren } from "preact";
import type { Mappings } from "../api/client";
import { formatCount } from "../ui/format";
import { WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";

/** The rules by which messages are read. */
export function Rules({ mappings }: { mappings: Mappings }) {
  const { file, own_rules, hash, since, error, can_add, why_not } = mappings;
  return (
    <section class="panel" aria-labelledby="rules-title" data-testid="rules">
      <h2 id="rules-title">Rules in force</h2>
      {error !== null && (
        <div class="rules-error" role="alert" data-testid="rules-error">
          <p><WarningShape /><strong>The file is refused</strong>, and the rules from before stay in force:</p>
          <pre tabIndex={0} role="region" aria-label="What is wrong with the file"><Text of={error} lines /></pre>
        </div>
      )}
      <dl class="rules-facts">
        <Fact name="Own rules">{own_rules === 0 ? "none" : formatCount(own_rules)}</Fact>
        <Fact name="File">{file === null ? "none" : <Text of={file} />}</Fact>
        <Fact name="In force since"><When at={since} /></Fact>
        <Fact name="Version"><code>{hash}</code></Fact>
      </dl>
      <p class="view-note">
        Your own rules come before the presets, which read what common devices send: <code>millrace mappings list</code> shows them.
        {!can_add && why_not !== null && <> Rules cannot be added here: <Text of={why_not} />.</>}
      </p>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
