import { Text } from "../ui/Text";

/** Which devices somebody sees, in words. */
export function Filters({ of }: { of: string[] }) {
  if (of.length === 0) return <>all devices</>;
  return <>only {of.map((filter, place) => <>{place > 0 && ", "}<code key={filter}><Text of={filter} /></code></>)}</>;
}
