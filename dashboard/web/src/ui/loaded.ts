import { useEffect, useState } from "preact/hooks";

export interface Loaded<T> {
  found: T | null;
  problem: string;
  reload(): Promise<void>;
}

/** What the server answers now, and again when `reload` is called. An answer that comes too late is dropped. */
export function useLoaded<T>(load: () => Promise<T>, of: unknown = null): Loaded<T> {
  const [found, setFound] = useState<T | null>(null);
  const [problem, setProblem] = useState("");
  const [turns] = useState({ last: 0 });
  const reload = async () => {
    const turn = ++turns.last;
    const keep = <V>(set: (value: V) => void) => (value: V) => turn === turns.last && set(value);
    await load().then(
      keep((answer: T) => (setFound(() => answer), setProblem(""))),
      keep((error: Error) => setProblem(error.message)),
    );
  };
  useEffect(() => {
    void reload();
    return () => void turns.last++;
  }, [of]);
  return { found, problem, reload };
}
