import { deviceWanted } from "../address/view";
import { done } from "../ui/status";
import { Details } from "./Details";
import { List } from "./List";
import "../ui/entries.css";
import "./devices.css";

/** The devices that are registered or were heard, or one of them. */
export function Devices() {
  const name = deviceWanted.value;
  return (
    <>
      {name === null ? <List /> : <Details key={name} name={name} />}
      <p class="unseen" role="status">{done.value}</p>
    </>
  );
}
