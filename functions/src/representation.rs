//! How things look in the API.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    Action, Actor, ApiKey, ApiKeyId, ApiKeyName, ApiKeySecret, AuditEvent, Billing, BillingDetails,
    Change, DeliveryState, EmailAddress, EventId, EventKind, Invite, InviteId, Inviter, KeyCreator,
    Ledger, Member, Metadata, NextPlan, Organization, OrganizationId, OrganizationName, Period,
    Person, PersonName, Plan, Plans, Refusal, Role, Subject, UserId, may_rotate, permit,
};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use store::Page;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(crate) struct List<T> {
    /// The items, in the list's order.
    pub(crate) items: Vec<T>,
    /// Leads to the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(crate) fn of<U>(page: Page<U>, view: impl FnMut(&U) -> T) -> Self {
        Self {
            items: page.items.iter().map(view).collect(),
            next_cursor: page.next_cursor,
        }
    }
}

/// An organization, as one of its members sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrganizationView {
    /// Its id.
    id: OrganizationId,
    /// Its name.
    name: OrganizationName,
    /// What the product keeps with it.
    metadata: Metadata,
    /// Who created it.
    creator_id: UserId,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// The caller's role.
    role: Role,
}

impl OrganizationView {
    pub(crate) fn of(organization: &Organization, me: &Member) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            metadata: organization.metadata.clone(),
            creator_id: organization.creator_id.clone(),
            created_at: organization.created_at,
            role: me.role,
        }
    }
}

/// Whether the caller may do something, and if not, why.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permission {
    /// Whether the caller may.
    allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Permission {
    fn of(decision: Result<(), Refusal>) -> Self {
        let reason = decision.err().map(|refusal| refusal.to_string());
        Self {
            allowed: reason.is_none(),
            reason,
        }
    }
}

/// Which of the roles the caller may choose, and if none, why.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RoleChoice {
    /// The roles.
    roles: Vec<Role>,
    /// Why there is no choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl RoleChoice {
    fn of(decide: impl Fn(Role) -> Result<(), Refusal>) -> Self {
        let roles: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|&role| decide(role).is_ok())
            .collect();
        let refusal = decide(Role::User).err().filter(|_| roles.is_empty());
        Self {
            roles,
            reason: refusal.map(|refusal| refusal.to_string()),
        }
    }
}

/// A member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberView {
    /// The person's id at the sign-in provider.
    user_id: UserId,
    /// The address that they joined with.
    email: EmailAddress,
    /// Their name, where the sign-in told one.
    name: Option<PersonName>,
    /// What they are in the organization.
    role: Role,
    /// Whether billing emails go to them.
    receives_billing_emails: bool,
    /// Whether they created the organization.
    is_creator: bool,
    /// When they joined.
    joined_at: DateTime<Utc>,
    /// What the caller may do with them.
    may: MemberPermissions,
}

/// What the caller may do with a member.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MemberPermissions {
    /// The roles that the caller may give them.
    change_role: RoleChoice,
    /// Turn their billing emails on or off, whichever they are not.
    change_billing_emails: Permission,
    /// Remove them; for the caller's own membership, leave.
    remove: Permission,
}

impl MemberView {
    pub(crate) fn of(member: &Member, me: &Member) -> Self {
        let change_role = |to| permit(me, Action::ChangeRole { of: member, to });
        let to = !member.receives_billing_emails;
        Self {
            user_id: member.user_id.clone(),
            email: member.email.clone(),
            name: member.name.clone(),
            role: member.role,
            receives_billing_emails: member.receives_billing_emails,
            is_creator: member.is_creator,
            joined_at: member.joined_at,
            may: MemberPermissions {
                change_role: RoleChoice::of(change_role),
                change_billing_emails: Permission::of(permit(
                    me,
                    Action::SetBillingEmails { of: member, to },
                )),
                remove: Permission::of(permit(me, Action::RemoveMember(member))),
            },
        }
    }
}

/// A member after a change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpdatedMemberView {
    /// The member.
    #[serde(flatten)]
    pub(crate) member: MemberView,
    /// For whoever was made a user: the API keys that they made and cannot
    /// manage any more. The keys stay good; rotate those whose secret the person
    /// may have kept. Otherwise empty.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}

/// What is left of a member who was removed, or has left.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RemovedView {
    /// The API keys that they made. The keys stay good; rotate those whose secret
    /// the person may have kept.
    pub(crate) api_keys: Vec<ApiKeySummary>,
}

/// An API key's name.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeySummary {
    /// Its id.
    id: ApiKeyId,
    /// What people call it.
    name: ApiKeyName,
}

