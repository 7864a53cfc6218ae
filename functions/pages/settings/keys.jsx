/** API keys. A secret is shown once, when it is made. */

import { useRef, useState } from "preact/hooks";
import { ask } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Copy } from "../parts/copy.jsx";
import { Confirm, Dialog } from "../parts/dialog.jsx";
import { focusNear } from "../parts/focus.js";
import { Field, Problem, useForm } from "../parts/form.jsx";
import { RowMenu } from "../parts/menu.jsx";
import { notify } from "../parts/notices.jsx";
import { Select } from "../parts/select.jsx";
import { Failed, Skeleton, useFound } from "../parts/waiting.jsx";
import { words } from "../words.js";
import { Section } from "./section.jsx";
import { isReader } from "./state.js";

/** @import { ApiKeyView, ListOfApiKeyView, SecretView, SettingsView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

const DAY = 86_400_000;
const EXPIRIES = [30, 90, 365];
/** What the API takes where nothing is said. */
const USUAL_GRACE = 86_400;

/** @typedef {{ what: "create" } | { what: "edit" | "rotate" | "revoke", key: ApiKeyView } | { what: "secret", key: ApiKeyView, secret: string }} Open */

/** A key's last use: the server keeps the hour of it. @param {string} hour */
function lastUse(hour) {
  const isThisHour = Date.now() - new Date(hour).getTime() < 2 * 3_600_000;
  return isThisHour ? words.keys.usedNow : words.keys.used(format.relative(hour));
}

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Keys({ page, settings }) {
  const [open, setOpen] = useState(/** @type {Open | null} */ (null));
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const path = `${page.path}/api-keys`;
  // Every refresh of the settings brings another organization.
  /** The limit keeps all within one page. @type {ReturnType<typeof useFound<ListOfApiKeyView>>} */
  const { found, setFound, error, load } = useFound(`${path}?limit=100`, settings.organization);
  const reads = isReader(settings);
  const keys = found?.items ?? [];
  const keyPath = (/** @type {ApiKeyView} */ key) => `${path}/${key.id}`;
  const close = () => setOpen(null);
  const none = found !== null && keys.length === 0;
  /** @param {ApiKeyView[]} items */
  const show = (items) => {
    setFound({ items, next_cursor: null });
    page.update((settings) => ({ ...settings, counts: { ...settings.counts, api_keys: items.length } }));
  };
  /** @param {ApiKeyView} key */
  const put = (key) => show(keys.some((one) => one.id === key.id) ? keys.map((one) => (one.id === key.id ? key : one)) : [...keys, key]);

  const create = (
    <Button look={none ? "main" : "plain"} may={settings.may.manage_api_keys} onPress={() => setOpen({ what: "create" })}>
      {words.keys.create}
    </Button>
  );
  return (
    <Section
      id="keys"
      title={words.settings.keys}
      count={found ? words.keys.count(keys.length, settings.counts.max_api_keys) : ""}
      text={words.keys.text}
      heading={heading}
      aside={none || reads ? undefined : create}
    >
      <div class="card">
        {error !== null && !found && <Failed error={error} onRetry={load} />}
        {!found && error === null && (
          <div class="form-card">
            <Skeleton lines={3} />
          </div>
        )}
        {found && none ? (
          <div class="empty">
            <p class="strong">{words.keys.none}</p>
            <p class="muted">{words.keys.noneText}</p>
            {!reads && create}
          </div>
        ) : (
          <ul ref={list} class="plain-list rows" aria-label={words.settings.keys} data-testid="api-keys">
            {keys.map((key) => (
              <li key={key.id} class="row row-keys" data-testid="api-key">
                <span class="key-text">
                  <span class="person-name">
                    <bdi>{key.name}</bdi>
                    <code>{key.hint}</code>
                  </span>
                  <span class="muted small">
                    <bdi>{words.keys.by(key.created_by?.name ?? null, format.day(key.created_at))}</bdi>
                  </span>
                  {key.previous_secret_valid_until && new Date(key.previous_secret_valid_until).getTime() > Date.now() && (
                    <span class="soon small">{words.keys.grace(format.moment(key.previous_secret_valid_until))}</span>
                  )}
                </span>
                <span class="muted small key-times">
                  <span>{key.last_used_at ? lastUse(key.last_used_at) : words.keys.unused}</span>
                  {key.expires_at && <Expiry at={key.expires_at} />}
                </span>
                <span class="row-end">
                  {!reads && (
                    <RowMenu
                      label={words.actionsFor(key.name)}
                      items={() => [
                        { text: words.keys.edit, may: key.may.update, onChoose: () => setOpen({ what: "edit", key }) },
                        { text: words.keys.rotate, hint: words.keys.rotateHint, may: key.may.rotate, onChoose: () => setOpen({ what: "rotate", key }) },
                        { text: words.keys.revoke, danger: true, may: key.may.revoke, onChoose: () => setOpen({ what: "revoke", key }) },
                      ]}
                    />
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
      {open?.what === "create" && (
        <KeyForm
          title={words.keys.create}
          action={words.keys.create}
          onClose={close}
          onSave={async ({ name, expires_at }) => {
            /** @type {SecretView} */
            const made = await ask("POST", path, { body: { name, ...(expires_at ? { expires_at } : {}) } });
            put(made.api_key);
            setOpen({ what: "secret", key: made.api_key, secret: made.secret });
          }}
        />
      )}
      {open?.what === "edit" && (
        <KeyForm
          title={words.keys.editTitle(open.key.name)}
          action={words.save}
          edited={open.key}
          onClose={close}
          onSave={async (wish) => {
            /** @type {ApiKeyView} */
            const changed = await ask("PATCH", keyPath(open.key), { body: wish });
            put(changed);
            notify.done(words.keys.changed(changed.name));
            close();
          }}
        />
      )}
      {open?.what === "rotate" && (
        <Rotate
          name={open.key.name}
          onClose={close}
          onRotate={async (grace) => {
            /** @type {SecretView} */
            const made = await ask("POST", `${keyPath(open.key)}/rotate`, { body: { grace_period_seconds: grace } });
            put(made.api_key);
            setOpen({ what: "secret", key: made.api_key, secret: made.secret });
          }}
        />
      )}
      {open?.what === "revoke" && (
        <Confirm
          title={words.keys.revokeTitle(open.key.name)}
          action={words.keys.revoke}
          onClose={close}
          onConfirm={async () => {
            await ask("DELETE", keyPath(open.key));
            const index = keys.findIndex((key) => key.id === open.key.id);
            close();
            show(keys.filter((key) => key.id !== open.key.id));
            notify.done(words.keys.revoked(open.key.name));
            focusNear(list.current, index, heading.current);
          }}
        >
          <p>{words.keys.revokeText}</p>
        </Confirm>
      )}
      {open?.what === "secret" && (
        <Dialog title={words.keys.secretTitle} onClose={close} stays>
          <p class="dialog-text">{words.keys.secretText}</p>
          <div class="secret" role="group" aria-label={words.keys.secret}>
            <Copy text={open.secret} label={words.keys.copySecret} testid="secret" />
          </div>
          <div class="dialog-actions">
            <Button look="main" onPress={close}>
              {words.keys.stored}
            </Button>
          </div>
        </Dialog>
      )}
    </Section>
  );
}

/** @param {{ at: string }} props */
function Expiry({ at }) {
  const left = new Date(at).getTime() - Date.now();
  return (
    <time dateTime={at} title={format.moment(at)} class={left < 7 * DAY ? "soon" : ""}>
      {left > 0 ? words.keys.expires(format.relative(at)) : words.keys.expired(format.relative(at))}
    </time>
  );
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} props.action
 * @param {ApiKeyView} [props.edited]
 * @param {() => void} props.onClose
 * @param {(wish: { name: string, expires_at?: string | null }) => Promise<void>} props.onSave
 */
function KeyForm({ title, action, edited, onClose, onSave }) {
  const [name, setName] = useState(edited?.name ?? "");
  const [expiry, setExpiry] = useState(edited ? "keep" : "never");
  /** @type {[string, string][]} */
  const expiries = EXPIRIES.map((days) => [String(days), words.keys.expiryDays(days)]);
  if (!edited || edited.expires_at) {
    expiries.unshift(["never", words.keys.expiryNever]);
  }
  if (edited) {
    expiries.unshift(["keep", edited.expires_at ? format.moment(edited.expires_at) : words.keys.expiryNever]);
  }
  const form = useForm(
    async () => {
      if (expiry === "keep") {
        await onSave({ name });
      } else {
        const expires_at = expiry === "never" ? null : new Date(Date.now() + Number(expiry) * DAY).toISOString();
        await onSave({ name, expires_at });
      }
    },
    { name: words.keys.name, expires_at: words.keys.expiry },
  );
  return (
    <Dialog title={title} onClose={onClose}>
      <form class="dialog-form" {...form.attributes}>
        <Field form={form} name="name" hint={words.keys.nameHint}>
          {(field) => (
            <input
              {...field}
              class="input"
              dir="auto"
              autocomplete="off"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <label class="field">
          <span class="label">{words.keys.expiry}</span>
          <Select value={expiry} options={expiries} onChoose={setExpiry} />
        </label>
        <Problem text={form.problemOf("expires_at") || form.problem} />
        <div class="dialog-actions">
          <Button onPress={onClose}>{words.cancel}</Button>
          <Button look="main" submits busy={form.busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** @param {{ name: string, onClose: () => void, onRotate: (grace: number) => Promise<void> }} props */
function Rotate({ name, onClose, onRotate }) {
  const [grace, setGrace] = useState(USUAL_GRACE);
  return (
    <Confirm title={words.keys.rotateTitle(name)} action={words.keys.rotate} danger={false} onClose={onClose} onConfirm={() => onRotate(grace)}>
      <p>{words.keys.rotateText}</p>
      <label class="field">
        <span class="label">{words.keys.graceLabel}</span>
        <Select
          value={String(grace)}
          options={words.keys.graces.map(([seconds, text]) => [String(seconds), text])}
          onChoose={(chosen) => setGrace(Number(chosen))}
        />
      </label>
    </Confirm>
  );
}
