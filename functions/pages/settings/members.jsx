/** Who belongs to the organization, as what, and whom bills are sent to. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, told } from "../api.js";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { Confirm } from "../parts/dialog.jsx";
import { focusNear } from "../parts/focus.js";
import { RowMenu } from "../parts/menu.jsx";
import { notify } from "../parts/notices.jsx";
import { PersonLine } from "../parts/person.jsx";
import { RoleChoice } from "../parts/role-choice.jsx";
import { Switch } from "../parts/switch.jsx";
import { Table } from "../parts/table.jsx";
import { Filters } from "../parts/filters.jsx";
import { LoadMore, useFound } from "../parts/waiting.jsx";
import { words } from "../words.js";
import { Section } from "./section.jsx";
import { isReader, withItem } from "./state.js";

/** @import { InviteView, ListOfApiKeyView, MemberView, RemovedView, SettingsView, UpdatedMemberView } from "../api-types.d.ts" */
/** @import { Role } from "../parts/role-choice.jsx" */
/** @import { SettingsState } from "./state.js" */

/** A list that fits on a screen needs no search. */
const WORTH_SEARCHING = 8;

/** @param {{ name: string | null, email: string }} member */
export function shownName(member) {
  return member.name ?? member.email;
}

/** The place in the list: oneself, then owners. @param {MemberView} member @param {MemberView} me */
function rank(member, me) {
  if (member.user_id === me.user_id) return 0;
  return member.role === "owner" ? 1 : 2;
}

/** @param {RemovedView} answer what whoever lost power has made */
function keysToRotate(answer) {
  const names = answer.api_keys.map((key) => key.name);
  return names.length > 0 ? words.members.rotate(names) : "";
}

