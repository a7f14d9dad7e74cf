import type { ComponentChildren } from "preact";
import type { IgnoringRule, Inputs, PresetInUse } from "../api/client";
import { may } from "../live/caller";
import { formatCount, plural } from "../ui/format";
import { WarningShape } from "../ui/Shapes";
import { Text } from "../ui/Text";
import { When } from "../ui/When";

/** The rules by which messages are read. */
export function Rules({ inputs: { mappings, ignored } }: { inputs: Inputs }) {
  const { file, own_rules, presets, hash, since, error, can_add, why_not } = mappings;
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
      <Presets presets={presets} />
      <Ignored rules={ignored} />
      <p class="view-note">
        Your own rules come before the presets, which read what common devices send: <code>millrace mappings show</code> prints one.
        {may("rules") && !can_add && why_not !== null && <> Rules cannot be added here: <Text of={why_not} />.</>}
      </p>
    </section>
  );
}

/** Which presets are in use. */
function Presets({ presets }: { presets: PresetInUse[] }) {
  const count = presets.filter(({ on }) => on).length;
  return (
    <details class="rules-list" data-testid="presets">
      <summary>{count === presets.length ? `All ${count} presets are in use` : `${count} of ${plural(presets.length, "preset is", "presets are")} in use`}</summary>
      <ul>{presets.map(({ name, on }) => <li key={name} data-on={on}>{name}{!on && " (off)"}</li>)}</ul>
    </details>
  );
}

/** What rules ignore, so that nobody misses it. */
function Ignored({ rules }: { rules: IgnoringRule[] }) {
  if (rules.length === 0) return null;
  const count = rules.reduce((sum, rule) => sum + rule.count, 0);
  return (
    <details class="rules-list" data-testid="ignored">
      <summary>{plural(count, "message was", "messages were")} ignored by rule</summary>
      <ul>
        {rules.map(({ preset, topic, count }) => (
          <li key={`${preset} ${topic}`}><code><Text of={topic} /></code> {preset === null ? "of your own" : `of ${preset}`}: {formatCount(count)}</li>
        ))}
      </ul>
    </details>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}
