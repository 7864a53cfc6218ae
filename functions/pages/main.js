/**
 * Where the pages begin.
 */

import { completeSignIn, idToken, person, signIn } from "./sign-in.js";

if (location.pathname === "/auth/callback") {
  location.replace(await completeSignIn());
} else if (idToken()) {
  document.body.append(person()?.email ?? "");
} else {
  await signIn(location.pathname + location.search);
}
