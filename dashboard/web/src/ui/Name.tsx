import { Text } from "./Text";

/** The name of a device on one line: where it is too long, its middle is cut, as hierarchical names differ at their ends. */
export function Name({ of }: { of: string }) {
  const at = of.lastIndexOf("/") + 1;
  return (
    <span class="name">
      <span class="name-outer"><Text of={of.slice(0, at)} /></span>
      <span class="name-last"><Text of={of.slice(at)} /></span>
    </span>
  );
}
