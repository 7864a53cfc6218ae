/**
 * Where the link leads that stops invite emails. Nothing changes before the button is
 * pressed: scanners open links, too.
 */

import { useEffect, useState } from "preact/hooks";
import { Refusal, ask, told } from "../api.js";
import { Button } from "../parts/button.jsx";
import { TopBar } from "../parts/top-bar.jsx";
import { setTitle } from "../brand.js";
import { words } from "../words.js";

/** @typedef {"asks" | "stopped" | "allowed" | "unknown"} State */

/** The token may have been lengthened by a sentence around the link. */
function apiPath() {
  const [token = ""] = /[\w-]+/.exec(location.pathname.split("/opt-outs/")[1] ?? "") ?? [];
  return `/v1/opt-outs/${token}`;
}

export function OptOutPage() {
  const [path] = useState(apiPath);
  const [state, setState] = useState(/** @type {State} */ ("asks"));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const { title, text, action, allow } = words.optOut;

  useEffect(() => {
    setTitle(title[state]);
  }, [state]);

  /** @param {"POST" | "DELETE"} method @param {State} next */
  const change = async (method, next) => {
    setBusy(true);
    setError(null);
    try {
      await ask(method, path, { anonymous: true });
      setState(next);
    } catch (error) {
      if (error instanceof Refusal && error.code === "invite_not_found") {
        setState("unknown");
      } else {
        setError(error);
      }
    }
    setBusy(false);
  };

  return (
    <>
      <TopBar />
      <main id="content" class="page page-card" tabIndex={-1}>
        <div class="card invite-card told" role="status" data-testid={`opt-out-${state}`}>
          <h1>{title[state]}</h1>
          <p class="muted">{text[state]}</p>
          {error !== null && <p role="alert">{told(error)}</p>}
          {(state === "asks" || state === "allowed") && (
            <Button look="main" busy={busy} onPress={() => change("POST", "stopped")}>
              {action}
            </Button>
          )}
          {(state === "asks" || state === "stopped") && (
            <Button look="plain" busy={busy} onPress={() => change("DELETE", "allowed")}>
              {allow}
            </Button>
          )}
        </div>
      </main>
    </>
  );
}
