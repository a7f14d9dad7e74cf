import type { DeviceDetails } from "../api/devices";
import { Fact } from "../ui/Facts";
import { Text } from "../ui/Text";
import { When } from "../ui/When";

/** By which connection the device speaks. */
export function ConnectionFacts({ of: { connection } }: { of: DeviceDetails }) {
  return (
    <section class="panel" aria-labelledby="connection-title" data-testid="device-connection">
      <h2 id="connection-title">Connection</h2>
      {connection === null ? <p class="nothing">Not connected now, as far as this broker knows: it may use HTTP, or another broker</p> : (
        <dl class="entry-facts">
          <Fact name="Client id"><code><Text of={connection.client_id} /></code></Fact>
          {connection.user !== null && <Fact name="User"><Text of={connection.user} /></Fact>}
          <Fact name="Address"><Text of={connection.address} /></Fact>
          <Fact name="Since"><When at={connection.since} /></Fact>
          <Fact name="Last will">{connection.last_will === null ? "none" : <><code><Text of={connection.last_will.topic} /></code>: <code><Text of={connection.last_will.payload} /></code>{connection.last_will.retain && ", retained"}</>}</Fact>
        </dl>
      )}
    </section>
  );
}
