import { useState } from "preact/hooks";
import { Text } from "../ui/Text";

interface Props {
  name: string;
  /** What it is about, for those who hear the page. */
  label: string;
  /** What happens at the second press. */
  sure: string;
  act(): Promise<void>;
}

/** A button for what cannot be undone: it asks once more. */
export function Confirm({ name, label, sure, act }: Props) {
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState("");
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
        <button class="button" aria-label={label} onClick={() => setAsked(true)}>{name}</button>
        {problem && <span class="problem" role="alert">Not dismissed: <Text of={problem} />.</span>}
      </>
    );
  }
  return (
    <>
      <button class="button danger" ref={(button) => button?.focus()} onClick={press}>{sure}</button>
      <button class="button" onClick={() => setAsked(false)}>Cancel</button>
    </>
  );
}
