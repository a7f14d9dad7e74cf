// The words of the user's rules, kept as long as the page is open.

import { effect } from "@preact/signals";
import { fetchWords } from "../api/client";
import { setRuleWords } from "./words";
import { generation } from "../live/state";

/** A change of the rules shows within this time. */
const RELOAD_MS = 60_000;

/** Loads them now, with each new connection, and once a minute. Until they are loaded, and where they cannot be, values are numbers. */
export function startRuleWords(): void {
  const load = () => void fetchWords().then(setRuleWords, () => {});
  effect(() => {
    void generation.value;
    load();
  });
  window.setInterval(load, RELOAD_MS);
}
