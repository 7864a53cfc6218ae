//! The rules of organizations, members and invites.
//!
//! Everything here is pure: a decision takes loaded values, the input and `now`,
//! and returns the change to commit or a typed [`Refusal`]. The crate knows no
//! AWS, no HTTP, no clock and no randomness, so that every rule can be read and
//! tested in one place.
//!
//! The serde derives of this crate are the *stored* form: the attributes of the
//! table's items, which the store's `stored_forms` tests pin. The views of the API and the
//! events that leave for other systems are other forms, with types of their own
//! outside of this crate. Only scalars, such as ids and names, and plain enums have
//! one form everywhere; for the views they derive a JSON schema, too.

mod add;
mod address;
mod api_key;
mod audit;
mod billing;
mod caller;
mod counts;
mod delivery;
mod email;
mod erase;
mod handover;
mod ids;
mod import;
mod invite;
mod limits;
mod link;
mod member;
mod notice;
mod organization;
mod pause;
mod period;
mod permission;
mod person;
mod plan;
mod profile;
mod rate;
mod recipient;
mod refusal;
mod role;
mod secret;
mod server_key;
mod standing;
mod stopped;
mod text;
mod usage;

pub use add::{Added, NewMember, add_member};
pub use address::{Address, Holder, InviteHold};
pub use api_key::{
    ApiKey, ApiKeyRequest, ApiKeyScope, ApiKeyScopes, ApiKeyUpdate, EarlierSecret, GracePeriod,
    InvalidGrace, KeyCreator, MAX_API_KEYS, NoScope, create_api_key, may_rotate, revoke_api_key,
    rotate_api_key, update_api_key,
};
pub use audit::{Actor, AuditEvent, Change, Event, EventKind, OutboxEmail, Subject, SubjectKind};
pub use billing::{
    Billing, BillingChange, BillingDetails, BillingUpdate, CompanyName, InvalidDetail,
    InvoiceAddress, NextPlan, TaxId, When, begin_next_plan, may_change_plan, set_plan,
    update_billing,
};
pub use caller::{Caller, Server};
pub use counts::Counts;
pub use delivery::{Bounce, Delivery, DeliveryState, EmailReport};
pub use email::{EmailAddress, InvalidEmail};
pub use erase::without_creator_name;
pub use handover::{HandOver, hand_over};
pub use ids::{ApiKeyId, EventId, ExternalId, InvalidId, InviteId, OrganizationId, UserId};
pub use import::{
    HexHash, ImportedApiKey, ImportedPrefixes, InvalidHash, InvalidHint, InvalidPrefixes, KeyHint,
    import_api_key,
};
pub use invite::{
    Acceptance, Accepted, Created, Ended, EndedInvite, INVITE_LIFETIME, Invite, InviteRequest,
    InviteState, InviteTerms, InviteUpdate, Inviter, MAX_OUTSTANDING_INVITES, Outcome, Resent,
    accept, cancel, create_invite, decline, resend, update_invite,
};
pub use limits::{
    CountedEmail, DailyCount, EmailHistory, EmailLimit, EmailLimits, Limits, OrganizationLimits,
};
pub use link::{InvalidToken, InviteToken, LinkKey, LinkKeys, OptOutToken, WeakKey};
pub use member::{Member, MemberUpdate, remove_member, update_member};
pub use notice::{
    Amount, AmountUnit, Currency, InvalidInvoice, Invoice, InvoiceEvent, InvoiceNumber, InvoiceUrl,
    Notice,
};
pub use organization::{
    ManagedUpdate, NewOrganization, Organization, OrganizationUpdate, create_organization,
    provision_organization, update_organization,
};
pub use pause::{
    CountedReport, EmailReports, InvitesPaused, PauseLimits, PauseReason, Reported, lift_pause,
    record_report,
};
pub use period::{Anchor, Period};
pub use permission::{Action, permit};
pub use person::Person;
pub use plan::{InvalidPlanId, InvalidPlans, Plan, PlanChanges, PlanId, Plans};
pub use profile::{NewAddress, Profile, TakeOver, take_over};
pub use rate::{Allowance, Asked, Lease, RateLimit, UsageRates};
pub use recipient::{Recipient, RecipientId, opt_in, opt_out};
pub use refusal::{Refusal, RefusalKind};
pub use role::Role;
pub use secret::{ApiKeySecret, InvalidSecret, SecretHash};
pub use server_key::{ServerKey, ServerKeys, WeakServerKey};
pub use standing::{
    InvalidReason, RESTORE_PERIOD, Standing, Suspension, SuspensionReason, delete_organization,
    purge_organization, restore_organization, suspend, unsuspend,
};
pub use stopped::{BillingEmailsStopped, ReportedBillingEmail, StopReason, record_billing_report};
pub use text::{ApiKeyName, InvalidMetadata, InvalidText, Metadata, OrganizationName, PersonName};
pub use usage::{
    Counter, Credit, Credits, Debit, InvalidCredits, Ledger, Level, MAX_COUNTERS, Meter, Notified,
    Part, Refund, Remaining, Slots, Spending, Spent, Stale, Tally, UsageReport, Used, refund,
    refund_by_meter, remaining, spend,
};
