/** The organization itself. Its name is changed where it stands. */

import { useEffect, useRef } from "preact/hooks";
import { ask } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Copy } from "../parts/copy.jsx";
import { Problem, useForm } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { useTyped } from "../typed.js";
import { words } from "../words.js";
import { Section } from "./section.jsx";
import { isReader } from "./state.js";

/** @import { OrganizationView, SettingsView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function General({ page, settings }) {
  const { organization } = settings;
  return (
    <Section id="general" title={words.settings.general} text={words.general.text}>
      <dl class="card facts">
        <div class="fact">
          <dt>{words.general.name}</dt>
          <dd>
            <Name page={page} settings={settings} />
          </dd>
        </div>
        <div class="fact">
          <dt>{words.general.id}</dt>
          <dd>
            <Copy text={organization.id} label={words.general.copyId} testid="organization-id" />
          </dd>
        </div>
        <div class="fact">
          <dt>{words.general.created}</dt>
          <dd>{format.day(organization.created_at)}</dd>
        </div>
        <div class="fact">
          <dt>{words.general.yourRole}</dt>
          <dd>
            {words.roles[organization.role]} <span class="muted">· {words.roleMeanings[organization.role]}</span>
          </dd>
        </div>
        {settings.email_in_use && (
          <div class="fact" data-testid="email-in-use">
            <dt>{words.general.yourEmail}</dt>
            <dd>
              <bdi>{settings.me.email}</bdi> <span class="muted">· {words.general.emailInUse(settings.email_in_use)}</span>
            </dd>
          </div>
        )}
      </dl>
    </Section>
  );
}

/** @param {{ page: SettingsState, settings: SettingsView }} props */
function Name({ page, settings }) {
  const { organization, may } = settings;
  /** What was there when the typing began; `null` while nobody types. */
  const [begun, setBegun] = useTyped(`${page.path} begun`, /** @type {string | null} */ (null));
  const line = useRef(/** @type {HTMLDivElement | null} */ (null));
  if (begun !== null) {
    const close = () => {
      setBegun(null);
      requestAnimationFrame(() => line.current?.querySelector("button")?.focus());
    };
    return <NameForm page={page} organization={organization} begun={begun} onClose={close} />;
  }
  return (
    <div ref={line} class="name-line">
      <bdi class="strong" data-testid="organization-name">
        {organization.name}
      </bdi>
      {!isReader(settings) && (
        <Button look="quiet" may={may.update_organization} onPress={() => setBegun(organization.name)}>
          {words.general.rename}
        </Button>
      )}
    </div>
  );
}

/** @param {{ page: SettingsState, organization: OrganizationView, begun: string, onClose: () => void }} props */
function NameForm({ page, organization, begun, onClose }) {
  const [typed, setTyped] = useTyped(`${page.path} name`, begun);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => input.current?.select(), []);
  const form = useForm(
    async () => {
      if (typed !== organization.name) {
        try {
          /** @type {OrganizationView} */
          const renamed = await ask("PATCH", page.path, { body: { name: typed } });
          page.update((settings) => ({ ...settings, organization: renamed }));
          notify.done(words.general.renamed(renamed.name));
        } catch (error) {
          void page.refresh();
          throw error;
        }
      }
      onClose();
    },
    { name: words.general.newName },
  );
  const problem = form.problemOf("name");
  return (
    <form class="name-form" {...form.attributes} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <input
        ref={input}
        class="input"
        dir="auto"
        aria-label={words.general.newName}
        aria-invalid={problem !== ""}
        aria-describedby="name-problem"
        autocomplete="off"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <Button look="main" submits busy={form.busy}>
        {words.save}
      </Button>
      <Button onPress={onClose}>{words.cancel}</Button>
      {organization.name !== begun && <p class="hint form-wide">{words.general.renamedMeanwhile(organization.name)}</p>}
      <div class="form-wide">
        <Problem id="name-problem" text={problem || form.problem} />
      </div>
    </form>
  );
}
