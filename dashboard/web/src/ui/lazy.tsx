import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

/** A component that is loaded when it is first drawn; until then `Waiting` stands in its place. */
export function lazy<P = object>(load: () => Promise<FunctionComponent<P>>, Waiting: FunctionComponent): FunctionComponent<P> {
  const loaded = signal<FunctionComponent<P> | null>(null);
  const failed = signal(false);
  let loading: Promise<void> | null = null;
  const begin = async () => {
    try {
      loaded.value = await load();
    } catch {
      failed.value = true;
    }
  };
  return function Lazy(props: P) {
    useEffect(() => void (loading ??= begin()), []);
    if (failed.value) return <NotLoaded />;
    const Part = loaded.value;
    return Part ? <Part {...(props as P & object)} /> : <Waiting />;
  };
}

/** The server is unreachable, or was updated and no longer has the files of this page. */
function NotLoaded() {
  return (
    <section class="panel not-loaded" data-testid="not-loaded">
      <p>This part of the page could not be loaded: the server does not answer, or it was updated.</p>
      <button class="button" onClick={() => location.reload()}>Reload the page</button>
    </section>
  );
}
