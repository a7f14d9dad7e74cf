import { useLayoutEffect, useRef } from "preact/hooks";
import { addKey, type CreatedKey, type Role } from "../api/access";
import { caller } from "../live/caller";
import { Problem } from "../ui/Facts";
import { useSubmit } from "../ui/submit";
import { FiltersField, RoleField } from "./Fields";
import { filtersFrom, filtersText } from "./filter-list";
import { rolesUpTo } from "./roles";

const DAYS = 90;
const MOST_DAYS = 366;

/** Makes an API key, which begins with the devices of its owner. */
export function KeyForm({ finish, close }: { finish(key: CreatedKey): void; close(): void }) {
  const form = useRef<HTMLFormElement>(null);
  const { role, filters } = caller.value!;
  useLayoutEffect(() => form.current!.querySelector<HTMLElement>("[name=name]")!.focus(), []);
  const { busy, problem, submit } = useSubmit(async (field) =>
    finish(await addKey({ name: field("name").trim(), role: field("role") as Role, filters: filtersFrom(field("filters")), days: Number(field("days")) })),
  );
  return (
    <form ref={form} class="reply entry-form" aria-label="Make an API key" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <label><span>Name <small>what the key is for</small></span><input name="name" maxLength={64} autocomplete="off" required /></label>
      <RoleField roles={rolesUpTo(role)} value="viewer" />
      <FiltersField value={filtersText(filters)} />
      <label><span>Days <small>until it ends, at most {MOST_DAYS}</small></span><input name="days" type="number" min={1} max={MOST_DAYS} defaultValue={`${DAYS}`} required /></label>
      <Problem of={problem} what="Not made" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Making…" : "Make"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
