/** The foot of every page: the way back into the product, help, and the fine print. */

import { footLinks } from "../brand.js";
import { words } from "../words.js";

export function Foot() {
  if (footLinks.length === 0) return null;
  return (
    <footer class="foot">
      <nav aria-label={words.foot.title}>
        <ul class="plain-list foot-list">
          {footLinks.map(({ label, url }) => (
            <li key={label}>
              <a href={url}>{label}</a>
            </li>
          ))}
        </ul>
      </nav>
    </footer>
  );
}