impl ApiKeySummary {
    /// Those of the keys that this person made.
    pub(crate) fn made_by(person: &UserId, keys: &[ApiKey]) -> Vec<Self> {
        let theirs = keys.iter().filter(|key| key.created_by.id == *person);
        theirs
            .map(|key| Self {
                id: key.id,
                name: key.name.clone(),
            })
            .collect()
    }
}

/// How far the email of an invite's last sending has come.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeliveryView {
    /// How far.
    state: DeliveryState,
    /// Since when.
    at: DateTime<Utc>,
    /// Why it failed, for owners and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A pending invite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InviteView {
    /// Its id.
    id: InviteId,
    /// The invited address, as it was typed.
    email: EmailAddress,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    receives_billing_emails: bool,
    /// Who answers for it.
    invited_by: Inviter,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    expires_at: DateTime<Utc>,
    /// How often it was sent.
    times_sent: u32,
    /// How far the email of its last sending has come.
    delivery: DeliveryView,
    /// What the caller may do with it.
    may: InvitePermissions,
}

/// What the caller may do with an invite.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InvitePermissions {
    /// The roles that the caller may give it.
    update: RoleChoice,
    /// Cancel it.
    cancel: Permission,
    /// Send it again.
    resend: Permission,
}

impl InviteView {
    pub(crate) fn of(invite: &Invite, me: &Member) -> Self {
        let update = |to| {
            permit(
                me,
                Action::UpdateInvite {
                    from: invite.role,
                    to,
                },
            )
        };
        let manages = permit(me, Action::CancelInvite(invite.role)).is_ok();
        Self {
            id: invite.id,
            email: invite.email.clone(),
            role: invite.role,
            receives_billing_emails: invite.receives_billing_emails,
            invited_by: invite.invited_by.clone(),
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            times_sent: invite.times_sent,
            delivery: DeliveryView {
                state: invite.delivery.state,
                at: invite.delivery.at,
                reason: invite.delivery.reason.clone().filter(|_| manages),
            },
            may: InvitePermissions {
                update: RoleChoice::of(update),
                cancel: Permission::of(permit(me, Action::CancelInvite(invite.role))),
                resend: Permission::of(permit(me, Action::ResendInvite(invite.role))),
            },
        }
    }
}

/// An API key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeyView {
    /// Its id.
    id: ApiKeyId,
    /// What people call it.
    name: ApiKeyName,
    /// What people know its secret by: how it begins and ends.
    hint: String,
    /// Who made it; they may have left since.
    created_by: KeyCreator,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// From when on it is no good; `null` if it has no end.
    expires_at: Option<DateTime<Utc>>,
    /// The hour that it was last used in; `null` if it never was.
    last_used_at: Option<DateTime<Utc>>,
    /// When it last got a new secret.
    rotated_at: Option<DateTime<Utc>>,
    /// Until when a secret from before a rotation is good; `null` if none is.
    previous_secret_valid_until: Option<DateTime<Utc>>,
    /// What the caller may do with it.
    may: ApiKeyPermissions,
}

/// What the caller may do with an API key.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiKeyPermissions {
    /// Change its name and expiry.
    update: Permission,
    /// Give it a new secret.
    rotate: Permission,
    /// Revoke it.
    revoke: Permission,
}

impl ApiKeyView {
    pub(crate) fn of(key: &ApiKey, me: &Member, now: DateTime<Utc>) -> Self {
        let manage = || Permission::of(permit(me, Action::ManageApiKeys));
        Self {
            id: key.id,
            name: key.name.clone(),
            hint: key.hint.clone(),
            created_by: key.created_by.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            rotated_at: key.rotated_at,
            previous_secret_valid_until: key.previous_secret_valid_until(now),
            may: ApiKeyPermissions {
                update: manage(),
                rotate: Permission::of(may_rotate(me, key, now)),
                revoke: manage(),
            },
        }
    }
}

/// An API key with its secret, which is shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SecretView {
    /// The key.
    pub(crate) api_key: ApiKeyView,
    /// What clients are let in with.
    #[serde(serialize_with = "reveal")]
    #[schemars(with = "String")]
    pub(crate) secret: ApiKeySecret,
}

fn reveal<S: Serializer>(secret: &ApiKeySecret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&secret.reveal())
}

