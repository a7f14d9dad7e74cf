import type { ComponentChildren } from "preact";
import { Text } from "./Text";

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

/** What has not happened, and the server's reason. */
export function Problem({ of, what }: { of: string; what: string }) {
  return <p class="problem entry-problem" aria-live="polite" data-testid="problem">{of && <>{what}: <Text of={of} />.</>}</p>;
}
