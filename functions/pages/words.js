/**
 * Every text that the pages themselves say; a translation replaces this module.
 * What the server says (reasons, refusals) is shown as it comes.
 */

import { format } from "./format.js";

/** @import { AuditEventView } from "./api-types.d.ts" */

/** @type {Record<string, string>} */
const roles = { owner: "Owner", admin: "Admin", user: "User" };

export const words = {
  product: "Organization settings",
  loading: "Loading…",
  retry: "Try again",
  cancel: "Cancel",
  dismiss: "Dismiss",
  save: "Save",
  copy: "Copy",
  copied: "Copied",
  loadMore: "Load more",
  skip: "Skip to content",
  you: "You",
  notFound: {
    title: "There is nothing here",
    text: "The address may have been mistyped, or what was here is gone.",
    home: "Go to the first page",
  },

  foot: {
    title: "More",
    /** @param {string} product */
    back: (product) => `Back to ${product}`,
    help: "Help",
    terms: "Terms",
    privacy: "Privacy",
  },

  errors: {
    unexpected: "Something went wrong. Try again in a moment.",
    unreachable: "The server cannot be reached. Check your connection.",
    lost: "The connection is lost. Trying again…",
    part: "This part of the page cannot be shown.",
    page: "This page cannot be shown.",
  },

  bar: {
    organizations: "Organizations",
    switchTo: "Switch organization",
    choose: "Choose an organization",
    none: "You are not in an organization yet.",
    all: "All organizations and invites",
    /** @param {string} email */
    account: (email) => `Account of ${email}`,
    settings: "Organization settings",
    yourAccount: "Your account",
    signIn: "Sign in",
    signOut: "Sign out",
  },

  home: {
    title: "Your team, its keys and its bills, in one place",
    lead: "Organizations group the people who work together, the API keys they render images with, and the plan that pays for it.",
    signIn: "Sign in",
    open: "Open settings",
    account: "Your account",
    points: [
      ["People and roles", "Invite by email as owner, admin or user. An invite lives for 14 days and lets in nobody but its addressee."],
      ["Keys and usage", "Create, rotate and revoke API keys. See the credits of the billing period and of each day."],
      ["A log that tells all", "Who did what, when, to whom, from what to what."],
    ],
  },

  signIn: {
    working: "Signing you in…",
    failed: "You are not signed in",
    again: "Sign in again",
    home: "First page",
    typed: "You were signed in again. What you had typed is still here; none of it has been sent.",
  },

  roles,
  /** @type {Record<string, string>} */
  roleMeanings: {
    owner: "May do everything.",
    admin: "Manages members, invites, API keys and billing, but not owners.",
    user: "Sees everything and uses the API keys.",
  },

  settings: {
    title: "Settings",
    sections: "Sections",
    general: "General",
    members: "Members",
    invites: "Invites",
    usage: "Plan and usage",
    keys: "API keys",
    billing: "Billing details",
    log: "Audit log",
    danger: "Danger zone",
    leave: "Leave",
    suspendedTitle: "This organization is suspended",
    /** @param {string} reason @param {string} since */
    suspended: (reason, since) => `Since ${since}: ${/[.!?]$/.test(reason) ? reason : `${reason}.`} You can see everything, but change and use nothing. Contact support.`,
    noneTitle: "You are not in an organization yet",
    noneText: "Create one, or accept an invite. Both are on your account page.",
    goneTitle: "This organization is not there for you",
    toAccount: "Go to your account",
  },

  general: {
    text: "What the organization is called, and what it is known by.",
    name: "Name",
    rename: "Rename",
    newName: "Organization name",
    /** @param {string} name */
    renamed: (name) => `The organization is called ${name} now.`,
    /** @param {string} name */
    renamedMeanwhile: (name) => `Meanwhile somebody renamed it to “${name}”. Saving replaces that.`,
    id: "Organization ID",
    copyId: "Copy organization ID",
    created: "Created",
    yourRole: "Your role",
    yourEmail: "Your email",
    /** @param {string} email */
    emailInUse: (email) => `Another member has the address ${email} of your sign-in, so this one stays yours here.`,
  },

  danger: {
    close: "Close",
    handOver: "Hand over",
    handOverText: "Another owner becomes the creator, who stays an owner and cannot be removed.",
    handOverTitle: "Hand over the creator’s place?",
    /** @param {string} organization */
    handOverWarning: (organization) => `You stay an owner of ${organization}, and other owners can then remove you. Only the new creator can hand it back.`,
    newCreator: "New creator",
    noOwner: "Only another owner can be the creator. Make a member an owner first.",
    /** @param {string} name */
    handedOver: (name) => `${name} is the creator now.`,
    delete: "Delete organization",
    deleteText: "Nobody sees it any more, and its API keys stop working. You can restore it for 30 days.",
    /** @param {string} name */
    deleteTitle: (name) => `Delete ${name}?`,
    deleteWarning: "All members lose access, API keys stop within 30 seconds, and pending invites end. Owners and recipients of billing emails get a notice. After 30 days everything is gone forever.",
    /** @param {string} name */
    typeName: (name) => `Type “${name}” to confirm`,
    typeFirst: "Type the organization’s name first",
    /** @param {string} name */
    deletedTitle: (name) => `${name} is deleted`,
    /** @param {string} day */
    deletedText: (day) => `You can restore it until ${day}, on this page or through support.`,
    restore: "Restore",
    /** @param {string} name */
    restored: (name) => `${name} is restored.`,
  },

  members: {
    text: "Everybody who belongs to the organization.",
    search: "Search members",
    placeholder: "Name or email",
    searching: "Looking through all members…",
    /** @param {number} count */
    found: (count) => format.count(count, { one: "# member found", other: "# members found" }),
    nobody: "Nobody here has that name or address.",
    person: "Member",
    role: "Role",
    billing: "Billing emails",
    joined: "Joined",
    /** @param {string} day */
    joinedOn: (day) => `Joined ${day}`,
    creator: "Creator",
    creatorHint: "The creator stays an owner until they hand over.",
    /** @param {string} name */
    roleOf: (name) => `Role of ${name}`,
    /** @param {string} name */
    billingOf: (name) => `Receive billing emails: ${name}`,
    /** @param {string} name */
    remove: (name) => `Remove ${name}`,
    removeShort: "Remove",
    leave: "Leave organization",
    /** @param {string} name */
    removeTitle: (name) => `Remove ${name}?`,
    /**
     * @param {string} name
     * @param {string} organization
     */
    removeText: (name, organization) =>
      `${name} loses access to ${organization} with the next request. They can come back only by a new invite.`,
    leaveTitle: "Leave the organization?",
    /** @param {string} organization */
    leaveText: (organization) => `You lose access to ${organization} at once. You can come back only by a new invite.`,
    /** @param {string} name */
    keysStay: (name) => `These API keys were created by ${name}. They go on working; rotate those that ${name} may know:`,
    keysStayYours: "The API keys that you created go on working:",
    /** @param {string} name */
    removed: (name) => `${name} is no longer a member.`,
    /** @param {string[]} keys */
    rotate: (keys) => `Rotate the API keys they created: ${format.list(keys)}.`,
    /**
     * @param {string} name
     * @param {string} role
     */
    roleChanged: (name, role) => `${name} is ${role === "user" ? "a" : "an"} ${role} now.`,
    /**
     * @param {string} name
     * @param {boolean} on
     */
    billingChanged: (name, on) => `${name} ${on ? "receives billing emails now" : "receives no more billing emails"}.`,
    yourPowerTitle: "Change your own role?",
    /** @param {string} role */
    yourPowerText: (role) => `As ${role} you may do less, and you cannot change this back yourself.`,
    changeRole: "Change role",
    makeOwner: "Make owner",
    /** @param {string} name */
    ownerTitle: (name) => `Make ${name} an owner?`,
    /** @param {string} name */
    ownerText: (name) => `${name} can then do everything you can: change roles, remove other owners, and delete the organization.`,
    /** @param {string} name @param {string} role */
    demoteTitle: (name, role) => `Change ${name} from owner to ${role}?`,
    /** @param {string} name */
    demoteText: (name) => `${name} can no longer manage owners, rename the organization or delete it.`,
  },

  invites: {
    text: "Invited by email, not yet answered. An invite lives for 14 days.",
    none: "No invite is waiting for an answer.",
    pausedTitle: "Invites are paused",
    /** @param {string} reason @param {string} since */
    paused: (reason, since) =>
      reason === "complaints"
        ? `Since ${since}, because a recipient marked an invite email as spam. Contact support.`
        : `Since ${since}, because too many invite emails bounced. Contact support.`,
    person: "Invite",
    sent: "Email",
    expires: "Expires",
    /** @param {string} email */
    roleOf: (email) => `Role of the invite to ${email}`,
    /** @param {string} email */
    billingOf: (email) => `Billing emails for the invite to ${email}`,
    /** @param {string | null} name `null` for the product's own backend */
    by: (name) => (name === null ? "Invited by the product" : `Invited by ${name}`),
    /** @param {string} when */
    expiresIn: (when) => `Expires ${when}`,
    resend: "Resend",
    /** @param {string} email */
    resendTo: (email) => `Resend the invite to ${email}`,
    cancel: "Cancel invite",
    /** @param {string} email */
    cancelTo: (email) => `Cancel the invite to ${email}`,
    /** @param {string} email */
    cancelTitle: (email) => `Cancel the invite to ${email}?`,
    cancelText: "Its link stops working at once. You can invite the address again.",
    keep: "Keep it",
    /** @param {string} email */
    cancelled: (email) => `The invite to ${email} is cancelled.`,
    /** @param {string} email */
    resent: (email) => `A new mail to ${email} is under way. The earlier link no longer works.`,
    /** @param {string} email */
    changed: (email) => `The invite to ${email} is changed.`,
    /** @type {Record<string, string>} */
    delivery: {
      queued: "Sending…",
      sent: "Sent",
      failed: "Not delivered",
      delivered: "Delivered",
      bounced: "Bounced",
      complained: "Marked as spam",
    },
    /** @param {number} times */
    timesSent: (times) => format.count(times, { one: "Sent once", other: "Sent # times" }),
  },

  inviteForm: {
    title: "Invite people",
    emails: "Email addresses",
    email: "The address",
    hint: "One or many, separated by commas, spaces or lines. Names, as in Ada <ada@example.com>, are fine.",
    role: "Role",
    billing: "Receive billing emails",
    /** @param {number} count */
    send: (count) => (count > 1 ? format.count(count, { one: "Send # invite", other: "Send # invites" }) : "Send invite"),
    /**
     * @param {number} done
     * @param {number} all
     */
    sending: (done, all) => `Sending ${format.number(done)} of ${format.number(all)}…`,
    empty: "Enter at least one email address.",
    results: "Results",
    invited: "Invited",
    /** @param {number} count */
    invitedCount: (count) => format.count(count, { one: "# invite is on its way.", other: "# invites are on their way." }),
    /** @param {number} count */
    failedCount: (count) => format.count(count, { one: "# address could not be invited.", other: "# addresses could not be invited." }),
  },

  usage: {
    text: "What the organization may use in its billing period, and what it has used.",
    plan: "Plan",
    period: "Current period",
    /** @param {number} credits */
    monthly: (credits) => `${format.number(credits)} credits a month`,
    /**
     * @param {string} plan
     * @param {string} from
     */
    next: (plan, from) => `${plan} from ${from}`,
    /**
     * @param {string} start
     * @param {string} end
     */
    span: (start, end) => `${start} – ${end}`,
    /** @param {string} day */
    resets: (day) => `Resets on ${day}`,
    credits: "Image credits",
    /**
     * @param {number} used
     * @param {number} allowed
     */
    used: (used, allowed) => `${format.number(used)} of ${format.number(allowed)} used`,
    /** @param {number} left */
    left: (left) => `${format.number(left)} left`,
    exhausted: "All credits of this period are used. Rendering is refused until the next period or a larger plan.",
    days: "Credits per day",
    lastDays: "Last 60 days, in UTC",
    /**
     * @param {number} total
     * @param {number} most
     * @param {string} day
     */
    summary: (total, most, day) =>
      `${format.number(total)} credits in the last 60 days; the most on one day were ${format.number(most)}, on ${day}.`,
    nothing: "No credits were used in the last 60 days.",
    asTable: "Show as table",
    asChart: "Show as chart",
    date: "Date",
    amount: "Credits",
    changePlan: "Change plan",
  },

  keys: {
    text: "Programs use them to render images for the organization.",
    none: "There are no API keys yet.",
    noneText: "Create one for each program that renders images, so that each can be rotated by itself.",
    create: "Create API key",
    name: "Name",
    nameHint: "Where it is used, such as “Website” or “Nightly reports”.",
    expiry: "Expires",
    expiryNever: "Never",
    /** @param {number} days */
    expiryDays: (days) => format.count(days, { one: "In # day", other: "In # days" }),
    /** @param {string} when */
    used: (when) => `Used ${when}`,
    unused: "Never used",
    /**
     * @param {string | null} name `null` for the product's own backend
     * @param {string} when
     */
    by: (name, when) => (name === null ? `Created by the product on ${when}` : `Created by ${name} on ${when}`),
    /** @param {string} when */
    expires: (when) => `Expires ${when}`,
    /** @param {string} when */
    expired: (when) => `Expired ${when}`,
    /** @param {string} until */
    grace: (until) => `The earlier secret works until ${until}`,
    edit: "Edit",
    rotate: "Rotate",
    revoke: "Revoke",
    /** @param {string} name */
    editOf: (name) => `Edit ${name}`,
    /** @param {string} name */
    rotateOf: (name) => `Rotate ${name}`,
    /** @param {string} name */
    revokeOf: (name) => `Revoke ${name}`,
    /** @param {string} name */
    editTitle: (name) => `Edit “${name}”`,
    /** @param {string} name */
    rotateTitle: (name) => `Rotate “${name}”?`,
    rotateText: "The key gets a new secret. The present one goes on working for a while, so that programs can be changed over.",
    graceLabel: "The present secret works for",
    /** @type {[number, string][]} */
    graces: [
      [0, "No longer: ends at once"],
      [3600, "1 hour"],
      [86400, "1 day"],
      [604800, "7 days"],
    ],
    /** @param {string} name */
    revokeTitle: (name) => `Revoke “${name}”?`,
    revokeText: "Programs that use this key are refused from now on. This cannot be undone.",
    /** @param {string} name */
    revoked: (name) => `The API key “${name}” is revoked.`,
    /** @param {string} name */
    changed: (name) => `The API key “${name}” is changed.`,
    secretTitle: "Store this secret now",
    secretText: "It is shown this once and kept nowhere. Whoever has it can use the organization's credits.",
    secret: "Secret",
    copySecret: "Copy secret",
    stored: "I have stored it",
  },

  billing: {
    text: "What stands on the invoices. Only owners and admins see it.",
    company: "Company name",
    taxId: "Tax ID",
    address: "Invoice address",
    saved: "The billing details are saved.",
    planTitle: "Change plan",
    planText: "A larger plan can begin at once; a smaller one is best left for the end of the period.",
    current: "Current plan",
    when: "When",
    now: "Now",
    /** @param {number} used @param {string} plan @param {number} credits @param {string} until */
    stopsNow: (used, plan, credits, until) =>
      `You have used ${format.number(used)} credits. With ${plan} (${format.number(credits)}), rendering stops at once, until ${until}.`,
    nothingChanged: "There is nothing to save: no field was changed.",
    periodEnd: "At the end of the period",
    choose: "Change plan",
    /** @param {string} plan */
    planChanged: (plan) => `The plan is ${plan} now.`,
    /** @param {string} plan */
    planStays: (plan) => `The plan stays ${plan}.`,
    /**
     * @param {string} plan
     * @param {string} from
     */
    planFollows: (plan, from) => `The plan will be ${plan} from ${from}.`,
  },

  log: {
    text: "What happened in the organization, newest first.",
    none: "Nothing has happened yet.",
    formerMember: "a former member",
    formerInvitee: "a former address",
  },

  account: {
    title: "Your account",
    text: "Who you are signed in as. Your sign-in provider keeps it.",
    email: "Email",
    noEmail: "Your sign-in tells no email address.",
    unverified: "Not verified",
    id: "User ID",
    copyId: "Copy user ID",
    organizations: "Organizations",
    organizationsText: "Those that you belong to. The current one opens first.",
    none: "You are not in an organization yet.",
    noneText: "Create one here, or ask to be invited.",
    current: "Current",
    open: "Open",
    /** @param {string} name */
    openOf: (name) => `Open ${name}`,
    makeCurrent: "Make current",
    /** @param {string} name */
    makeCurrentOf: (name) => `Make ${name} the current organization`,
    /** @param {string} name */
    switched: (name) => `${name} is your current organization.`,
    leave: "Leave",
    /** @param {string} name */
    leaveOf: (name) => `Leave ${name}`,
    /** @param {string} name */
    left: (name) => `You have left ${name}.`,
    create: "Create organization",
    createTitle: "Create an organization",
    createText: "You become its creator: an owner until you hand over.",
    newName: "Organization name",
    invites: "Invites to you",
    invitesText: "Organizations that would like to have you.",
    noInvites: "No invite is waiting for you.",
    /**
     * @param {string | null} inviter `null` for the product's own backend
     * @param {string} role
     */
    invitedBy: (inviter, role) => (inviter === null ? `You are invited as ${role}` : `${inviter} invites you as ${role}`),
    withBilling: "with billing emails",
    accept: "Accept",
    decline: "Decline",
    /** @param {string} name */
    acceptOf: (name) => `Accept the invite to ${name}`,
    /** @param {string} name */
    declineOf: (name) => `Decline the invite to ${name}`,
    /** @param {string} name */
    declineTitle: (name) => `Decline the invite to ${name}?`,
    declineText: "You can join only by a new invite.",
    /** @param {string} name */
    accepted: (name) => `You are a member of ${name} now.`,
    /** @param {string} name */
    declined: (name) => `The invite to ${name} is declined.`,
  },

  optOut: {
    title: {
      asks: "Stop invite emails?",
      stopped: "Invite emails are stopped",
      allowed: "Invite emails are on",
      unknown: "This link leads nowhere",
    },
    text: {
      asks: "No organization here can email an invite to your address again, and the email is reported as unwanted.",
      stopped: "The email is reported. You can change your mind here at any time.",
      allowed: "Organizations can invite your address again.",
      unknown: "It may be cut off. Try to open it from the email again.",
    },
    action: "Report and stop invites",
    allow: "Allow invites",
  },
  invite: {
    /** @param {string} organization */
    join: (organization) => `Join ${organization}`,
    /** @param {string | null} inviter */
    lead: (inviter) => (inviter === null ? "You are invited." : `${inviter} invites you.`),
    to: "For",
    role: "As",
    billing: "Billing emails",
    billingYes: "You will receive them",
    billingNo: "None",
    until: "Open until",
    signIn: "Sign in to accept",
    signInHint: "Sign in with the invited address. The link alone lets nobody in.",
    /** @param {string} email */
    signedInAs: (email) => `You are signed in as ${email}.`,
    accept: "Accept invite",
    decline: "Decline",
    declineTitle: "Decline this invite?",
    declineText: "The link stops working. You can join only by a new invite.",
    keep: "Not now",
    other: "Sign in with another account",
    toAccount: "Go to your account",
    home: "Go to the first page",
    wrongTitle: "This invite is for somebody else",
    /**
     * @param {string} mine
     * @param {string} theirs
     */
    wrong: (mine, theirs) => `You are signed in as ${mine}; this invite is for ${theirs}.`,
    unverifiedTitle: "Verify your email address first",
    /** @param {string} email */
    unverified: (email) => `Your sign-in provider does not yet vouch for ${email}. Verify the address there, then sign in again.`,
    again: "Sign in again",
    declinedTitle: "Declined",
    declined: "The invite is declined. There is nothing else to do.",
    lostTitle: "Open the link in your email again",
    lost: "This page no longer knows which invite it was about.",
    /** @type {Record<string, [string, string]>} */
    ended: {
      invite_expired: ["This invite has expired", "Invites live for 14 days. Ask for a new one."],
      invite_cancelled: ["This invite was cancelled", "Whoever sent it has taken it back. Ask them if you think that is a mistake."],
      invite_accepted: ["This invite was accepted", "It has done its work. If it was you, your organizations are on your account page."],
      invite_declined: ["This invite was declined", "Ask for a new one if you have changed your mind."],
      link_replaced: ["There is a newer mail", "This link was replaced by a later one. Open the link in the newest mail."],
      invite_not_found: ["This link leads nowhere", "It may be cut off, or of an invite that ended long ago. Try to open it from the mail again."],
    },
    needsResend: "It has to be sent anew",
    memberTitle: "You are a member already",
  },
};

