/** While something is loaded, or could not be. */

import { useCallback, useEffect, useState } from "preact/hooks";
import { ask, told } from "../api.js";
import { SignInError, signOut } from "../sign-in.js";
import { words } from "../words.js";
import { Button } from "./button.jsx";

/** Lines where text will be, so that nothing jumps. @param {{ lines?: number }} props */
export function Skeleton({ lines = 3 }) {
  return (
    <div class="skeleton" aria-busy="true">
      <span class="hidden-text">{words.loading}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} class="skeleton-line" aria-hidden="true" />
      ))}
    </div>
  );
}

/** @param {{ error: unknown, onRetry: () => void }} props */
export function Failed({ error, onRetry }) {
  return (
    <div class="failed" role="alert">
      <p>{told(error)}</p>
      <Button onPress={onRetry}>{words.retry}</Button>
      {error instanceof SignInError && error.reason === "not_accepted" && (
        <Button onPress={() => void signOut()}>{words.bar.signOut}</Button>
      )}
    </div>
  );
}

/** @param {{ onPress: () => Promise<void>, label?: string }} props */
export function LoadMore({ onPress, label = words.loadMore }) {
  const [busy, setBusy] = useState(false);
  return (
    <div class="load-more">
      <Button
        busy={busy}
        onPress={async () => {
          setBusy(true);
          await onPress();
          setBusy(false);
        }}
      >
        {label}
      </Button>
    </div>
  );
}

/**
 * What the API has at a path. It is asked for again whenever `fresh` is another.
 *
 * @template T
 * @param {string} path
 * @param {unknown} [fresh]
 * @returns {{ found: T | null, setFound: (found: T) => void, error: unknown, load: () => Promise<void> }}
 */
export function useFound(path, fresh) {
  const [found, setFound] = useState(/** @type {T | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = useCallback(async () => {
    setError(null);
    try {
      setFound(await ask("GET", path));
    } catch (error) {
      setError(error);
    }
  }, [path]);
  useEffect(() => void load(), [fresh, load]);
  return { found, setFound, error, load };
}
