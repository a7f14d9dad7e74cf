import { useEffect, useRef, useState } from "preact/hooks";
import { cancelCommand, fetchCommands, makeCommand, type Command } from "../api/commands";
import type { Device } from "../api/devices";
import { fetchTypes, type TypeCommand } from "../api/types-of-devices";
import { may } from "../live/caller";
import { Fact, Problem } from "../ui/Facts";
import { useFirstField } from "../ui/first-field";
import { useLoaded } from "../ui/loaded";
import { done } from "../ui/status";
import { useSubmit } from "../ui/submit";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { When } from "../ui/When";
import { CommandFields } from "./CommandFields";
import { commandFrom, isOpen, stateText } from "./command-form";

const REFRESH_MS = 2000;

/** What the device was asked to do, and what became of it. */
export function Commands({ of: { name: device, type } }: { of: Device }) {
  const { found, problem, reload } = useLoaded(() => fetchCommands(device));
  const [isOpenForm, setOpen] = useState(false);
  const make = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const refreshing = setInterval(() => void reload(), REFRESH_MS);
    return () => clearInterval(refreshing);
  }, []);
  const close = () => {
    setOpen(false);
    make.current?.focus();
  };
  const finish = async ({ command }: Command) => {
    close();
    done.value = `Made the command ${visible(command)}.`;
    await reload();
  };
  return (
    <section class="panel" aria-labelledby="commands-title">
      <h2 id="commands-title">Commands</h2>
      {may("command") && (
        <div class="entry-tools">
          <p class="view-note">A command is sent again until the device answers, and not after its time. A device carries out one at a time.</p>
          <button ref={make} class="button" aria-expanded={isOpenForm} onClick={() => setOpen(!isOpenForm)}>New command…</button>
        </div>
      )}
      {isOpenForm && <CommandForm device={device} type={type} finish={finish} close={close} />}
      <Problem of={problem} what="The commands could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-commands">No commands yet</p>}
      <ul class="entry-list entry-cards">{found?.map((one) => <Row key={one.id} of={one} reload={reload} />)}</ul>
    </section>
  );
}

interface FormProps {
  device: string;
  type: string | null;
  finish(command: Command): Promise<void>;
  close(): void;
}

/** The form waits for the type of the device, which says what the commands are; without one, any can be sent. */
function CommandForm({ type, ...props }: FormProps) {
  const { found, problem } = useLoaded(() => knownBy(type));
  if (!found && !problem) return <p class="nothing" role="status">Loading…</p>;
  return <Form {...props} known={found ?? []} />;
}

async function knownBy(type: string | null): Promise<TypeCommand[]> {
  if (type === null) return [];
  return (await fetchTypes()).find(({ name }) => name === type)?.commands ?? [];
}

function Form({ device, known, finish, close }: Omit<FormProps, "type"> & { known: TypeCommand[] }) {
  const form = useFirstField();
  const { busy, problem, submit } = useSubmit(async (field) => finish(await makeCommand(commandFrom(device, field, known))));
  return (
    <form ref={form} class="reply entry-form" aria-label={`New command to ${visible(device)}`} onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && (event.stopPropagation(), close())}>
      <CommandFields known={known} />
      <Problem of={problem} what="Not made" />
      <div class="replies">
        <button class="button main" aria-disabled={busy}>{busy ? "Making…" : "Send"}</button>
        <button class="button" type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}

function Row({ of, reload }: { of: Command; reload(): Promise<void> }) {
  const { id, n, command, args, state, created_by, created_at, sent_at, accepted_at, ended_at, result } = of;
  const [problem, setProblem] = useState("");
  const cancel = async () => {
    try {
      await cancelCommand(id);
      done.value = `Cancelled the command ${visible(command)}.`;
      document.getElementById("commands-title")?.focus();
    } catch (error) {
      setProblem((error as Error).message);
    }
    await reload();
  };
  return (
    <li data-testid="command" data-id={id} data-state={state}>
      <div class="entry-line">
        <h3><Text of={command} /></h3>
        <span class="entry-tag"><Text of={stateText(of)} /></span>
      </div>
      <dl class="entry-facts">
        <Fact name="Number">{n}</Fact>
        {args !== null && <Fact name="Arguments"><code><Text of={JSON.stringify(args)} /></code></Fact>}
        <Fact name="Made"><When at={created_at} />{created_by !== null && <> by <Text of={created_by} /></>}</Fact>
        {sent_at !== null && <Fact name="Sent"><When at={sent_at} beside={created_at} /></Fact>}
        {accepted_at !== null && <Fact name="Accepted"><When at={accepted_at} beside={created_at} /></Fact>}
        {ended_at !== null && <Fact name="Ended"><When at={ended_at} beside={created_at} /></Fact>}
        {result !== null && <Fact name="Result"><code><Text of={JSON.stringify(result)} /></code></Fact>}
      </dl>
      <Problem of={problem} what="Not cancelled" />
      {isOpen(of) && may("command") && <div class="replies"><button class="button" aria-label={`Cancel ${visible(command)}, number ${n}`} onClick={cancel}>Cancel</button></div>}
    </li>
  );
}