/**
 * One line of the audit log as a sentence: its parts, of which names are marked.
 *
 * @param {AuditEventView} event
 * @returns {(string | { name: string, email?: string | null })[]}
 */
export function told(event) {
  const actor = actorOf(event.actor);
  const subject = subjectOf(event.subject);
  const change = (/** @type {string} */ field) => event.changes.find((change) => change.field === field);
  const own = event.actor.kind === "person" && event.subject.kind === "member" && event.actor.user_id === event.subject.id;
  const role = change("role");
  const name = change("name");
  const billing = change("receives_billing_emails");
  const asRole = role?.to ? ` as ${role.to}` : "";
  const fromTo = (/** @type {{ from?: string | null, to?: string | null } | undefined} */ change) => {
    if (!change) return "";
    return `${change.from ? ` from ${change.from}` : ""}${change.to ? ` to ${change.to}` : ""}`;
  };
  switch (event.kind) {
    case "organization.created":
      return [actor, " created the organization ", subject];
    case "organization.updated":
      if (name) {
        return [actor, " renamed the organization from ", { name: name.from ?? "" }, " to ", { name: name.to ?? "" }];
      }
      return [actor, ` changed the organization's ${format.list(event.changes.map((change) => fieldName(change.field)))}`];
    case "organization.invites_paused":
      return ["The invites of the organization were paused after ", change("reason")?.to === "complaints" ? "a complaint" : "bounces"];
    case "organization.invites_resumed":
      return [actor, " lifted the pause of the organization's invites"];
    case "organization.creator_changed":
      return [actor, " handed the creator's place to another owner"];
    case "organization.suspended":
      return [actor, " suspended the organization: ", { name: change("reason")?.to ?? "" }];
    case "organization.unsuspended":
      return [actor, " ended the suspension of the organization"];
    case "organization.deleted":
      return [actor, " deleted the organization"];
    case "organization.restored":
      return [actor, " restored the organization"];
    case "member.added":
      return own ? [actor, ` joined${asRole}`] : [actor, " added ", subject, asRole];
    case "member.removed":
      return own ? [actor, " left the organization"] : [actor, " removed ", subject];
    case "member.role_changed":
      return own ? [actor, ` changed their own role${fromTo(role)}`] : [actor, " changed the role of ", subject, fromTo(role)];
    case "member.billing_emails_changed": {
      const on = billing?.to === "true";
      return own
        ? [actor, on ? " turned their billing emails on" : " turned their billing emails off"]
        : [actor, on ? " turned on billing emails for " : " turned off billing emails for ", subject];
    }
    case "member.email_changed":
      return [subject, " has a new email address"];
    case "member.name_changed":
      return [subject, " has a new name"];
    case "invite.created":
      return [actor, " invited ", subject, asRole];
    case "invite.updated":
      return [actor, " changed the invite to ", subject, role ? `: role${fromTo(role)}` : "", billing ? `: billing emails ${billing.to === "true" ? "on" : "off"}` : ""];
    case "invite.resent":
      return [actor, " sent the invite to ", subject, " again"];
    case "invite.accepted":
      return [actor, " accepted the invite to ", subject];
    case "invite.declined":
      return [actor, " declined the invite to ", subject];
    case "invite.cancelled":
      return [actor, " cancelled the invite to ", subject];
    case "invite.expired":
      return ["The invite to ", subject, " expired"];
    case "invite.email_bounced":
      return ["The mail with the invite to ", subject, " came back"];
    case "invite.email_complained":
      return ["The mail with the invite to ", subject, " was called spam"];
    case "api_key.created":
      return [actor, " created the API key ", subject];
    case "api_key.updated":
      return [actor, " changed the API key ", subject, name ? ", once " : "", name ? { name: name.from ?? "" } : ""];
    case "api_key.rotated":
      return [actor, " rotated the API key ", subject];
    case "api_key.revoked":
      return [actor, " revoked the API key ", subject];
    case "billing.plan_changed":
      return [actor, ` changed the plan${fromTo(change("plan"))}`];
    case "billing.plan_change_scheduled":
      return [actor, ` planned a change of the plan${fromTo(change("plan"))}, on ${change("from")?.to ?? ""}`];
    case "billing.plan_change_cancelled":
      return [actor, " took back the planned change of the plan"];
    case "billing.details_updated":
      return [actor, ` changed the billing details: ${format.list(event.changes.map((change) => fieldName(change.field)))}`];
    case "billing.invoice_issued":
      return ["Invoice ", subject, ` of ${change("amount")?.to ?? ""} was issued`];
    case "billing.payment_failed":
      return ["The payment of invoice ", subject, " failed"];
    case "billing.payment_succeeded":
      return ["Invoice ", subject, " was paid"];
    case "usage.threshold_reached":
      return [`${change("percent")?.to ?? ""}% of the period's credits were used`];
    default:
      return [actor, ": ", fieldName(event.kind), " ", subject];
  }
}

/** @param {AuditEventView["subject"]} subject */
function subjectOf(subject) {
  const unknown = subject.kind === "invite" ? words.log.formerInvitee : words.log.formerMember;
  return { name: subject.name ?? subject.email ?? unknown, email: subject.email ?? null };
}

/** @param {AuditEventView["actor"]} actor */
function actorOf(actor) {
  switch (actor.kind) {
    case "person":
      return { name: actor.name ?? actor.email ?? words.log.formerMember, email: actor.email ?? null };
    case "link_holder":
      return "Whoever had the link";
    case "server":
      return "The product";
    default:
      return "The system";
  }
}

/** @param {string} field */
function fieldName(field) {
  return field.replaceAll(/[._]/g, " ");
}