/// All that the settings page shows.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SettingsView {
    /// The organization.
    pub(crate) organization: OrganizationView,
    /// The caller's own membership.
    pub(crate) me: MemberView,
    /// What the caller may do.
    pub(crate) may: Permissions,
    /// The first page of the members.
    pub(crate) members: List<MemberView>,
    /// The first page of the pending invites.
    pub(crate) invites: List<InviteView>,
    /// The first page of the API keys.
    pub(crate) api_keys: List<ApiKeyView>,
    /// The plan and its period.
    pub(crate) billing: PlanView,
    /// The credits of the period.
    pub(crate) usage: UsageSummaryView,
}

/// What the caller may do in the organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Permissions {
    /// Rename it and change its metadata.
    update_organization: Permission,
    /// Delete it.
    delete_organization: Permission,
    /// Change plan and billing details.
    manage_billing: Permission,
    /// Create, rotate and revoke API keys.
    manage_api_keys: Permission,
    /// Read the audit log.
    view_audit_log: Permission,
    /// Invite people, as these roles.
    invite: RoleChoice,
}

impl Permissions {
    pub(crate) fn of(me: &Member) -> Self {
        let may = |action| Permission::of(permit(me, action));
        Self {
            update_organization: may(Action::UpdateOrganization),
            delete_organization: may(Action::DeleteOrganization),
            manage_billing: may(Action::ManageBilling),
            manage_api_keys: may(Action::ManageApiKeys),
            view_audit_log: may(Action::ViewAuditLog),
            invite: RoleChoice::of(|role| permit(me, Action::Invite(role))),
        }
    }
}

/// The plan that is to follow.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NextPlanView {
    #[serde(flatten)]
    plan: Plan,
    /// From when on: the end of the present period.
    from: DateTime<Utc>,
}

impl NextPlanView {
    fn of(next: &NextPlan, plans: &Plans) -> Self {
        Self {
            plan: plans.get(&next.plan.id).unwrap_or(&next.plan).clone(),
            from: next.from,
        }
    }
}

/// The plan and its period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanView {
    /// The plan.
    plan: Plan,
    /// The present billing period.
    period: Period,
    /// The plan that is to follow.
    next_plan: Option<NextPlanView>,
}

impl PlanView {
    pub(crate) fn of(billing: &Billing, plans: &Plans, now: DateTime<Utc>) -> Self {
        let next = billing.next_plan_at(now);
        Self {
            plan: billing.plan_at(plans, now),
            period: billing.period_at(now),
            next_plan: next.map(|next| NextPlanView::of(next, plans)),
        }
    }
}

/// What the caller may do with billing.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BillingPermissions {
    /// Change plan and details.
    manage: Permission,
}

/// The plan, its period, and what stands on the invoices.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BillingView {
    #[serde(flatten)]
    plan: PlanView,
    /// The plans that there are.
    plans: Vec<Plan>,
    /// What stands on the invoices, for owners and admins.
    details: Option<BillingDetails>,
    /// What the caller may do.
    may: BillingPermissions,
}

impl BillingView {
    pub(crate) fn of(billing: &Billing, me: &Member, plans: &Plans, now: DateTime<Utc>) -> Self {
        let manage = permit(me, Action::ManageBilling);
        Self {
            plan: PlanView::of(billing, plans, now),
            plans: plans.iter().cloned().collect(),
            details: manage.is_ok().then(|| billing.details.clone()),
            may: BillingPermissions {
                manage: Permission::of(manage),
            },
        }
    }
}

/// The credits that were used on a day.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DayView {
    /// The day, in UTC.
    date: NaiveDate,
    /// How many.
    credits: u64,
}

/// The credits of the present billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageSummaryView {
    /// How many are used.
    used: u64,
    /// How many there are.
    allowed: u64,
    /// How many are left.
    remaining: u64,
    /// The last 60 days, oldest first.
    days: Vec<DayView>,
}

impl UsageSummaryView {
    pub(crate) fn of(ledger: &Ledger, plans: &Plans, now: DateTime<Utc>) -> Self {
        let (used, allowed) = (ledger.used_at(now), ledger.allowed_at(plans, now));
        let days = ledger.days(now).into_iter();
        Self {
            used,
            allowed,
            remaining: allowed.saturating_sub(used),
            days: days
                .map(|(day, credits)| DayView {
                    date: day.date_naive(),
                    credits,
                })
                .collect(),
        }
    }
}

/// Images by when they were rendered. Every hour, day and month has its entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageDataView {
    /// The last 72 hours, by when they began.
    hour: BTreeMap<DateTime<Utc>, u64>,
    /// The last 60 days, by when they began.
    day: BTreeMap<DateTime<Utc>, u64>,
    /// The last 12 months, by when they began.
    month: BTreeMap<DateTime<Utc>, u64>,
}