/** @param {{ page: SettingsState, settings: SettingsView, onLeft: () => void }} props */
export function Members({ page, settings, onLeft }) {
  const { members, me } = settings;
  const [search, setSearch] = useState("");
  const [removing, setRemoving] = useState(/** @type {MemberView | null} */ (null));
  const [asking, setAsking] = useState(/** @type {{ member: MemberView, role: Role } | null} */ (null));
  const [role, setRole] = useState(/** @type {Role | "all"} */ ("all"));
  const list = useRef(/** @type {HTMLDivElement | null} */ (null));
  const reads = isReader(settings);
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const wanted = search.trim().toLocaleLowerCase();
  const complete = members.next_cursor === null;

  // Only what is here can be searched: so all of them come.
  const searches = wanted !== "" || role !== "all";
  useEffect(() => {
    if (searches && !complete) {
      void page.more("members", Infinity);
    }
  }, [searches, complete]);

  const found = members.items.filter(
    (member) =>
      (role === "all" || member.role === role) && `${member.name ?? ""}\n${member.email}`.toLocaleLowerCase().includes(wanted),
  );
  const countOf = (/** @type {Role} */ role) => (complete ? members.items.filter((member) => member.role === role).length : null);
  const isLong = members.items.length > WORTH_SEARCHING || !complete;
  const shown = found.toSorted((one, other) => rank(one, me) - rank(other, me) || format.compare(shownName(one), shownName(other)));

  /**
   * @param {MemberView} member
   * @param {Partial<Pick<MemberView, "role" | "receives_billing_emails">>} wish
   * @param {string} said
   */
  const patch = async (member, wish, said) => {
    const which = (/** @type {MemberView} */ one) => one.user_id === member.user_id;
    const before = { role: member.role, receives_billing_emails: member.receives_billing_emails };
    const done = await page.change({
      at: (settings) => withItem(settings, "members", which, wish),
      back: (settings) => withItem(settings, "members", which, before),
      /** @returns {Promise<UpdatedMemberView>} */
      request: () => ask("PATCH", `${page.path}/members/${encodeURIComponent(member.user_id)}`, { body: wish }),
      done: (settings, answer) => withItem(settings, "members", which, answer),
      said,
      todo: (answer) => keysToRotate(answer),
    });
    // With another role of one's own everything is allowed differently.
    if (done && member.user_id === me.user_id) {
      await page.refresh();
    }
  };

  /** @param {MemberView} member @param {Role} role */
  const changeRole = (member, role) =>
    patch(member, { role }, words.members.roleChanged(shownName(member), (words.roles[role] ?? role).toLocaleLowerCase()));

  return (
    <Section
      id="members"
      title={words.settings.members}
      count={format.counted(members)}
      text={words.members.text}
      heading={heading}
      aside={
        isLong && (
          <label class="search">
            <span class="hidden-text">{words.members.search}</span>
            <input
              class="input"
              type="search"
              autocomplete="off"
              placeholder={words.members.placeholder}
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
        )
      }
    >
      <p class="hidden-text" role="status">
        {searches && (complete ? words.members.found(shown.length) : words.members.searching)}
      </p>
      {reads && <p class="muted only-readers">{words.members.onlyReads}</p>}
      <div class="card">
        {isLong && (
          <div class="card-tools">
            <Filters
              label={words.members.filter}
              value={role}
              options={[
                ["all", words.members.filters.all, complete ? members.items.length : null],
                ["owner", words.members.filters.owner, countOf("owner")],
                ["admin", words.members.filters.admin, countOf("admin")],
                ["user", words.members.filters.user, countOf("user")],
              ]}
              onChoose={setRole}
            />
          </div>
        )}
        <Table
          label={words.settings.members}
          row="row-members"
          columns={[words.members.person, words.members.role, words.members.billing, words.members.joined]}
          list={list}
          testid="members"
        >
          {shown.map((member) => {
            const name = shownName(member);
            const self = member.user_id === me.user_id;
            return (
              <div key={member.user_id} class="row row-members" role="row" data-testid="member">
                <span role="cell" class="row-main">
                  <PersonLine
                    name={name}
                    id={member.user_id}
                    detail={
                      <>
                        {member.name && <bdi>{member.email}</bdi>}
                        <span class="row-label">{words.members.joinedOn(format.day(member.joined_at))}</span>
                      </>
                    }
                    badges={
                      <>
                        {self && <span class="badge">{words.you}</span>}
                        {member.is_creator && (
                          <span class="badge badge-accent" title={words.members.creatorHint}>
                            {words.members.creator}
                          </span>
                        )}
                      </>
                    }
                  />
                </span>
                <span role="cell">
                  <RoleChoice
                    role={member.role}
                    may={reads ? { roles: [] } : member.may.change_role}
                    label={words.members.roleOf(name)}
                    onChange={(role) => {
                      // What weighs asks first.
                      const weighs = self || role === "owner" || member.role === "owner";
                      if (weighs) {
                        setAsking({ member, role });
                      } else {
                        void changeRole(member, role);
                      }
                    }}
                  />
                </span>
                <span role="cell">
                  <Switch
                    on={member.receives_billing_emails}
                    label={words.members.billingOf(name)}
                    shownLabel={words.members.billing}
                    readOnly={reads}
                    may={member.may.change_billing_emails}
                    onChange={(on) => patch(member, { receives_billing_emails: on }, words.members.billingChanged(name, on))}
                  />
                </span>
                <span role="cell" class="muted small row-date">
                  {format.day(member.joined_at)}
                </span>
                <span role="cell" class="row-end">
                  {(self || !reads) && (
                    <RowMenu
                      label={words.actionsFor(name)}
                      items={() => [
                        {
                          text: words.members.copyEmail,
                          onChoose: () =>
                            navigator.clipboard.writeText(member.email).then(() => notify.done(words.members.emailCopied), notify.failed),
                        },
                        {
                          text: self ? words.members.leave : words.members.remove(name),
                          danger: true,
                          may: member.may.remove,
                          onChoose: () => setRemoving(member),
                        },
                      ]}
                    />
                  )}
                </span>
                {member.billing_emails_stopped && (
                  <span role="cell" class="row-note small">
                    {words.members.stopped(member.billing_emails_stopped.reason, format.day(member.billing_emails_stopped.since))}{" "}
                    <Button
                      look="quiet"
                      label={words.members.resumeFor(name)}
                      onPress={() => patch(member, { receives_billing_emails: true }, words.members.billingChanged(name, true))}
                    >
                      {words.members.resume}
                    </Button>
                  </span>
                )}
              </div>
            );
          })}
        </Table>
        {searches && complete && shown.length === 0 && <p class="empty muted">{words.members.nobody}</p>}
        {searches && !complete && <p class="empty muted">{words.members.searching}</p>}
        {!searches && !complete && <LoadMore onPress={() => page.more("members")} />}
      </div>
      {removing && (
        <RemoveMember
          page={page}
          settings={settings}
          member={removing}
          onClose={() => setRemoving(null)}
          onRemoved={() => {
            const index = shown.findIndex((member) => member.user_id === removing.user_id);
            setRemoving(null);
            if (removing.user_id === me.user_id) {
              onLeft();
              return;
            }
            page.update((settings) => withItem(settings, "members", (one) => one.user_id === removing.user_id, null));
            focusNear(list.current, index, heading.current);
          }}
        />
      )}
      {asking && (
        <Confirm
          {...roleQuestion(asking.member, asking.role, asking.member.user_id === me.user_id)}
          onClose={() => setAsking(null)}
          onConfirm={async () => {
            setAsking(null);
            await changeRole(asking.member, asking.role);
          }}
        />
      )}
    </Section>
  );
}

