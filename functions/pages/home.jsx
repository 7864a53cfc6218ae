/** The first page: what this is, and the way in. */

import { useEffect, useState } from "preact/hooks";
import { productName, setTitle } from "./brand.js";
import { Button } from "./parts/button.jsx";
import { notify } from "./parts/notices.jsx";
import { TopBar } from "./parts/top-bar.jsx";
import { person, signIn } from "./sign-in.js";
import { words } from "./words.js";

export function HomePage() {
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setTitle(productName);
  }, []);
  return (
    <>
      <TopBar />
      <main id="content" class="page page-home" tabIndex={-1}>
        <h1 class="home-title">{words.home.title}</h1>
        <p class="home-lead muted">{words.home.lead}</p>
        <p class="home-actions">
          {person() ? (
            <>
              <a class="button button-main" href="/dashboard/organization-settings">
                {words.home.open}
              </a>
              <a class="button button-plain" href="/account/settings">
                {words.home.account}
              </a>
            </>
          ) : (
            <Button
              look="main"
              busy={busy}
              testid="home-sign-in"
              onPress={async () => {
                setBusy(true);
                try {
                  await signIn("/dashboard/organization-settings");
                } catch (error) {
                  notify.failed(error);
                  setBusy(false);
                }
              }}
            >
              {words.home.signIn}
            </Button>
          )}
        </p>
        <ul class="plain-list points">
          {words.home.points.map(([title, text]) => (
            <li key={title}>
              <h2>{title}</h2>
              <p class="muted">{text}</p>
            </li>
          ))}
        </ul>
      </main>
    </>
  );
}

export function NotFoundPage() {
  return (
    <>
      <TopBar />
      <main id="content" class="page page-card" tabIndex={-1}>
        <div class="card invite-card told">
          <h1>{words.notFound.title}</h1>
          <p class="muted">{words.notFound.text}</p>
          <p>
            <a class="button button-main" href="/">
              {words.notFound.home}
            </a>
          </p>
        </div>
      </main>
    </>
  );
}
