import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { addCredential, fetchCredentials, revokeCredential, type CreatedCredential, type Credential } from "../api/devices";
import { CodeBlock } from "../ui/CodeBlock";
import { Confirm } from "../ui/Confirm";
import { Fact, Problem } from "../ui/Facts";
import { useLoaded } from "../ui/loaded";
import { Text } from "../ui/Text";
import { visible } from "../ui/visible";
import { When } from "../ui/When";
import { CredentialForm } from "./CredentialForm";
import { inForceText } from "./states";

/** What a device logs in with over MQTT. */
export function Credentials({ device }: { device: string }) {
  const { found, problem, reload } = useLoaded(() => fetchCredentials(device));
  const [isAdding, setAdding] = useState(false);
  const [created, setCreated] = useState<CreatedCredential | null>(null);
  const [revoked, setRevoked] = useState("");
  const add = useRef<HTMLButtonElement>(null);
  const close = () => {
    setAdding(false);
    setCreated(null);
    add.current?.focus();
  };
  const finish = async (credential: CreatedCredential) => {
    setAdding(false);
    setCreated(credential);
    await reload();
  };
  const replace = async ({ rights, client_id, certificate_only }: Credential) => {
    setRevoked("");
    await finish(await addCredential(device, { rights, client_id, certificate_only }));
  };
  const noteRevoked = async (user: string, isInForce: boolean) => {
    setRevoked(`Revoked ${visible(user)}. ${inForceText(isInForce, true)}`);
    add.current?.focus();
    await reload();
  };
  return (
    <section class="panel" aria-labelledby="credentials-title">
      <h2 id="credentials-title">Credentials</h2>
      <div class="entry-tools">
        <p class="view-note">With a credential of its own, this device alone publishes its readings. To replace one, make a new one with the same rights, let the device use it, and revoke the old one: both are valid meanwhile.</p>
        <button ref={add} class="button" aria-expanded={isAdding} onClick={() => (setCreated(null), setRevoked(""), setAdding(!isAdding))}>New credential…</button>
      </div>
      {isAdding && <CredentialForm device={device} finish={finish} close={close} />}
      {created && <Created of={created} close={close} />}
      <p class="device-revoked" role="status" data-testid="revoked">{revoked}</p>
      <Problem of={problem} what="The credentials could not be loaded" />
      {!found && !problem && <p class="nothing" role="status">Loading…</p>}
      {found?.length === 0 && <p class="nothing" data-testid="no-credentials">No credentials yet</p>}
      <ul class="entry-list entry-cards">{found?.map((one) => <Row key={one.user} of={one} noteRevoked={noteRevoked} replace={replace} />)}</ul>
    </section>
  );
}

/** The user and the password, this once. */
function Created({ of: { user, password, in_force }, close }: { of: CreatedCredential; close(): void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => heading.current!.focus(), []);
  return (
    <div class="entry-secret" data-testid="new-credential">
      <h3 ref={heading} tabIndex={-1}>The credential <Text of={user} /></h3>
      <p>User:</p>
      <CodeBlock text={user} label="the user" />
      {password === undefined ? <Certificate user={user} /> : (
        <>
          <p>Password. Copy it now and keep it safe: it is shown only this once.</p>
          <CodeBlock text={password} label="the password" />
        </>
      )}
      <p data-testid="in-force">{inForceText(in_force, false)}</p>
      <button class="button" onClick={close}>{password === undefined ? "Close" : "I have copied it"}</button>
    </div>
  );
}

function Certificate({ user }: { user: string }) {
  return (
    <>
      <p>There is no password: the device connects over TLS with a certificate whose common name is the user. This command makes one:</p>
      <CodeBlock text={`millrace ca client ${user}`} label="the command that makes a certificate" />
    </>
  );
}

interface RowProps {
  of: Credential;
  noteRevoked(user: string, isInForce: boolean): Promise<void>;
  replace(of: Credential): Promise<void>;
}

function Row({ of, noteRevoked, replace }: RowProps) {
  const { user, rights, client_id, certificate_only, created_at } = of;
  const revoke = async () => noteRevoked(user, await revokeCredential(of));
  return (
    <li data-testid="credential" data-user={user}>
      <div class="entry-line">
        <h3><Text of={user} /></h3>
        <span class="entry-tag">{certificate_only ? "certificate only" : "password"}</span>
      </div>
      <dl class="entry-facts">
        <Fact name="Made"><When at={created_at} /></Fact>
        {rights.length > 0 && <Fact name="Further rights">{rights.map((right, place) => <>{place > 0 && ", "}<code key={right}><Text of={right} /></code></>)}</Fact>}
        {client_id !== null && <Fact name="Client ids begin with"><code><Text of={client_id} /></code></Fact>}
      </dl>
      <div class="replies">
        <Confirm name="Replace" label={`Replace ${visible(user)}`} sure="Make a new one beside it, with the same rights" failed="Not replaced" act={() => replace(of)} />
        <Confirm name="Revoke" label={`Revoke ${visible(user)}`} sure="Revoke it for good: who is connected with it is cut off" failed="Not revoked" act={revoke} />
      </div>
    </li>
  );
}