/// The images of a billing period.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PeriodUsageView {
    /// How many.
    total_images: u64,
    #[serde(flatten)]
    period: Period,
}

/// How many images were rendered when.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// By hours, days and months.
    data: UsageDataView,
    /// The present billing period and the twelve before it, newest first.
    per_billing_period: Vec<PeriodUsageView>,
}

impl UsageView {
    pub(crate) fn of(ledger: &Ledger, now: DateTime<Utc>) -> Self {
        let report = ledger.report(now);
        let periods = report.periods.into_iter();
        Self {
            data: UsageDataView {
                hour: report.hours.into_iter().collect(),
                day: report.days.into_iter().collect(),
                month: report.months.into_iter().collect(),
            },
            per_billing_period: periods
                .map(|(period, total_images)| PeriodUsageView {
                    total_images,
                    period,
                })
                .collect(),
        }
    }
}

/// What using credits comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConsumedView {
    /// How many credits there are in the billing period.
    pub(crate) allowed: u64,
    /// How many this request used.
    pub(crate) consumed: u64,
    /// How many are used, with those of this request.
    pub(crate) used: u64,
    /// How many are left.
    pub(crate) remaining: u64,
}

/// One line of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEventView {
    /// Its id.
    id: EventId,
    /// When it happened.
    at: DateTime<Utc>,
    /// What happened.
    kind: EventKind,
    /// Who did it.
    actor: Actor,
    /// Whom or what it was done to.
    subject: Subject,
    /// From what to what.
    changes: Vec<Change>,
}

impl AuditEventView {
    pub(crate) fn of(event: &AuditEvent) -> Self {
        Self {
            id: event.id,
            at: event.at,
            kind: event.kind,
            actor: event.actor.clone(),
            subject: event.subject.clone(),
            changes: event.changes.clone(),
        }
    }
}

/// The signed-in person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AccountView {
    /// Their id at the sign-in provider.
    user_id: UserId,
    /// Their address, where the sign-in tells one.
    email: Option<EmailAddress>,
    /// Whether the provider vouches for the address.
    email_verified: bool,
    /// Their name, where the sign-in tells one.
    name: Option<PersonName>,
    /// The organization that they work in at present.
    current_organization: Option<OrganizationView>,
}

impl AccountView {
    pub(crate) fn of(person: Person, current_organization: Option<OrganizationView>) -> Self {
        Self {
            user_id: person.user_id,
            email: person.email,
            email_verified: person.email_verified,
            name: person.name,
            current_organization,
        }
    }
}

/// An invite, as the invitee sees it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MyInviteView {
    /// Its id.
    id: InviteId,
    /// The organization.
    organization: OrganizationSummary,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    receives_billing_emails: bool,
    /// Who answers for it.
    invited_by: Inviter,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    expires_at: DateTime<Utc>,
}

/// What somebody invited may know of an organization.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OrganizationSummary {
    /// Its id.
    id: OrganizationId,
    /// Its name.
    name: OrganizationName,
}

impl MyInviteView {
    pub(crate) fn of(invite: &Invite, organization: &Organization) -> Self {
        Self {
            id: invite.id,
            organization: OrganizationSummary {
                id: organization.id,
                name: organization.name.clone(),
            },
            role: invite.role,
            receives_billing_emails: invite.receives_billing_emails,
            invited_by: invite.invited_by.clone(),
            created_at: invite.created_at,
            expires_at: invite.expires_at,
        }
    }
}

/// What accepting an invite makes.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AcceptedView {
    /// The organization, which is the person's current one now.
    pub(crate) organization: OrganizationView,
    /// The person's membership.
    pub(crate) member: MemberView,
}

/// What whoever holds an invite's link may know.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PreviewView {
    /// The invite's id, for accepting it once signed in.
    invite_id: InviteId,
    /// The organization's name.
    organization_name: OrganizationName,
    /// The inviter's name.
    inviter_name: String,
    /// The invited address, masked.
    masked_email: String,
    /// The role that accepting gives.
    role: Role,
    /// Whether accepting turns on billing emails.
    receives_billing_emails: bool,
    /// Until when it can be accepted.
    expires_at: DateTime<Utc>,
}

impl PreviewView {
    pub(crate) fn of(invite: &Invite, organization: &Organization) -> Self {
        Self {
            invite_id: invite.id,
            organization_name: organization.name.clone(),
            inviter_name: invite.invited_by.name.clone(),
            masked_email: invite.email.masked(),
            role: invite.role,
            receives_billing_emails: invite.receives_billing_emails,
            expires_at: invite.expires_at,
        }
    }
}