/** What to ask before a role changes. @param {MemberView} member @param {Role} role @param {boolean} self */
function roleQuestion(member, role, self) {
  const name = shownName(member);
  const text = (words.roles[role] ?? role).toLocaleLowerCase();
  if (self) {
    return { title: words.members.yourPowerTitle, action: words.members.changeRole, children: <p>{words.members.yourPowerText(text)}</p> };
  }
  if (role === "owner") {
    return { title: words.members.ownerTitle(name), action: words.members.makeOwner, danger: false, children: <p>{words.members.ownerText(name)}</p> };
  }
  return { title: words.members.demoteTitle(name, text), action: words.members.changeRole, children: <p>{words.members.demoteText(name)}</p> };
}

/**
 * Resends invites one after the other, so that they rest on the person here.
 *
 * @param {SettingsState} page
 * @param {InviteView[]} invites
 */
async function resendAll(page, invites) {
  for (const invite of invites.filter((one) => one.may.resend.allowed)) {
    try {
      /** @type {InviteView} */
      const resent = await ask("POST", `${page.path}/invites/${invite.id}/resend`);
      page.update((settings) => withItem(settings, "invites", (one) => one.id === invite.id, resent));
    } catch (error) {
      // A limit, for example: the invite stays in the list, marked.
      notify.failed(`${invite.email}: ${told(error)}`);
    }
  }
}

/**
 * Names what removing, or leaving, comes to: among it the keys that go on working.
 *
 * @param {object} props
 * @param {SettingsState} props.page
 * @param {SettingsView} props.settings
 * @param {MemberView} props.member
 * @param {() => void} props.onClose
 * @param {() => void} props.onRemoved
 */
function RemoveMember({ page, settings, member, onClose, onRemoved }) {
  const name = shownName(member);
  const organization = settings.organization.name;
  const self = member.user_id === settings.me.user_id;
  /** @type {ReturnType<typeof useFound<ListOfApiKeyView>>} */
  const { found } = useFound(`${page.path}/api-keys?limit=100`);
  const keys = found?.items.filter((key) => key.created_by?.id === member.user_id) ?? [];
  const invites = settings.invites.items.filter((invite) => invite.invited_by?.id === member.user_id);
  const canResend = !self && invites.some((invite) => invite.may.resend.allowed);
  const [resends, setResends] = useState(true);
  return (
    <Confirm
      title={self ? words.members.leaveTitle : words.members.removeTitle(name)}
      action={self ? words.members.leave : words.members.remove(name)}
      onClose={onClose}
      onConfirm={async () => {
        /** @type {RemovedView} */
        const answer = await ask("DELETE", `${page.path}/members/${encodeURIComponent(member.user_id)}`);
        const todo = keysToRotate(answer);
        if (canResend && resends) {
          await resendAll(page, invites);
        }
        if (!self) {
          notify.done(`${words.members.removed(name)} ${todo}`.trim(), { stays: todo !== "" });
        }
        onRemoved();
      }}
    >
      <p>{self ? words.members.leaveText(organization) : words.members.removeText(name, organization)}</p>
      {keys.length > 0 && (
        <>
          <p>{self ? words.members.keysStayYours : words.members.keysStay(name)}</p>
          <ul class="dialog-list">
            {keys.map((key) => (
              <li key={key.id}>
                <bdi>{key.name}</bdi> <code>{key.hint}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {invites.length > 0 && !self && (
        <>
          <p>{words.members.invitesStop(invites.length, name)}</p>
          <ul class="dialog-list">
            {invites.map((invite) => (
              <li key={invite.id}>
                <bdi>{invite.email}</bdi>
              </li>
            ))}
          </ul>
          {canResend && (
            <label class="check">
              <input type="checkbox" checked={resends} onChange={(event) => setResends(event.currentTarget.checked)} />
              {words.members.resendThem}
            </label>
          )}
        </>
      )}
    </Confirm>
  );
}
