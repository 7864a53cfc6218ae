/**
 * Every text that the pages themselves say; a translation replaces this module.
 * What the server says (reasons, refusals) is shown as it comes.
 */

import { format } from "./format.js";

/** @import { AuditEventView } from "./api-types.d.ts" */

/** @type {Record<string, string>} */
const roles = { owner: "Owner", admin: "Admin", user: "User" };

/** A role in a sentence: "an admin". @param {string} role */
function aRole(role) {
  return role === "user" ? `a ${role}` : `an ${role}`;
}

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
  on: "On",
  off: "Off",
  actions: "Actions",
  /** @param {string} name */
  actionsFor: (name) => `Actions for ${name}`,
  notFound: {
    title: "Page not found",
    text: "Check the address, or go back to the home page.",
    home: "Go to home",
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
    unreachable: "Can’t reach the server. Check your connection and try again.",
    lost: "Connection lost. Reconnecting…",
    part: "This part of the page cannot be shown.",
    page: "This page cannot be shown.",
  },

  bar: {
    organizations: "Organizations",
    switchTo: "Switch organization",
    choose: "Select organization",
    none: "You’re not a member of any organization yet.",
    search: "Search organizations",
    noMatch: "No organization has this name.",
    showAll: "Show all",
    all: "Manage organizations",
    /** @param {string} email */
    account: (email) => `Account menu, ${email}`,
    settings: "Organization settings",
    yourAccount: "Your account",
    signIn: "Sign in",
    signOut: "Sign out",
  },

  home: {
    title: "Your team, API keys, and billing in one place",
    lead: "Organizations bring together your team, the API keys you render images with, and the plan you pay for.",
    signIn: "Sign in",
    open: "Open settings",
    account: "Your account",
    points: [
      ["People and roles", "Invite people by email as owners, admins, or users. Invites expire after 14 days and work only for the person invited."],
      ["Keys and usage", "Create, rotate and revoke API keys. Track credits by billing period and by day."],
      ["Full audit log", "See who changed what, and when."],
    ],
  },

  signIn: {
    working: "Signing you in…",
    failed: "We couldn’t sign you in",
    again: "Sign in again",
    home: "Go to home",
    typed: "You’re signed in again. Your unsaved changes are still here.",
  },

  roles,
  /** @type {Record<string, string>} */
  roleMeanings: {
    owner: "Full access, including billing and deleting the organization",
    admin: "Manages members, invites, API keys, and billing. Can’t manage owners.",
    user: "Can view members, plan, and usage. Can’t make changes.",
  },

  settings: {
    title: "Organization settings",
    sections: "Sections",
    general: "General",
    members: "Members",
    invites: "Invites",
    usage: "Plan and usage",
    keys: "API keys",
    billing: "Billing details",
    log: "Audit log",
    danger: "Danger zone",
    onlyManagersTitle: "Only owners and admins can see this",
    onlyManagers: "Ask an owner or admin of this organization if you need something from here.",
    suspendedTitle: "This organization is suspended",
    /** @param {string} reason @param {string} since */
    suspended: (reason, since) => `Since ${since}: ${/[.!?]$/.test(reason) ? reason : `${reason}.`} You can view everything, but can’t change or use anything. Contact support.`,
    noneTitle: "You’re not a member of any organization yet",
    noneText: "Create an organization or accept an invite from your account page.",
    goneTitle: "You don’t have access to this organization",
    toAccount: "Go to your account",
  },

  checklist: {
    title: "Get started",
    /** @param {number} done @param {number} all */
    done: (done, all) => `${format.number(done)} of ${format.number(all)} done`,
    isDone: "Done",
    dismiss: "Dismiss “Get started”",
    invite: "Invite your team",
    key: "Create an API key",
    use: "Use your first credits",
  },

  general: {
    text: "Name and details",
    name: "Name",
    rename: "Rename",
    newName: "Organization name",
    /** @param {string} name */
    renamed: (name) => `Organization renamed to ${name}`,
    /** @param {string} name */
    renamedMeanwhile: (name) => `Someone else just renamed this to “${name}”. Saving will replace it.`,
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
    text: "People with access to this organization",
    search: "Search members",
    placeholder: "Name or email",
    searching: "Searching…",
    /** @param {number} count */
    found: (count) => format.count(count, { one: "# member found", other: "# members found" }),
    nobody: "No members match your search",
    filter: "Filter by role",
    filters: { all: "All", owner: "Owners", admin: "Admins", user: "Users" },
    onlyReads: "Only owners and admins can make changes.",
    copyEmail: "Copy email address",
    emailCopied: "Email address copied",
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
    billingOf: (name) => `Billing emails for ${name}`,
    /** @param {string} name */
    remove: (name) => `Remove ${name}`,
    leave: "Leave organization",
    /** @param {string} name */
    removeTitle: (name) => `Remove ${name}?`,
    /**
     * @param {string} name
     * @param {string} organization
     */
    removeText: (name, organization) =>
      `${name} will lose access to ${organization} immediately. To rejoin, they’ll need a new invite.`,
    leaveTitle: "Leave this organization?",
    /** @param {string} organization */
    leaveText: (organization) => `You’ll lose access to ${organization} immediately. To rejoin, you’ll need a new invite.`,
    /** @param {string} name */
    keysStay: (name) => `${name} created these API keys. They’ll keep working, so rotate any that ${name} might still have:`,
    keysStayYours: "API keys you created will keep working:",
    /** @param {number} count @param {string} name */
    invitesStop: (count, name) =>
      format.count(count, {
        one: `# pending invite that ${name} sent will stop working:`,
        other: `# pending invites that ${name} sent will stop working:`,
      }),
    resendThem: "Resend them under my name",
    /** @param {string} name */
    removed: (name) => `${name} was removed.`,
    /** @param {string[]} keys */
    rotate: (keys) => `Consider rotating the API keys they created: ${format.list(keys)}.`,
    /**
     * @param {string} name
     * @param {string} role
     */
    roleChanged: (name, role) => `${name} is now ${aRole(role)}.`,
    /**
     * @param {string} name
     * @param {boolean} on
     */
    billingChanged: (name, on) => `${name} will ${on ? "receive" : "no longer receive"} billing emails.`,
    /** @param {string} reason @param {string} since */
    stopped: (reason, since) =>
      ({
        no_mailbox: `Billing emails stopped on ${since}: the mailbox doesn’t exist or doesn’t accept email.`,
        suppressed: `Billing emails stopped on ${since}: earlier emails to this address bounced.`,
        complaint: `Billing emails stopped on ${since}: one was marked as spam.`,
      })[reason] ?? `Billing emails stopped on ${since}.`,
    resume: "Send again",
    /** @param {string} name */
    resumeFor: (name) => `Send again: billing emails to ${name}`,
    yourPowerTitle: "Change your own role?",
    /** @param {string} role */
    yourPowerText: (role) => `As ${aRole(role)}, you’ll have fewer permissions and won’t be able to undo this yourself.`,
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
    text: "Pending invites. They expire after 14 days.",
    none: "No pending invites",
    noneFailed: "Every pending invite was sent",
    noneEnded: "No invites ended in the last 30 days",
    filter: "Filter invites",
    filters: { pending: "Pending", failed: "Not delivered", ended: "Ended" },
    /** @param {number} used @param {number} most */
    used: (used, most) => `${format.number(used)} of ${format.number(most)} pending invites used`,
    /** @type {Record<string, string>} */
    ended: { expired: "Expired", declined: "Declined", cancelled: "Cancelled" },
    again: "Invite again",
    /** @param {string} email */
    againTo: (email) => `Invite again: ${email}`,
    /** @param {string} email */
    invitedAgain: (email) => `${email} was invited again.`,
    onlyOwners: "Only owners can invite owners",
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
    resend: "Resend invite",
    resendHint: "Sends a new link, good for 14 days",
    resending: "It is being sent",
    cancel: "Cancel invite",
    /** @param {string} email */
    cancelTitle: (email) => `Cancel the invite to ${email}?`,
    cancelText: "The link in their email will stop working. You can invite them again later.",
    keep: "Keep invite",
    /** @param {string} email */
    cancelled: (email) => `Invite to ${email} cancelled.`,
    /** @param {string} email */
    resent: (email) => `Invite resent to ${email}. The previous link no longer works.`,
    /** @param {string} email */
    changed: (email) => `Invite to ${email} updated.`,
    /** @type {Record<string, string>} */
    delivery: {
      queued: "Sending",
      sent: "Sent",
      failed: "Failed",
      delivered: "Delivered",
      bounced: "Bounced",
      complained: "Reported as spam",
    },
    needsResend: "Needs resending",
    /** @param {string} name */
    needsResendHint: (name) => `${name} can no longer send this invite, so it can’t be accepted. Resend it under your name.`,
    /** @param {number} times */
    timesSent: (times) => format.count(times, { one: "Sent once", other: "Sent # times" }),
  },

  inviteForm: {
    title: "Invite people",
    /** @param {string} organization */
    titleFor: (organization) => `Invite people to ${organization}`,
    emails: "Email addresses",
    email: "Email",
    hint: "Separate addresses with commas or spaces. You can paste a list, also with names.",
    chosen: "Addresses to invite",
    /** @param {string} email */
    remove: (email) => `Remove ${email}`,
    noAddress: "Not an email address",
    billing: "Send them billing emails",
    /** @param {number} count */
    send: (count) => (count > 1 ? format.count(count, { one: "Send # invite", other: "Send # invites" }) : "Send invite"),
    /**
     * @param {number} done
     * @param {number} all
     */
    sending: (done, all) => `Sending ${format.number(done)} of ${format.number(all)}…`,
    empty: "Enter at least one email address.",
    /** Of an address that was typed: the server's own sentence masks it. @type {Record<string, string>} */
    refused: {
      already_member: "Already a member",
      invite_outstanding: "Already invited. Resend or cancel the pending invite.",
    },
    results: "Addresses that couldn’t be invited",
    /** @param {number} count */
    invitedCount: (count) => format.count(count, { one: "# invite sent", other: "# invites sent" }),
    /** @param {number} count */
    failedCount: (count) => format.count(count, { one: "# invite wasn’t sent", other: "# invites weren’t sent" }),
  },

  usage: {
    text: "Your plan and usage this billing period",
    plan: "Plan",
    period: "Current period",
    /** @param {number} credits */
    monthly: (credits) => `${format.number(credits)} credits per month`,
    /**
     * @param {string} plan
     * @param {string} from
     */
    next: (plan, from) => `Changes to ${plan} on ${from}`,
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
    exhausted: "You’ve used all your credits. Image rendering is paused until the next period, or until you upgrade.",
    days: "Credits per day",
    lastDays: "Last 60 days (UTC)",
    /**
     * @param {number} total
     * @param {number} most
     * @param {string} day
     */
    summary: (total, most, day) =>
      `${format.number(total)} credits in the last 60 days. Busiest day: ${day} (${format.number(most)}).`,
    nothing: "No usage in the last 60 days",
    asTable: "View as table",
    asChart: "View as chart",
    date: "Date",
    amount: "Credits",
    changePlan: "Change plan",
  },

  keys: {
    text: "Keys your apps use to render images",
    none: "No API keys yet",
    noneText: "Create a separate key for each app so you can rotate them independently.",
    create: "Create API key",
    name: "Name",
    nameHint: "For example, “Website” or “Nightly reports”",
    expiry: "Expires",
    expiryNever: "Never",
    /** @param {number} days */
    expiryDays: (days) => format.count(days, { one: "# day", other: "# days" }),
    /** @param {string} when */
    used: (when) => `Used ${when}`,
    usedNow: "Used in the last 2 hours",
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
    grace: (until) => `Previous secret works until ${until}`,
    /** @param {number} count @param {number} most */
    count: (count, most) => `${format.number(count)} of ${format.number(most)}`,
    edit: "Edit",
    rotate: "Rotate",
    rotateHint: "Creates a new secret",
    revoke: "Revoke",
    /** @param {string} name */
    editTitle: (name) => `Edit “${name}”`,
    /** @param {string} name */
    rotateTitle: (name) => `Rotate “${name}”?`,
    rotateText: "This creates a new secret. The current one keeps working for the time you choose, so you can update your apps.",
    graceLabel: "Keep current secret working for",
    /** @type {[number, string][]} */
    graces: [
      [0, "Revoke immediately"],
      [3600, "1 hour"],
      [86400, "1 day"],
      [604800, "7 days"],
    ],
    /** @param {string} name */
    revokeTitle: (name) => `Revoke “${name}”?`,
    revokeText: "Apps using this key will stop working within 30 seconds. This can’t be undone.",
    /** @param {string} name */
    revoked: (name) => `API key “${name}” revoked.`,
    /** @param {string} name */
    changed: (name) => `API key “${name}” updated.`,
    secretTitle: "Save your API key",
    secretText: "You won’t be able to see it again. Anyone with this key can use your credits.",
    secret: "Secret",
    copySecret: "Copy secret",
    stored: "Done",
  },

  billing: {
    text: "Shown on your invoices. Only owners and admins can see this.",
    company: "Company name",
    taxId: "Tax ID",
    address: "Invoice address",
    saved: "Billing details saved",
    planTitle: "Change plan",
    planText: "Upgrades take effect immediately. Downgrades are best scheduled for the end of the billing period.",
    current: "Current plan",
    when: "Takes effect",
    now: "Immediately",
    /** @param {number} used @param {string} plan @param {number} credits @param {string} until */
    stopsNow: (used, plan, credits, until) =>
      `You’ve used ${format.number(used)} credits. With ${plan} (${format.number(credits)}), image rendering stops immediately until ${until}.`,
    nothingChanged: "No changes to save",
    periodEnd: "At the end of this billing period",
    choose: "Change plan",
    /** @param {string} plan */
    planChanged: (plan) => `You’re now on ${plan}.`,
    /** @param {string} plan */
    planStays: (plan) => `You’re staying on ${plan}.`,
    /**
     * @param {string} plan
     * @param {string} from
     */
    planFollows: (plan, from) => `You’ll switch to ${plan} on ${from}.`,
  },

  log: {
    text: "Changes to this organization, newest first",
    none: "No activity yet",
    noneFound: "No activity matches these filters",
    filter: "Filter the audit log",
    kind: "Activity",
    /** @type {[string, string][]} */
    kinds: [
      ["", "All activity"],
      ["member", "Members"],
      ["invite", "Invites"],
      ["api_key", "API keys"],
      ["billing", "Billing"],
      ["usage", "Usage"],
      ["organization", "Organization"],
    ],
    person: "Person",
    everyone: "Everyone",
    time: "Time",
    /** @type {[string, string][]} */
    times: [
      ["", "Any time"],
      ["1", "Last 24 hours"],
      ["7", "Last 7 days"],
      ["30", "Last 30 days"],
      ["90", "Last 90 days"],
    ],
    export: "Export CSV",
    formerMember: "a former member",
    formerInvitee: "a former address",
  },

  welcome: {
    /** @param {string} organization @param {string} role */
    joined: (organization, role) => `You joined ${organization} as ${aRole(role)}.`,
    /** @param {string} organization */
    created: (organization) => `${organization} is ready. Next, invite your team.`,
  },

  account: {
    title: "Your account",
    text: "Managed by your sign-in provider",
    email: "Email",
    noEmail: "No email address on this account",
    unverified: "Not verified",
    id: "User ID",
    copyId: "Copy user ID",
    organizations: "Organizations",
    organizationsText: "Organizations you’re a member of",
    none: "You’re not a member of any organization yet.",
    noneText: "Create one below, or ask an admin for an invite.",
    current: "Current",
    open: "Open",
    /** @param {string} name */
    openOf: (name) => `Open ${name}`,
    makeCurrent: "Switch to",
    /** @param {string} name */
    makeCurrentOf: (name) => `Make ${name} the current organization`,
    /** @param {string} name */
    switched: (name) => `Switched to ${name}.`,
    leave: "Leave",
    /** @param {string} name */
    leaveOf: (name) => `Leave ${name}`,
    /** @param {string} name */
    left: (name) => `You left ${name}.`,
    create: "Create organization",
    createTitle: "Create an organization",
    createText: "You’ll be its creator, and an owner until you hand it over.",
    newName: "Organization name",
    invites: "Invites",
    invitesText: "Invites you’ve received",
    noInvites: "No pending invites",
    /**
     * @param {string | null} inviter `null` for the product's own backend
     * @param {string} role
     */
    invitedBy: (inviter, role) => (inviter === null ? `You’re invited as ${role}` : `${inviter} invited you as ${role}`),
    withBilling: "with billing emails",
    accept: "Accept",
    decline: "Decline",
    /** @param {string} name */
    acceptOf: (name) => `Accept the invite to ${name}`,
    /** @param {string} name */
    declineOf: (name) => `Decline the invite to ${name}`,
    /** @param {string} name */
    declineTitle: (name) => `Decline the invite to ${name}?`,
    declineText: "To join later, you’ll need a new invite.",
    /** @param {string} name */
    accepted: (name) => `You joined ${name}.`,
    /** @param {string} name */
    declined: (name) => `Invite to ${name} declined.`,
  },

  optOut: {
    title: {
      asks: "Stop invite emails?",
      stopped: "Invite emails are stopped",
      allowed: "Invite emails are on",
      unknown: "Invalid link",
    },
    text: {
      asks: "No organization here can email an invite to your address again, and the email is reported as unwanted.",
      stopped: "The email is reported. You can change your mind here at any time.",
      allowed: "Organizations can invite your address again.",
      unknown: "The link may be incomplete. Try opening it from your email again.",
    },
    action: "Report and stop invites",
    allow: "Allow invites",
  },
  invite: {
    /** @param {string} organization */
    join: (organization) => `Join ${organization}`,
    /** @param {string | null} inviter */
    lead: (inviter) => (inviter === null ? "You’re invited." : `${inviter} invited you.`),
    to: "Invited email",
    role: "Role",
    billing: "Billing emails",
    billingYes: "Yes",
    billingNo: "No",
    until: "Expires",
    signIn: "Sign in to accept",
    signInHint: "Sign in with the email address this invite was sent to.",
    /** @param {string} email */
    signedInAs: (email) => `You’re signed in as ${email}.`,
    accept: "Accept invite",
    decline: "Decline",
    declineTitle: "Decline this invite?",
    declineText: "This link will stop working. To join later, you’ll need a new invite.",
    keep: "Go back",
    other: "Switch account",
    toAccount: "Go to your account",
    home: "Go to home",
    wrongTitle: "Wrong account",
    /**
     * @param {string} mine
     * @param {string} theirs
     */
    wrong: (mine, theirs) => `You’re signed in as ${mine}, but this invite is for ${theirs}.`,
    unverifiedTitle: "Verify your email address first",
    /** @param {string} email */
    unverified: (email) => `${email} isn’t verified yet. Verify it with your sign-in provider, then sign in again.`,
    again: "Sign in again",
    declinedTitle: "Invite declined",
    declined: "You can close this page.",
    lostTitle: "Open the link in your email again",
    lost: "This page has expired.",
    /** @type {Record<string, [string, string]>} */
    ended: {
      invite_expired: ["This invite has expired", "Invites expire after 14 days. Ask for a new one."],
      invite_cancelled: ["This invite was cancelled", "The sender cancelled this invite. Contact them if you think this is a mistake."],
      invite_accepted: ["This invite has already been used", "If that was you, the organization is on your account page."],
      invite_declined: ["This invite was declined", "Ask for a new one if you have changed your mind."],
      link_replaced: ["This link is out of date", "Use the link in the most recent invitation email."],
      invite_not_found: ["Invalid link", "The link may be incomplete or too old. Try opening it from your email again."],
    },
    needsResend: "This invite needs to be resent",
    memberTitle: "You’re already a member",
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
      if (!billing) {
        return [actor, " resumed the billing emails to ", subject];
      }
      const on = billing.to === "true";
      return own
        ? [actor, on ? " turned their billing emails on" : " turned their billing emails off"]
        : [actor, on ? " turned on billing emails for " : " turned off billing emails for ", subject];
    }
    case "member.billing_email_bounced":
      return ["A billing email to ", subject, change("billing_emails_stopped") ? " bounced, so no more are sent" : " bounced"];
    case "member.billing_email_complained":
      return [subject, " marked a billing email as spam", change("billing_emails_stopped") ? ", so no more are sent" : ""];
    case "member.email_changed":
      return [subject, " has a new email address"];
    case "member.name_changed":
      return [subject, " has a new name"];
    case "invite.created":
      return [actor, " invited ", subject, asRole];
    case "invite.updated":
      return [actor, " changed the invite to ", subject, role ? `: role${fromTo(role)}` : "", billing ? `: billing emails ${billing.to === "true" ? "on" : "off"}` : ""];
    case "invite.resent":
      return [actor, " resent the invite to ", subject];
    case "invite.accepted":
      return [actor, " accepted the invite to ", subject];
    case "invite.declined":
      return [actor, " declined the invite to ", subject];
    case "invite.cancelled":
      return [actor, " cancelled the invite to ", subject];
    case "invite.expired":
      return ["The invite to ", subject, " expired"];
    case "invite.email_bounced":
      return ["The invite email to ", subject, " bounced"];
    case "invite.email_complained":
      return ["The invite email to ", subject, " was reported as spam"];
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
      return [actor, ` scheduled a plan change${fromTo(change("plan"))}, on ${change("from")?.to ?? ""}`];
    case "billing.plan_change_cancelled":
      return [actor, " cancelled the scheduled plan change"];
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
