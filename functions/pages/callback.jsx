/** Where the sign-in provider leads back to. */

import { useEffect, useState } from "preact/hooks";
import { told } from "./api.js";
import { Button } from "./parts/button.jsx";
import { notify } from "./parts/notices.jsx";
import { completeSignIn, signIn } from "./sign-in.js";
import { words } from "./words.js";

export function CallbackPage() {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    completeSignIn().then((returnTo) => location.replace(returnTo), setError);
  }, []);
  return (
    <main id="content" class="page page-card" tabIndex={-1}>
      {error === null ? (
        <p class="signing-in" role="status">
          <span class="spinner" aria-hidden="true" /> {words.signIn.working}
        </p>
      ) : (
        <div class="card invite-card told" role="alert">
          <h1>{words.signIn.failed}</h1>
          <p class="muted">{told(error)}</p>
          <p class="invite-actions">
            <Button look="main" onPress={() => signIn("/dashboard/organization-settings").catch(notify.failed)}>
              {words.signIn.again}
            </Button>
            <a class="button button-plain" href="/">
              {words.signIn.home}
            </a>
          </p>
        </div>
      )}
    </main>
  );
}
