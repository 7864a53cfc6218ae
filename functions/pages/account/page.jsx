/** Who is signed in, where they belong, and where they are invited. */

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, told } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Copy } from "../parts/copy.jsx";
import { Confirm } from "../parts/dialog.jsx";
import { focusNear } from "../parts/focus.js";
import { Problem, useForm } from "../parts/form.jsx";
import { notify } from "../parts/notices.jsx";
import { Initials } from "../parts/person.jsx";
import { TopBar } from "../parts/top-bar.jsx";
import { Failed, LoadMore, Skeleton } from "../parts/waiting.jsx";
import { rememberOrganization, rememberWelcome, settingsPath } from "../places.js";
import { setTitle } from "../brand.js";
import { Section } from "../settings/section.jsx";
import { leave } from "../sign-in.js";
import { useTyped } from "../typed.js";
import { words } from "../words.js";

/** @import { AcceptedView, AccountView, MyInviteView, OrganizationView } from "../api-types.d.ts" */

/**
 * A list of the API: its pages so far, and how to get the next one.
 *
 * @template T
 * @param {string} path
 */
function useList(path) {
  const [items, setItems] = useState(/** @type {T[] | null} */ (null));
  const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = useCallback(async () => {
    try {
      /** @type {{ items: T[], next_cursor: string | null }} */
      const page = await ask("GET", path);
      setItems(page.items);
      setCursor(page.next_cursor);
      setError(null);
    } catch (error) {
      setError(error);
    }
  }, [path]);
  const more = async () => {
    try {
      /** @type {{ items: T[], next_cursor: string | null }} */
      const page = await ask("GET", `${path}&${new URLSearchParams({ cursor: cursor ?? "" })}`);
      setItems([...(items ?? []), ...page.items]);
      setCursor(page.next_cursor);
    } catch (error) {
      notify.failed(error);
    }
  };
  return { items, setItems, error, load, more: cursor === null ? null : more };
}

