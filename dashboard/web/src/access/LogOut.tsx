import { useState } from "preact/hooks";
import { logOut } from "../live/caller";
import { Text } from "../ui/Text";

export function LogOut() {
  const [problem, setProblem] = useState("");
  const leave = () => logOut().catch((error: Error) => setProblem(error.message));
  return (
    <>
      <button onClick={leave}>Log out</button>
      {problem && <p class="problem" role="alert">Not logged out: <Text of={problem} />.</p>}
    </>
  );
}
