import { useState } from "preact/hooks";
import { endOwnSession } from "../api/access";
import { Text } from "../ui/Text";

/** Ends the session, and loads the page again, so that it keeps nothing of what the user saw. */
export function LogOut() {
  const [problem, setProblem] = useState("");
  const logOut = () => endOwnSession().then(() => location.reload(), (error: Error) => setProblem(error.message));
  return (
    <>
      <button onClick={logOut}>Log out</button>
      {problem && <p class="problem" role="alert">Not logged out: <Text of={problem} />.</p>}
    </>
  );
}
