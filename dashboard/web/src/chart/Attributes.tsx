import { Text } from "../ui/Text";
import { When } from "../ui/When";
import { shownAttributes } from "./device-attributes";
import "./attributes.css";

/** What the device in front says of itself in words: its firmware, its mode, its address. */
export function Attributes() {
  if (shownAttributes.value.length === 0) return null;
  return (
    <dl class="attributes" data-testid="attributes" aria-label="What the device says of itself">
      {shownAttributes.value.map(({ title, value, since, device }) => (
        <div key={title} title={device}>
          <dt><Text of={title} /></dt>
          <dd>
            <Text of={value} /> <small>since <When at={since} /></small>
          </dd>
        </div>
      ))}
    </dl>
  );
}