export function AccountPage() {
  const [account, setAccount] = useState(/** @type {AccountView | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  /** @type {ReturnType<typeof useList<OrganizationView>>} */
  const organizations = useList("/v1/organizations?limit=50");
  /** @type {ReturnType<typeof useList<MyInviteView>>} */
  const invites = useList("/v1/account/invites?limit=50");
  const loadAccount = useCallback(async () => {
    try {
      setAccount(await ask("GET", "/v1/account"));
      setError(null);
    } catch (error) {
      setError(error);
    }
  }, []);
  const loadAll = useCallback(async () => {
    await Promise.all([loadAccount(), organizations.load(), invites.load()]);
  }, [loadAccount, organizations.load, invites.load]);
  useEffect(() => {
    setTitle(words.account.title);
    void loadAll();
    const returned = () => void loadAll();
    addEventListener("focus", returned);
    return () => removeEventListener("focus", returned);
  }, [loadAll]);

  const current = account?.current_organization ?? null;
  return (
    <>
      <TopBar organization={current} />
      <main id="content" class="page page-narrow" tabIndex={-1}>
        <h1 class="page-title">{words.account.title}</h1>
        <div class="sections">
          {error !== null && !account && <Failed error={error} onRetry={loadAccount} />}
          <About account={account} />
          <MyInvites invites={invites} onAccepted={loadAll} />
          <Organizations account={account} organizations={organizations} onChange={setAccount} reload={loadAll} />
        </div>
      </main>
    </>
  );
}

/** @param {{ account: AccountView | null }} props */
function About({ account }) {
  return (
    <Section id="you" title={account?.name ?? words.you} text={words.account.text}>
      <dl class="card facts">
        <div class="fact">
          <dt>{words.account.email}</dt>
          <dd>
            {account ? (
              <>
                <bdi data-testid="account-email">{account.email ?? words.account.noEmail}</bdi>{" "}
                {account.email && !account.email_verified && <span class="badge badge-warn">{words.account.unverified}</span>}
              </>
            ) : (
              <Skeleton lines={1} />
            )}
          </dd>
        </div>
        <div class="fact">
          <dt>{words.account.id}</dt>
          <dd>{account ? <Copy text={account.user_id} label={words.account.copyId} testid="user-id" /> : <Skeleton lines={1} />}</dd>
        </div>
      </dl>
    </Section>
  );
}

/** @param {{ invites: ReturnType<typeof useList<MyInviteView>>, onAccepted: () => Promise<void> }} props */
function MyInvites({ invites, onAccepted }) {
  const [declining, setDeclining] = useState(/** @type {MyInviteView | null} */ (null));
  const [accepting, setAccepting] = useState("");
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const items = invites.items ?? [];

  /** @param {MyInviteView} invite */
  const without = (invite) => {
    const index = items.indexOf(invite);
    invites.setItems(items.filter((one) => one.id !== invite.id));
    focusNear(list.current, index, heading.current);
  };
  /** @param {MyInviteView} invite */
  const accept = async (invite) => {
    setAccepting(invite.id);
    try {
      /** @type {AcceptedView} */
      const { organization } = await ask("POST", `/v1/account/invites/${invite.id}/accept`);
      rememberOrganization(organization.id);
      notify.done(words.account.accepted(organization.name));
      without(invite);
      await onAccepted();
    } catch (error) {
      notify.failed(error);
      void invites.load();
    }
    setAccepting("");
  };
  return (
    <Section id="invites" title={words.account.invites} text={words.account.invitesText} heading={heading}>
      <div class="card">
        {/* Without a verified address there are none, and the server says why. */}
        {invites.error !== null && <p class="empty muted">{told(invites.error)}</p>}
        {!invites.items && invites.error === null && (
          <div class="form-card">
            <Skeleton lines={2} />
          </div>
        )}
        {invites.items?.length === 0 && invites.error === null && <p class="empty muted">{words.account.noInvites}</p>}
        <ul ref={list} class="plain-list rows" aria-label={words.account.invites} data-testid="my-invites">
          {items.map((invite) => (
            <li key={invite.id} class="row row-plain" data-testid="my-invite">
              <Initials name={invite.organization.name} seed={invite.organization.id} square />
              <span class="person-text row-main">
                <bdi class="strong">{invite.organization.name}</bdi>
                <span class="muted small">
                  <bdi>{words.account.invitedBy(invite.invited_by?.name ?? null, (words.roles[invite.role] ?? "").toLocaleLowerCase())}</bdi>
                  {invite.receives_billing_emails && `, ${words.account.withBilling}`} ·{" "}
                  <time dateTime={invite.expires_at} title={format.moment(invite.expires_at)}>
                    {words.invites.expiresIn(format.relative(invite.expires_at))}
                  </time>
                </span>
              </span>
              <span class="row-end">
                <Button label={words.account.declineOf(invite.organization.name)} onPress={() => setDeclining(invite)}>
                  {words.account.decline}
                </Button>
                <Button
                  look="main"
                  label={words.account.acceptOf(invite.organization.name)}
                  busy={accepting === invite.id}
                  onPress={() => accept(invite)}
                >
                  {words.account.accept}
                </Button>
              </span>
            </li>
          ))}
        </ul>
        {invites.more && <LoadMore onPress={invites.more} />}
      </div>
      {declining && (
        <Confirm
          title={words.account.declineTitle(declining.organization.name)}
          action={words.account.decline}
          keep={words.invite.keep}
          onClose={() => setDeclining(null)}
          onConfirm={async () => {
            await ask("POST", `/v1/account/invites/${declining.id}/decline`);
            setDeclining(null);
            notify.done(words.account.declined(declining.organization.name));
            without(declining);
          }}
        >
          <p>{words.account.declineText}</p>
        </Confirm>
      )}
    </Section>
  );
}

/**
 * @param {object} props
 * @param {AccountView | null} props.account
 * @param {ReturnType<typeof useList<OrganizationView>>} props.organizations
 * @param {(account: AccountView) => void} props.onChange
 * @param {() => Promise<void>} props.reload
 */
function Organizations({ account, organizations, onChange, reload }) {
  const [leaving, setLeaving] = useState(/** @type {OrganizationView | null} */ (null));
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const items = organizations.items ?? [];
  const current = account?.current_organization?.id;

  /** @param {OrganizationView} organization */
  const makeCurrent = async (organization) => {
    try {
      onChange(await ask("PUT", "/v1/account/current-organization", { body: { organization_id: organization.id } }));
      rememberOrganization(organization.id);
      notify.done(words.account.switched(organization.name));
      focusNear(list.current, items.indexOf(organization), heading.current);
    } catch (error) {
      notify.failed(error);
      void reload();
    }
  };
  return (
    <Section id="organizations" title={words.account.organizations} text={words.account.organizationsText} heading={heading}>
      <div class="card">
        {organizations.error !== null && !organizations.items && <Failed error={organizations.error} onRetry={organizations.load} />}
        {!organizations.items && organizations.error === null && (
          <div class="form-card">
            <Skeleton lines={3} />
          </div>
        )}
        {organizations.items?.length === 0 && (
          <div class="empty">
            <p class="strong">{words.account.none}</p>
            <p class="muted">{words.account.noneText}</p>
          </div>
        )}
        <ul ref={list} class="plain-list rows" aria-label={words.account.organizations} data-testid="organizations">
          {items.map((organization) => (
            <li key={organization.id} class="row row-plain" data-testid="organization">
              <Initials name={organization.name} seed={organization.id} square />
              <span class="person-text row-main">
                <span class="person-name">
                  <a href={settingsPath(organization.id)} aria-label={words.account.openOf(organization.name)}>
                    <bdi>{organization.name}</bdi>
                  </a>
                  {organization.id === current && <span class="badge badge-accent">{words.account.current}</span>}
                </span>
                <span class="muted small">
                  {words.roles[organization.role]} · {words.general.created} {format.day(organization.created_at)}
                </span>
              </span>
              <span class="row-end">
                {organization.id !== current && (
                  <Button look="quiet" label={words.account.makeCurrentOf(organization.name)} onPress={() => makeCurrent(organization)}>
                    {words.account.makeCurrent}
                  </Button>
                )}
                {organization.creator_id !== account?.user_id && (
                  <Button look="quiet-danger" label={words.account.leaveOf(organization.name)} onPress={() => setLeaving(organization)}>
                    {words.account.leave}
                  </Button>
                )}
              </span>
            </li>
          ))}
        </ul>
        {organizations.more && <LoadMore onPress={organizations.more} />}
        <CreateOrganization />
      </div>
      {leaving && account && (
        <Confirm
          title={words.members.leaveTitle}
          action={words.members.leave}
          onClose={() => setLeaving(null)}
          onConfirm={async () => {
            await ask("DELETE", `/v1/organizations/${leaving.id}/members/${encodeURIComponent(account.user_id)}`);
            const index = items.indexOf(leaving);
            setLeaving(null);
            rememberOrganization(null);
            notify.done(words.account.left(leaving.name));
            organizations.setItems(items.filter((one) => one.id !== leaving.id));
            focusNear(list.current, index, heading.current);
            await reload();
          }}
        >
          <p>{words.members.leaveText(leaving.name)}</p>
        </Confirm>
      )}
    </Section>
  );
}

function CreateOrganization() {
  const [name, setName] = useTyped("organization", "");
  /** The same until it has worked: trying again makes no second organization. */
  const key = useRef(crypto.randomUUID());
  const form = useForm(
    async () => {
      /** @type {OrganizationView} */
      const made = await ask("POST", "/v1/organizations", { body: { name }, idempotencyKey: key.current });
      rememberOrganization(made.id);
      rememberWelcome(words.welcome.created(made.name));
      await leave(settingsPath(made.id));
    },
    { name: words.account.newName },
  );
  const problem = form.problemOf("name");
  return (
    <form class="form-card card-foot" aria-label={words.account.createTitle} {...form.attributes}>
      <h3 class="form-title">{words.account.createTitle}</h3>
      <p class="muted small">{words.account.createText}</p>
      <div class="form-line">
        <input
          class="input form-grow"
          dir="auto"
          autocomplete="off"
          aria-label={words.account.newName}
          aria-describedby="create-problem"
          aria-invalid={problem !== ""}
          placeholder={words.account.newName}
          value={name}
          onInput={(event) => {
            setName(event.currentTarget.value);
            key.current = crypto.randomUUID();
          }}
        />
        <Button look="main" submits busy={form.busy}>
          {words.account.create}
        </Button>
      </div>
      <Problem id="create-problem" text={problem || form.problem} />
    </form>
  );
}
