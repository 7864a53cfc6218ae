/** Where the pages begin: which one it is, and whether it takes a sign-in. */

import { render } from "preact";
import { AccountPage } from "./account/page.jsx";
import { told } from "./api.js";
import { CallbackPage } from "./callback.jsx";
import { HomePage, NotFoundPage } from "./home.jsx";
import { OptOutPage } from "./invite/opt-out.jsx";
import { InvitePage } from "./invite/page.jsx";
import { Boundary } from "./parts/boundary.jsx";
import { Foot } from "./parts/foot.jsx";
import { Notices, notify } from "./parts/notices.jsx";
import { SUB_PAGES, hereNow } from "./places.js";
import { SettingsPage } from "./settings/page.jsx";
import { endWithOthers, idToken, renew, signIn } from "./sign-in.js";
import { bringBackTyped } from "./typed.js";
import { words } from "./words.js";

/** @import { ComponentType } from "preact" */

/** @type {[RegExp, ComponentType, boolean][]} */
const PAGES = [
  [/^\/$/, HomePage, false],
  [new RegExp(`^/dashboard/organization-settings(/(${Object.values(SUB_PAGES).join("|")}))?/?$`), SettingsPage, true],
  [/^\/account\/settings\/?$/, AccountPage, true],
  [/^\/invites\/[^/]+\/?$/, InvitePage, false],
  [/^(\/v1)?\/opt-outs\/[^/]+\/?$/, OptOutPage, false],
  [/^\/auth\/callback\/?$/, CallbackPage, false],
];

const [, Page, signedIn] = PAGES.find(([path]) => path.test(location.pathname)) ?? [null, NotFoundPage, false];
const root = document.getElementById("page");
if (root) {
  endWithOthers(signedIn);
  /** @param {ComponentType} Shown */
  const show = (Shown) =>
    render(
      <>
        <Boundary told={words.errors.page}>
          <Shown />
        </Boundary>
        <Foot />
        <Notices />
      </>,
      root,
    );
  if (signedIn && !idToken() && !(await renew().catch(() => null))) {
    try {
      await signIn(hereNow());
    } catch (error) {
      show(HomePage);
      notify.failed(told(error));
    }
  } else {
    const typed = signedIn && bringBackTyped();
    show(Page);
    if (typed) {
      notify.done(words.signIn.typed, { stays: true });
    }
  }
}
