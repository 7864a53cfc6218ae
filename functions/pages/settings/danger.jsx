/** What cannot simply be undone: handing the creator's place over, and deleting. */

import { useEffect, useId, useState } from "preact/hooks";
import { ask } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Confirm, Dialog } from "../parts/dialog.jsx";
import { Problem, useForm } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { words } from "../words.js";
import { shownName } from "./members.jsx";
import { Section } from "./section.jsx";

/** @import { DeletedView, OrganizationView, SettingsView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** Whether the section has anything to offer. @param {SettingsView} settings */
export function offersDanger({ may }) {
  return may.hand_over.allowed || may.delete_organization.allowed;
}

/** A deleted organization, and the time until which it can be restored. @typedef {{ name: string, until: string | null }} Deleted */

/** @param {{ page: SettingsState, settings: SettingsView, onDeleted: (deleted: Deleted) => void }} props */
export function Danger({ page, settings, onDeleted }) {
  const [open, setOpen] = useState(/** @type {"hand-over" | "delete" | null} */ (null));
  const close = () => setOpen(null);
  const { may } = settings;
  if (!offersDanger(settings)) {
    return null;
  }
  return (
    <Section id="danger" title={words.settings.danger}>
      <div class="card danger">
        {may.hand_over.allowed && (
          <div class="danger-line">
            <div>
              <p class="strong">{words.danger.handOver}</p>
              <p class="muted small">{words.danger.handOverText}</p>
            </div>
            <Button onPress={() => setOpen("hand-over")}>{words.danger.handOver}</Button>
          </div>
        )}
        {may.delete_organization.allowed && (
          <div class="danger-line">
            <div>
              <p class="strong">{words.danger.delete}</p>
              <p class="muted small">{words.danger.deleteText}</p>
            </div>
            <Button look="danger" onPress={() => setOpen("delete")}>
              {words.danger.delete}
            </Button>
          </div>
        )}
      </div>
      {open === "hand-over" && <HandOver page={page} settings={settings} onClose={close} />}
      {open === "delete" && <Delete page={page} name={settings.organization.name} onClose={close} onDeleted={onDeleted} />}
    </Section>
  );
}

/** @param {{ page: SettingsState, settings: SettingsView, onClose: () => void }} props */
function HandOver({ page, settings, onClose }) {
  const id = useId();
  const owners = settings.members.items.filter((member) => member.role === "owner" && !member.is_creator);
  const [chosen, setChosen] = useState("");
  const to = owners.find((owner) => owner.user_id === chosen) ?? owners[0];
  // An owner may be far down the list.
  const more = settings.members.next_cursor !== null;
  useEffect(() => {
    if (more) {
      void page.more("members", Infinity);
    }
  }, [more]);
  if (!to) {
    return (
      <Dialog title={words.danger.handOverTitle} onClose={onClose}>
        <p class="dialog-text">{words.danger.noOwner}</p>
        <div class="dialog-actions">
          <Button onPress={onClose}>{words.danger.close}</Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={words.danger.handOverTitle}
      action={words.danger.handOver}
      onClose={onClose}
      onConfirm={async () => {
        /** @type {OrganizationView} */
        const organization = await ask("PUT", `${page.path}/creator`, { body: { user_id: to.user_id } });
        page.update((settings) => ({ ...settings, organization }));
        onClose();
        notify.done(words.danger.handedOver(shownName(to)));
        await page.refresh();
      }}
    >
      <p>{words.danger.handOverWarning(settings.organization.name)}</p>
      <label class="label" for={id}>
        {words.danger.newCreator}
      </label>
      <select id={id} class="input" value={to.user_id} onChange={(event) => setChosen(event.currentTarget.value)}>
        {owners.map((owner) => (
          <option key={owner.user_id} value={owner.user_id}>
            {shownName(owner)}
          </option>
        ))}
      </select>
    </Confirm>
  );
}

/** @param {{ page: SettingsState, name: string, onClose: () => void, onDeleted: (deleted: Deleted) => void }} props */
function Delete({ page, name, onClose, onDeleted }) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const form = useForm(async () => {
    /** @type {DeletedView} */
    const deleted = await ask("DELETE", page.path);
    onDeleted({ name, until: deleted.restorable_until });
  });
  const may = { allowed: typed.trim() === name.trim(), reason: words.danger.typeFirst };
  return (
    <Dialog title={words.danger.deleteTitle(name)} onClose={onClose}>
      <form {...form.attributes}>
        <div class="dialog-text">
          <p>{words.danger.deleteWarning}</p>
          <label class="label" for={id}>
            {words.danger.typeName(name)}
          </label>
          <input id={id} class="input" dir="auto" autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </div>
        <Problem text={form.problem} />
        <div class="dialog-actions">
          <Button onPress={onClose}>{words.cancel}</Button>
          <Button look="danger" submits may={may} busy={form.busy}>
            {words.danger.delete}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/**
 * Stands in place of a deleted organization, for taking it back.
 *
 * @param {{ path: string, deleted: Deleted, onRestored: () => void }} props
 */
export function DeletedCard({ path, deleted, onRestored }) {
  const form = useForm(async () => {
    await ask("POST", `${path}/restore`);
    notify.done(words.danger.restored(deleted.name));
    onRestored();
  });
  return (
    <div class="card notice-page" data-testid="deleted">
      <h1>{words.danger.deletedTitle(deleted.name)}</h1>
      <p class="muted">{deleted.until && words.danger.deletedText(format.day(deleted.until))}</p>
      <Problem text={form.problem} />
      <div class="dialog-actions">
        <Button busy={form.busy} onPress={form.submit}>
          {words.danger.restore}
        </Button>
        <a class="button button-main" href="/account/settings">
          {words.settings.toAccount}
        </a>
      </div>
    </div>
  );
}
