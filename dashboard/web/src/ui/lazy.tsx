import { signal } from "@preact/signals";
import type { FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";

/** A part of the page that is loaded when it is first drawn; until then something else stands there. */
export function later(load: () => Promise<FunctionComponent>, Waiting: FunctionComponent): FunctionComponent {
  const loaded = signal<FunctionComponent | null>(null);
  const failed = signal(false);
  let asked: Promise<void> | null = null;
  const begin = async () => {
    try {
      loaded.value = await load();
    } catch {
      failed.value = true;
    }
  };
  return function Later() {
    useEffect(() => void (asked ??= begin()), []);
    if (failed.value) return <NotLoaded />;
    const Part = loaded.value ?? Waiting;
    return <Part />;
  };
}

/** A server that is away, or a newer one: it has other files, and this page is left over from before. */
function NotLoaded() {
  return (
    <section class="panel not-loaded" data-testid="not-loaded">
      <p>This part of the page could not be loaded. The server is away, or newer than the page.</p>
      <button class="button" onClick={() => location.reload()}>Load the page again</button>
    </section>
  );
}
