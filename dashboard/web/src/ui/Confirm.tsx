import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Text } from "./Text";

interface Props {
  name: string;
  /** What it is about, for those who hear the page. */
  label: string;
  /** What happens at the second press. */
  sure: string;
  /** What has not happened where `act` fails, such as "Not deleted". */
  failed: string;
  act(): Promise<void>;
}

/** A button for what cannot be undone: it asks once more. The focus stays with the question, and returns when it is left. */
export function Confirm({ name, label, sure, failed, act }: Props) {
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState("");
  const first = useRef<HTMLButtonElement>(null);
  const hasChanged = useRef(false);
  useLayoutEffect(() => {
    if (hasChanged.current) first.current?.focus();
    hasChanged.current = true;
  }, [asked]);
  const press = async () => {
    setProblem("");
    try {
      await act();
    } catch (error) {
      setProblem((error as Error).message);
    }
    setAsked(false);
  };
  if (!asked) {
    return (
      <>
        <button ref={first} class="button" type="button" aria-label={label} onClick={() => setAsked(true)}>{name}</button>
        {problem && <span class="problem" role="alert">{failed}: <Text of={problem} />.</span>}
      </>
    );
  }
  return (
    <>
      <button class="button danger" type="button" ref={first} onClick={press}>{sure}</button>
      <button class="button" type="button" onClick={() => setAsked(false)}>Cancel</button>
    </>
  );
}
