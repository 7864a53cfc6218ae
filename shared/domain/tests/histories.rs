//! Random histories of an organization: the decisions of this crate, committed with
//! optimistic concurrency to a table in memory, by several processes at once.
//!
//! A process reads, decides, takes ids for the events and commits, each at a moment
//! of its own; a read of several items may be torn. After each history the table is
//! sound, the audit log explains every change in its own order, and the credits add
//! up. `HISTORIES` sets how many there are, `HISTORY_SEED` the seed of the first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code)]
#[path = "../../../tests/src/histories/replay.rs"]
mod replay;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    rc::Rc,
};

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use domain::*;
use replay::{Line, PLANS, PendingInvite, Replay, Terms};
use uuid::Uuid;

/// The histories of a normal test run.
const HISTORIES: u64 = 300;
const TICKS: usize = 160;
const PROCESSES: usize = 4;
const PEOPLE: [&str; 5] = ["ada", "bo", "cy", "di", "ed"];
/// The addresses, with the people who can sign in with each. Their masked forms differ.
const ADDRESSES: [(&str, &[usize]); 6] = [
    ("ada@example.com", &[0]),
    ("bo@north.example", &[1]),
    ("bo@south.example", &[1]),
    ("cy@north.example", &[2]),
    ("di@north.example", &[3]),
    ("team@shared.example", &[3, 4]),
];

/// What somebody wants.
#[derive(Debug, Clone, Copy)]
enum Wish {
    Invite {
        by: usize,
        to: usize,
        role: Role,
        billing_emails: bool,
    },
    UpdateInvite {
        by: usize,
        to: usize,
        role: Option<Role>,
        billing_emails: Option<bool>,
    },
    Resend {
        by: usize,
        to: usize,
    },
    Cancel {
        by: usize,
        to: usize,
    },
    Accept {
        by: usize,
        to: usize,
    },
    Decline {
        by: Option<usize>,
        to: usize,
    },
    UpdateMember {
        by: usize,
        of: usize,
        role: Option<Role>,
        billing_emails: Option<bool>,
    },
    Remove {
        by: usize,
        of: usize,
    },
    Rename {
        by: usize,
        name: usize,
    },
    CreateKey {
        by: usize,
    },
    RenameKey {
        by: usize,
        key: usize,
        name: usize,
    },
    RotateKey {
        by: usize,
        key: usize,
    },
    RevokeKey {
        by: usize,
        key: usize,
    },
    UseCredits {
        request: usize,
        credits: u64,
    },
    ChangePlan {
        by: usize,
        plan: usize,
        when: When,
    },
    ExpireInvite {
        to: usize,
    },
    ApplyPlan,
}

/// A moment of a history: one process takes its next step.
#[derive(Debug, Clone, Copy)]
struct Tick {
    process: usize,
    /// The next wish, for a process without one.
    wish: Wish,
    /// The time that passes before it, if no process is at work.
    pause: Pause,
    /// The seed of what is random in the step.
    seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    None,
    Minutes(i64),
    /// The end of an invite's 14 days falls into the next decisions.
    UntilExpiry,
    /// The end of the billing period falls into the next decisions.
    UntilPeriodEnd,
}

fn generate(seed: u64) -> Vec<Tick> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..TICKS)
        .map(|n| Tick {
            process: random.usize(..PROCESSES),
            wish: Wish::generate(&mut random, n < TICKS / 4),
            pause: match random.u8(..24) {
                0..8 => Pause::Minutes(2),
                8..10 => Pause::Minutes(24 * 60),
                10 => Pause::UntilExpiry,
                11 => Pause::UntilPeriodEnd,
                _ => Pause::None,
            },
            seed: random.u64(..),
        })
        .collect()
}

impl Wish {
    fn generate(random: &mut fastrand::Rng, early: bool) -> Self {
        let by = [0, 0, 1, 1, 2, 2, 3, 4][random.usize(..8)];
        let of = random.usize(..5);
        let to = random.usize(1..ADDRESSES.len());
        let people = ADDRESSES[to].1;
        let invitee = people[random.usize(..people.len())];
        let role = [Role::Owner, Role::Admin, Role::Admin, Role::User][random.usize(..4)];
        let maybe_role = random.bool().then_some(role);
        let maybe_emails = (maybe_role.is_none() || random.bool()).then(|| random.bool());
        let (key, name) = (random.usize(..3), random.usize(..3));
        match random.u8(..if early { 14 } else { 36 }) {
            0..7 => Self::Invite {
                by: if early { 0 } else { by },
                to,
                role,
                billing_emails: random.bool(),
            },
            7..13 => Self::Accept { by: invitee, to },
            13 => Self::CreateKey { by },
            14..17 => Self::UpdateInvite {
                by,
                to,
                role: maybe_role,
                billing_emails: maybe_emails,
            },
            17 => Self::Resend { by, to },
            18 => Self::Cancel { by, to },
            19 => Self::Decline {
                by: random.bool().then_some(invitee),
                to,
            },
            20..24 => Self::UpdateMember {
                by,
                of,
                role: maybe_role,
                billing_emails: maybe_emails,
            },
            24..26 => Self::Remove { by, of },
            26 => Self::Remove { by, of: by },
            27 => Self::Rename { by, name },
            28 => Self::RenameKey { by, key, name },
            29 => Self::RotateKey { by, key },
            30 => Self::RevokeKey { by, key },
            31..33 => Self::UseCredits {
                request: random.usize(..8),
                credits: [1, 5, 20, 39][random.usize(..4)],
            },
            33 => Self::ChangePlan {
                by,
                plan: random.usize(..3),
                when: [When::Now, When::PeriodEnd][random.usize(..2)],
            },
            34 => Self::ExpireInvite { to },
            _ => Self::ApplyPlan,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Organization,
    Counts,
    Member(UserId),
    Address(String),
    Invite(InviteId),
    Ended(InviteId),
    Key(ApiKeyId),
    Billing,
    Counter(u8),
    Request(usize),
}

#[derive(Debug, Clone)]
enum Row {
    Organization(Organization),
    Counts(Counts),
    Member(Member),
    Address(Address),
    Invite(Invite),
    Ended(EndedInvite),
    Key(ApiKey),
    Billing(Billing),
    Counter(Counter),
    Request { credits: u64, at: DateTime<Utc> },
}

impl Row {
    fn version(&mut self) -> Option<&mut u64> {
        match self {
            Self::Organization(row) => Some(&mut row.version),
            Self::Member(row) => Some(&mut row.version),
            Self::Address(row) => Some(&mut row.version),
            Self::Invite(row) => Some(&mut row.version),
            Self::Key(row) => Some(&mut row.version),
            Self::Billing(row) => Some(&mut row.version),
            Self::Counter(row) => Some(&mut row.version),
            Self::Counts(_) | Self::Ended(_) | Self::Request { .. } => None,
        }
    }
}

type Table = BTreeMap<Place, Row>;

/// What a process reads: each item as it was at the beginning of the read, or at its end.
struct Read<'a> {
    earlier: &'a Table,
    later: &'a Table,
    random: fastrand::Rng,
}

macro_rules! getters {
    ($($get:ident($($arg:ident: $kind:ty)?) -> $row:ident($value:ty) at $place:expr;)*) => {
        $(fn $get(&mut self $(, $arg: $kind)?) -> Option<$value> {
            match self.row(&$place) {
                Some(Row::$row(row)) => Some(row),
                _ => None,
            }
        })*
    };
}

impl Read<'_> {
    fn row(&mut self, place: &Place) -> Option<Row> {
        let is_early = self.random.bool();
        let table = if is_early { self.earlier } else { self.later };
        table.get(place).cloned()
    }

    getters! {
        organization() -> Organization(Organization) at Place::Organization;
        counts() -> Counts(Counts) at Place::Counts;
        member(user: &UserId) -> Member(Member) at Place::Member(user.clone());
        address(email: &EmailAddress) -> Address(Address) at address_at(email);
        invite(id: InviteId) -> Invite(Invite) at Place::Invite(id);
        ended(id: InviteId) -> Ended(EndedInvite) at Place::Ended(id);
        key(id: ApiKeyId) -> Key(ApiKey) at Place::Key(id);
        billing() -> Billing(Billing) at Place::Billing;
        counter(number: u8) -> Counter(Counter) at Place::Counter(number);
    }

    /// Reads the caller's membership.
    fn caller(&mut self, by: usize) -> Result<Caller, Stop> {
        let member = self.member(&user(by));
        Ok(Caller::Member(member.ok_or(Refusal::OrganizationNotFound)?))
    }

    /// Reads an invite at both of its places.
    fn state(&mut self, id: InviteId) -> Result<InviteState, Stop> {
        let pending = self.invite(id).map(InviteState::Pending);
        let ended = self.ended(id).map(InviteState::Ended);
        ended.or(pending).ok_or(Stop::Reload)
    }

    fn ledger(&mut self, plans: &Plans) -> Result<Ledger, Stop> {
        let organization = self.organization().unwrap();
        let billing = self
            .billing()
            .unwrap_or_else(|| Billing::of(&organization, plans));
        let counters = (0..MAX_COUNTERS).map_while(|number| self.counter(number));
        let ledger = Ledger {
            billing,
            counters: counters.collect(),
        };
        if ledger.is_consistent() {
            Ok(ledger)
        } else {
            Err(Stop::Reload)
        }
    }
}

fn address_at(email: &EmailAddress) -> Place {
    Place::Address(email.normal().to_owned())
}

fn user(person: usize) -> UserId {
    UserId::parse(PEOPLE[person]).unwrap()
}

fn email(address: usize) -> EmailAddress {
    EmailAddress::parse(ADDRESSES[address].0).unwrap()
}

fn person(person: usize, address: usize) -> Person {
    Person {
        user_id: user(person),
        email: Some(email(address)),
        email_verified: true,
        name: PersonName::from_claim(PEOPLE[person]),
        issued_at: None,
    }
}

/// Why a decision has nothing to commit.
enum Stop {
    Refused,
    Unchanged,
    /// What was read does not fit together.
    Reload,
}

impl From<Refusal> for Stop {
    fn from(_: Refusal) -> Self {
        Self::Refused
    }
}

/// What a decision commits, on conditions.
#[derive(Default)]
struct Change {
    /// The memberships that gave authority, as they were read.
    authorities: Vec<Member>,
    /// The written rows, in the version that was read.
    writes: Vec<(Place, Row)>,
    /// The removed rows, with the version that was read, if it matters.
    removals: Vec<(Place, Option<u64>)>,
    /// The removed membership, as it was read.
    removed: Option<Member>,
    /// New holders of addresses that an invite holds, which were not read.
    holders: Vec<(EmailAddress, InviteId, Holder)>,
    invites: i32,
    keys: i32,
    debits: Vec<Debit>,
    events: Vec<Event>,
    at: DateTime<Utc>,
}

impl Change {
    fn by(caller: &Caller, at: DateTime<Utc>, events: impl IntoIterator<Item = Event>) -> Self {
        let authorities = match caller {
            Caller::Member(member) | Caller::Suspended(member, _) => vec![member.clone()],
            Caller::Server(_) => Vec::new(),
        };
        Self {
            authorities,
            ..Self::of(at, events)
        }
    }

    fn of(at: DateTime<Utc>, events: impl IntoIterator<Item = Event>) -> Self {
        Self {
            events: events.into_iter().collect(),
            at,
            ..Self::default()
        }
    }

    fn write(mut self, place: Place, row: Row) -> Self {
        self.writes.push((place, row));
        self
    }

    fn end(mut self, ended: Ended) -> Self {
        let invite = &ended.invite.invite;
        let held = (invite.email.clone(), invite.id, ended.holder);
        self.holders.push(held);
        self.invites -= 1;
        self.removals
            .push((Place::Invite(invite.id), Some(invite.version)));
        let place = Place::Ended(invite.id);
        self.write(place, Row::Ended(ended.invite))
    }

    /// The members whose last events come before those of this change.
    fn members(&self) -> impl Iterator<Item = &Member> {
        let written = self.writes.iter().filter_map(|(_, row)| match row {
            Row::Member(member) => Some(member),
            _ => None,
        });
        self.authorities.iter().chain(written).chain(&self.removed)
    }

    fn last_event_id(&self) -> Option<EventId> {
        self.members()
            .filter_map(|member| member.last_event_id)
            .max()
    }
}

/// A process: one Lambda, with ids of its own.
#[derive(Default)]
struct Process {
    state: State,
    last_id: u128,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Reading {
        wish: Wish,
        earlier: Rc<Table>,
        tries: u32,
    },
    Decided {
        wish: Wish,
        change: Box<Change>,
        tries: u32,
    },
    Committing {
        wish: Wish,
        change: Box<Change>,
        ids: Vec<EventId>,
        tries: u32,
    },
}

/// A history under way.
struct World {
    table: Rc<Table>,
    now: DateTime<Utc>,
    plans: Plans,
    processes: Vec<Process>,
    /// The log, in the order of the commits.
    log: Vec<AuditEvent>,
    /// The credits used, by month.
    used: BTreeMap<String, u64>,
    random: fastrand::Rng,
}

fn organization_id() -> OrganizationId {
    OrganizationId::new(Uuid::from_u128(1))
}

impl World {
    fn begin() -> Self {
        let mut world = Self {
            table: Rc::default(),
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            plans: Plans::default(),
            processes: (0..PROCESSES).map(|_| Process::default()).collect(),
            log: Vec::new(),
            used: BTreeMap::new(),
            random: fastrand::Rng::with_seed(0),
        };
        let name = OrganizationName::parse("name 0").unwrap();
        let metadata = Metadata::default();
        let (ada, id) = (person(0, 0), organization_id());
        let created = create_organization(
            &ada,
            DailyCount::default(),
            OrganizationLimits::NONE,
            id,
            name,
            metadata,
            world.now,
        )
        .unwrap();
        let change = Change::of(world.now, created.events)
            .write(Place::Organization, Row::Organization(created.organization))
            .write(Place::Member(user(0)), Row::Member(created.creator))
            .write(address_at(&email(0)), Row::Address(created.address));
        let ids = world.new_ids(0, &change);
        assert!(world.commit(&change, &ids));
        world
    }

    /// Returns ids for the events of a change, as a process makes them.
    fn new_ids(&mut self, process: usize, change: &Change) -> Vec<EventId> {
        let milliseconds = u128::try_from(self.now.timestamp_millis()).unwrap();
        let mut last = change.last_event_id();
        let ids = change.events.iter().map(|_| {
            let lowest = milliseconds << 80 | 7 << 76 | 2 << 62;
            let process = &mut self.processes[process];
            process.last_id = if process.last_id < lowest {
                lowest | u128::from(self.random.u64(..) >> 4)
            } else {
                process.last_id + 1
            };
            let id = EventId::new(Uuid::from_u128(process.last_id)).later_than(last);
            last = Some(id);
            id
        });
        ids.collect()
    }

    /// Lets a process take its next step.
    fn tick(&mut self, tick: Tick) {
        let is_idle = |process: &Process| matches!(process.state, State::Idle);
        if self.processes.iter().all(is_idle) {
            self.pause(tick);
        }
        self.now += TimeDelta::milliseconds(1);
        self.random = fastrand::Rng::with_seed(tick.seed);
        let state = std::mem::take(&mut self.processes[tick.process].state);
        let next = match state {
            State::Idle => self.read(tick.wish, 0),
            State::Reading {
                wish,
                earlier,
                tries,
            } => match self.decide(wish, &earlier) {
                Ok(change) => State::Decided {
                    wish,
                    change: Box::new(change),
                    tries,
                },
                Err(Stop::Reload) => self.read(wish, tries + 1),
                Err(Stop::Refused | Stop::Unchanged) => State::Idle,
            },
            State::Decided {
                wish,
                change,
                tries,
            } => State::Committing {
                ids: self.new_ids(tick.process, &change),
                wish,
                change,
                tries,
            },
            State::Committing {
                wish,
                change,
                ids,
                tries,
            } => {
                if self.commit(&change, &ids) {
                    State::Idle
                } else {
                    self.read(wish, tries + 1)
                }
            }
        };
        self.processes[tick.process].state = next;
    }

    fn pause(&mut self, tick: Tick) {
        let rest = TimeDelta::milliseconds(1 + i64::try_from(tick.seed % 8).unwrap());
        let until = match tick.pause {
            Pause::None => None,
            Pause::Minutes(minutes) => Some(self.now + TimeDelta::minutes(minutes)),
            Pause::UntilExpiry => {
                let ends = self.table.values().filter_map(|row| match row {
                    Row::Invite(invite) => Some(invite.terms.expires_at),
                    _ => None,
                });
                ends.min().map(|end| end - rest)
            }
            Pause::UntilPeriodEnd => {
                let period = Anchor::on(self.now.with_day(1).unwrap()).period_at(self.now);
                Some(period.end - rest)
            }
        };
        self.now = until.map_or(self.now, |until| until.max(self.now));
    }

    fn read(&self, wish: Wish, tries: u32) -> State {
        if tries > 5 {
            return State::Idle;
        }
        State::Reading {
            wish,
            earlier: self.table.clone(),
            tries,
        }
    }

    fn decide(&mut self, wish: Wish, earlier: &Table) -> Result<Change, Stop> {
        let table = self.table.clone();
        let mut read = Read {
            earlier,
            later: &table,
            random: self.random.fork(),
        };
        let now = self.now;
        let fresh = Uuid::from_u128(u128::from(self.random.u64(..)) << 64 | 1 << 63);
        // The invite that holds or last held an address, and a key, by its number.
        let newest = |to: usize| match earlier.get(&address_at(&email(to))) {
            Some(Row::Address(address)) => address.holder.invite_id().ok_or(Stop::Refused),
            _ => Err(Stop::Refused),
        };
        let key_id = |number: usize| {
            let keys = earlier.keys().filter_map(|place| match place {
                Place::Key(id) => Some(*id),
                _ => None,
            });
            keys.cycle().nth(number).ok_or(Stop::Refused)
        };
        match wish {
            Wish::Invite {
                by,
                to,
                role,
                billing_emails,
            } => {
                let caller = read.caller(by)?;
                let counts = read.counts().unwrap_or_default();
                let address = read.address(&email(to));
                let request = InviteRequest {
                    id: InviteId::new(fresh),
                    email: email(to),
                    role,
                    receives_billing_emails: billing_emails,
                };
                let history = EmailHistory {
                    counts: &counts,
                    address: address.as_ref(),
                    recipient: None,
                };
                let limits = &EmailLimits::NONE;
                let created = create_invite(&caller, history, limits, request, now)?;
                let (expired, ended) = created
                    .expired
                    .map(|expired| (expired.event, expired.invite))
                    .unzip();
                let events = expired.into_iter().chain([created.event]);
                let mut change = Change::by(&caller, now, events)
                    .write(
                        Place::Invite(created.invite.id),
                        Row::Invite(created.invite),
                    )
                    .write(address_at(&email(to)), Row::Address(created.address));
                match ended {
                    Some(ended) => {
                        change.removals.push((Place::Invite(ended.invite.id), None));
                        let place = Place::Ended(ended.invite.id);
                        change = change.write(place, Row::Ended(ended));
                    }
                    None => change.invites = 1,
                }
                Ok(change)
            }
            Wish::UpdateInvite {
                by,
                to,
                role,
                billing_emails,
            } => {
                let (caller, state) = (read.caller(by)?, read.state(newest(to)?)?);
                let update = InviteUpdate {
                    role,
                    receives_billing_emails: billing_emails,
                };
                let (updated, event) = update_invite(&caller, &state, update, now)?;
                let event = event.ok_or(Stop::Unchanged)?;
                Ok(Change::by(&caller, now, [event]).claim(updated))
            }
            Wish::Resend { by, to } => {
                let (caller, state) = (read.caller(by)?, read.state(newest(to)?)?);
                let counts = read.counts().unwrap_or_default();
                let address = read.address(&email(to));
                let history = EmailHistory {
                    counts: &counts,
                    address: address.as_ref(),
                    recipient: None,
                };
                let resent = resend(&caller, &state, history, &EmailLimits::NONE, now)?;
                Ok(Change::by(&caller, now, [resent.event]).claim(resent.invite))
            }
            Wish::Cancel { by, to } => {
                let (caller, state) = (read.caller(by)?, read.state(newest(to)?)?);
                let ended = cancel(&caller, &state, now)?.ok_or(Stop::Unchanged)?;
                Ok(Change::by(&caller, now, [ended.event.clone()]).end(ended))
            }
            Wish::Decline { by, to } => {
                let state = read.state(newest(to)?)?;
                let by = by.map(|by| person(by, to));
                let ended = decline(by.as_ref(), &state, now)?.ok_or(Stop::Unchanged)?;
                Ok(Change::of(now, [ended.event.clone()]).end(ended))
            }
            Wish::Accept { by, to } => {
                let by = person(by, to);
                let invite_id = newest(to)?;
                let address = read.address(&email(to)).ok_or(Stop::Refused)?;
                let inviter = match &address.holder {
                    Holder::Invite(hold) => {
                        let inviter = hold.terms.invited_by.as_ref();
                        inviter.and_then(|by| read.member(&by.id))
                    }
                    Holder::Member { .. } | Holder::Ended { .. } => None,
                };
                let state = read.state(invite_id)?;
                if address.holder.invite_id() != Some(invite_id) {
                    return Err(Stop::Reload);
                }
                let member = read.member(&by.user_id);
                let (inviter, member) = (inviter.as_ref(), member.as_ref());
                let acceptance = accept(
                    &by,
                    invite_id,
                    Some(&address),
                    Some(&state),
                    inviter,
                    member,
                    now,
                )?;
                let Acceptance::Joins(accepted) = acceptance else {
                    return Err(Stop::Unchanged);
                };
                let ended = &accepted.invite.invite;
                let mut change = Change::of(now, accepted.events);
                change.authorities.extend(inviter.cloned());
                change.invites = -1;
                change
                    .removals
                    .push((Place::Invite(ended.id), Some(ended.version)));
                let place = Place::Ended(ended.id);
                Ok(change
                    .write(Place::Member(by.user_id), Row::Member(accepted.member))
                    .write(address_at(&email(to)), Row::Address(accepted.address))
                    .write(place, Row::Ended(accepted.invite)))
            }
            Wish::UpdateMember {
                by,
                of,
                role,
                billing_emails,
            } => {
                let caller = read.caller(by)?;
                let target = read.member(&user(of)).ok_or(Stop::Refused)?;
                let update = MemberUpdate {
                    role,
                    receives_billing_emails: billing_emails,
                };
                let (updated, events) = update_member(&caller, &target, update)?;
                if events.is_empty() {
                    return Err(Stop::Unchanged);
                }
                let place = Place::Member(user(of));
                Ok(Change::by(&caller, now, events).write(place, Row::Member(updated)))
            }
            Wish::Remove { by, of } => {
                let caller = read.caller(by)?;
                let target = read.member(&user(of)).ok_or(Stop::Refused)?;
                let event = remove_member(&caller, &target)?;
                let mut change = Change::by(&caller, now, [event]);
                change.removed = Some(target);
                Ok(change)
            }
            Wish::Rename { by, name } => {
                let caller = read.caller(by)?;
                let organization = read.organization().unwrap();
                let update = OrganizationUpdate {
                    name: OrganizationName::parse(&format!("name {name}")).ok(),
                    metadata: None,
                    managed: domain::ManagedUpdate::default(),
                };
                let (updated, event) = update_organization(&caller, &organization, update)?;
                let event = event.ok_or(Stop::Unchanged)?;
                let row = Row::Organization(updated);
                Ok(Change::by(&caller, now, [event]).write(Place::Organization, row))
            }
            Wish::CreateKey { by } => {
                let caller = read.caller(by)?;
                let counts = read.counts().unwrap_or_default();
                let request = ApiKeyRequest {
                    id: ApiKeyId::new(fresh),
                    name: ApiKeyName::parse("name 0").unwrap(),
                    scopes: ApiKeyScopes::default(),
                    expires_at: None,
                    random: [7; 32],
                };
                let (key, _, event) = create_api_key(&caller, &counts, request, now)?;
                let mut change = Change::by(&caller, now, [event]);
                change.keys = 1;
                Ok(change.write(Place::Key(key.id), Row::Key(key)))
            }
            Wish::RenameKey { by, key, name } => {
                let key = read.key(key_id(key)?).ok_or(Stop::Refused)?;
                let caller = read.caller(by)?;
                let update = ApiKeyUpdate {
                    name: ApiKeyName::parse(&format!("name {name}")).ok(),
                    expires_at: None,
                };
                let (updated, event) = update_api_key(&caller, &key, update, now)?;
                let event = event.ok_or(Stop::Unchanged)?;
                let place = Place::Key(key.id);
                Ok(Change::by(&caller, now, [event]).write(place, Row::Key(updated)))
            }
            Wish::RotateKey { by, key } => {
                let key = read.key(key_id(key)?).ok_or(Stop::Refused)?;
                let caller = read.caller(by)?;
                let mut secret = [0; 32];
                self.random.fill(&mut secret);
                let grace = GracePeriod::default();
                let (rotated, _, event) = rotate_api_key(&caller, &key, secret, grace, now)?;
                let place = Place::Key(key.id);
                Ok(Change::by(&caller, now, [event]).write(place, Row::Key(rotated)))
            }
            Wish::RevokeKey { by, key } => {
                let key = read.key(key_id(key)?).ok_or(Stop::Refused)?;
                let caller = read.caller(by)?;
                let event = revoke_api_key(&caller, &key)?;
                let mut change = Change::by(&caller, now, [event]);
                change.keys = -1;
                change
                    .removals
                    .push((Place::Key(key.id), Some(key.version)));
                Ok(change)
            }
            Wish::UseCredits { request, credits } => {
                let ledger = read.ledger(&self.plans)?;
                let place = Place::Request(request);
                // A remembered request uses no credits again.
                let fresh = match read.row(&place) {
                    Some(Row::Request { at, .. }) => at + TimeDelta::hours(24) <= now,
                    _ => true,
                };
                if !fresh {
                    return Err(Stop::Unchanged);
                }
                let seed = self.random.u64(..);
                let credits_used = Credits::new(credits).unwrap();
                let spent = spend(&ledger, &self.plans, credits_used, seed, now)?;
                assert!(spent.used <= spent.allowed, "{spent:?}");
                let row = Row::Request { credits, at: now };
                let change = match spent.spending {
                    Spending::Debited(debits) => Change {
                        debits,
                        ..Change::of(now, [])
                    },
                    Spending::Allocated {
                        billing,
                        counters,
                        events,
                    } => Change::of(now, events).ledger(*billing, counters),
                };
                Ok(change.write(place, row))
            }
            Wish::ChangePlan { by, plan, when } => {
                let caller = read.caller(by)?;
                let ledger = read.ledger(&self.plans)?;
                let plan_id = PlanId::parse(PLANS[plan].0).unwrap();
                let update = BillingUpdate {
                    plan: self.plans.get(&plan_id).map(|plan| (plan.clone(), when)),
                    ..BillingUpdate::default()
                };
                let changed = update_billing(
                    &caller,
                    &ledger,
                    &self.plans,
                    &PlanChanges::Customer,
                    update,
                    now,
                )?;
                if changed.events.is_empty() {
                    return Err(Stop::Unchanged);
                }
                let change = Change::by(&caller, now, changed.events);
                Ok(change.ledger(changed.billing, changed.counters))
            }
            Wish::ExpireInvite { to } => {
                let address = read.address(&email(to)).ok_or(Stop::Unchanged)?;
                let ended = address.expire(now).ok_or(Stop::Unchanged)?;
                let invite_id = ended.invite.invite.id;
                let mut change = Change::of(now, [ended.event]);
                change.invites = -1;
                change.removals.push((Place::Invite(invite_id), None));
                let freed = address.held_by(ended.holder);
                Ok(change
                    .write(address_at(&email(to)), Row::Address(freed))
                    .write(Place::Ended(invite_id), Row::Ended(ended.invite)))
            }
            Wish::ApplyPlan => {
                let billing = read.billing().ok_or(Stop::Unchanged)?;
                let begun = begin_next_plan(&billing, &self.plans, now);
                let (billing, event) = begun.ok_or(Stop::Unchanged)?;
                Ok(Change::of(now, [event]).ledger(billing, Vec::new()))
            }
        }
    }

    /// Commits a change if everything that it rests on is as it was read.
    fn commit(&mut self, change: &Change, ids: &[EventId]) -> bool {
        if !self.allows(change, ids) {
            return false;
        }
        let table = Rc::make_mut(&mut self.table);
        let last = ids.last().copied();
        for authority in &change.authorities {
            if let (Some(Row::Member(member)), Some(id)) = (
                table.get_mut(&Place::Member(authority.user_id.clone())),
                last,
            ) {
                member.last_event_id = Some(id);
            }
        }
        for (place, _) in &change.removals {
            table.remove(place);
        }
        if let Some(removed) = &change.removed {
            table.remove(&Place::Member(removed.user_id.clone()));
            table.remove(&address_at(&removed.email));
        }
        for (place, row) in &change.writes {
            let mut row = row.clone();
            if let Some(version) = row.version() {
                *version += 1;
            }
            if let Row::Member(member) = &mut row {
                member.last_event_id = last;
            }
            if let Row::Request { credits, at } = row {
                *self.used.entry(month(at)).or_default() += credits;
            }
            table.insert(place.clone(), row);
        }
        for (email, _, holder) in &change.holders {
            if let Some(Row::Address(address)) = table.get_mut(&address_at(email)) {
                address.holder = holder.clone();
                address.version += 1;
            }
        }
        if change.invites != 0 || change.keys != 0 {
            let none = || Row::Counts(Counts::default());
            if let Row::Counts(counts) = table.entry(Place::Counts).or_insert_with(none) {
                let count = counts
                    .outstanding_invites
                    .checked_add_signed(change.invites);
                counts.outstanding_invites = count.unwrap();
                counts.api_keys = counts.api_keys.checked_add_signed(change.keys).unwrap();
            }
        }
        for debit in &change.debits {
            if let Some(Row::Counter(counter)) = table.get_mut(&Place::Counter(debit.counter)) {
                apply(debit, counter);
            }
        }
        let recorded = change.events.iter().cloned().zip(ids);
        self.log
            .extend(recorded.map(|(event, id)| event.recorded(*id, organization_id(), change.at)));
        true
    }

    fn allows(&self, change: &Change, ids: &[EventId]) -> bool {
        let version = |place: &Place| {
            let mut row = self.table.get(place).cloned();
            row.as_mut().and_then(Row::version).copied()
        };
        let member = |user_id: &UserId| match self.table.get(&Place::Member(user_id.clone())) {
            Some(Row::Member(member)) => Some(member),
            _ => None,
        };
        let untouched = |read: &Member| {
            member(&read.user_id).is_some_and(|member| {
                member.version == read.version && member.last_event_id == read.last_event_id
            })
        };
        let authorized = change.authorities.iter().all(|read| {
            let present = member(&read.user_id);
            present.is_some_and(|member| {
                let in_order = ids.last().is_none_or(|id| member.last_event_id < Some(*id));
                // Somebody who joins again begins with the first version again.
                let is_same = member.joined_at == read.joined_at;
                is_same && member.version == read.version && in_order
            })
        });
        let written = change.writes.iter().all(|(place, row)| match row {
            Row::Member(read) if read.version > 0 => untouched(read),
            Row::Ended(_) => !self.table.contains_key(place),
            Row::Request { at, .. } => match self.table.get(place) {
                Some(Row::Request { at: before, .. }) => *before + TimeDelta::hours(24) <= *at,
                _ => true,
            },
            row => {
                let read = row.clone().version().copied();
                version(place).unwrap_or_default() == read.unwrap_or_default()
            }
        });
        let removed = change
            .removals
            .iter()
            .all(|(place, read)| read.is_none_or(|read| version(place) == Some(read)));
        let held = change.holders.iter().all(|(email, invite_id, _)| {
            let Some(Row::Address(address)) = self.table.get(&address_at(email)) else {
                return false;
            };
            matches!(&address.holder, Holder::Invite(hold) if hold.invite_id == *invite_id)
        });
        let left = change.debits.iter().all(|debit| {
            let Some(Row::Counter(counter)) = self.table.get(&Place::Counter(debit.counter)) else {
                return false;
            };
            counter.generation == debit.generation && counter.left >= debit.credits
        });
        let holds_address = change.removed.iter().all(|removed| {
            let address = self.table.get(&address_at(&removed.email));
            untouched(removed)
                && matches!(address, Some(Row::Address(Address {
                    holder: Holder::Member { user_id, .. }, ..
                })) if *user_id == removed.user_id)
        });
        authorized && written && removed && held && left && holds_address
    }
}

impl Change {
    /// Writes an invite, and its terms to the address that it holds.
    fn claim(mut self, invite: Invite) -> Self {
        let held = (invite.email.clone(), invite.id, invite.holder());
        self.holders.push(held);
        self.write(Place::Invite(invite.id), Row::Invite(invite))
    }

    fn ledger(self, billing: Billing, counters: Vec<Counter>) -> Self {
        let change = self.write(Place::Billing, Row::Billing(billing));
        counters.into_iter().fold(change, |change, counter| {
            change.write(Place::Counter(counter.number), Row::Counter(counter))
        })
    }
}

/// Applies a debit as the store's update does, on the counter's stored form.
fn apply(debit: &Debit, counter: &mut Counter) {
    counter.left -= debit.credits;
    counter.version += 1;
    let slots = [
        (&mut counter.hours, debit.at.hour, &debit.stale.hours),
        (&mut counter.days, debit.at.day, &debit.stale.days),
        (&mut counter.months, debit.at.month, &debit.stale.months),
        (&mut counter.periods, debit.at.period, &debit.stale.periods),
    ];
    for (tally, slot, stale) in slots {
        let mut map: BTreeMap<String, u64> = tally.clone().into();
        map.retain(|slot, _| !stale.contains(&slot.parse().unwrap()));
        *map.entry(slot.to_string()).or_default() += debit.credits;
        *tally = map.try_into().unwrap();
    }
}

fn month(at: DateTime<Utc>) -> String {
    at.format("%Y-%m").to_string()
}

type Checked = Result<(), String>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, table: T, log: T) -> Checked {
    if table == log {
        Ok(())
    } else {
        Err(format!(
            "{what}: the table has {table:?}, expected is {log:?}"
        ))
    }
}

impl World {
    /// The log as it is listed: by id.
    fn listed(&self) -> Vec<Line> {
        let mut log = self.log.clone();
        log.sort_by_key(|event| event.id);
        self.lines(&log)
    }

    /// The lines of a log, with the addresses of the invites that it names by id.
    fn lines(&self, log: &[AuditEvent]) -> Vec<Line> {
        let invites = self.table.values().filter_map(|row| match row {
            Row::Invite(invite) => Some(invite),
            Row::Ended(ended) => Some(&ended.invite),
            _ => None,
        });
        let addresses: BTreeMap<String, &str> = invites
            .map(|invite| (invite.id.to_string(), invite.email.normal()))
            .collect();
        let events = log.iter().map(|event| {
            let mut event = serde_json::to_value(event).unwrap();
            if let Some(address) = addresses.get(event["subject"]["id"].as_str().unwrap()) {
                event["subject"]["email"] = (*address).into();
            }
            event
        });
        events.map(|event| Line::of(&event)).collect()
    }

    fn check(&self) -> Checked {
        let creators = email(0).masked();
        let committed = Replay::of(&self.lines(&self.log), &creators);
        committed.map_err(|why| format!("in the order of the commits, {why}"))?;
        let replay = Replay::of(&self.listed(), &creators)?;
        self.compare(&replay)?;
        self.check_addresses()?;
        self.check_credits()
    }

    fn compare(&self, replay: &Replay) -> Checked {
        let (mut members, mut invites, mut keys) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for row in self.table.values() {
            match row {
                Row::Member(member) => {
                    let terms = terms(member.role, member.receives_billing_emails);
                    members.insert(member.user_id.to_string(), terms);
                    same("the creator", member.is_creator, member.user_id == user(0))?;
                }
                Row::Invite(invite) => {
                    let offer = &invite.terms;
                    let pending = PendingInvite {
                        terms: terms(offer.role, offer.receives_billing_emails),
                        inviter: offer.invited_by.clone().unwrap().id.to_string(),
                        address: invite.email.masked(),
                        times_sent: offer.times_sent,
                        sent_at: offer.sent_at,
                    };
                    invites.insert(invite.id.to_string(), pending);
                }
                Row::Ended(ended) => {
                    let id = ended.invite.id.to_string();
                    let outcome = serde_json::to_value(ended.outcome).unwrap();
                    let logged = replay.ended.get(&id).map(String::as_str);
                    same("the end of an invite", outcome.as_str(), logged)?;
                }
                Row::Key(key) => {
                    keys.insert(key.id.to_string(), key.name.to_string());
                }
                _ => {}
            }
        }
        same("the members", &members, &replay.members)?;
        same("the pending invites", &invites, &replay.invites)?;
        let logged = replay.keys.iter();
        let logged = logged.map(|(id, key)| (id.clone(), key.name.clone()));
        same("the API keys", keys, logged.collect())?;
        if let Some(Row::Organization(organization)) = self.table.get(&Place::Organization) {
            same("the name", organization.name.as_str(), &*replay.name)?;
        }
        if let Some(Row::Billing(billing)) = self.table.get(&Place::Billing) {
            same("the plan", &billing.plan.id.to_string(), &replay.plan)?;
            let next_plan = billing
                .next_plan
                .as_ref()
                .map(|next| next.plan.id.to_string());
            same("the next plan", &next_plan, &replay.next_plan)?;
        }
        Ok(())
    }

    /// Each member and each pending invite holds its address, and nothing else does.
    fn check_addresses(&self) -> Checked {
        let (mut held, mut holders) = (BTreeSet::new(), BTreeSet::new());
        let (mut invites, mut keys) = (0, 0);
        for row in self.table.values() {
            match row {
                Row::Member(member) => {
                    held.insert((member.email.normal().to_owned(), member.user_id.to_string()));
                }
                Row::Invite(invite) => {
                    invites += 1;
                    held.insert((invite.email.normal().to_owned(), invite.id.to_string()));
                }
                Row::Key(_) => keys += 1,
                Row::Address(address) => {
                    let holder = match &address.holder {
                        Holder::Member { user_id, .. } => user_id.to_string(),
                        Holder::Invite(hold) => hold.invite_id.to_string(),
                        Holder::Ended { .. } => continue,
                    };
                    holders.insert((address.email.normal().to_owned(), holder));
                }
                _ => {}
            }
        }
        same("the holders of the addresses", holders, held)?;
        let counts = match self.table.get(&Place::Counts) {
            Some(Row::Counts(counts)) => *counts,
            _ => Counts::default(),
        };
        same(
            "the counts",
            (counts.outstanding_invites, counts.api_keys),
            (invites, keys),
        )
    }

    fn check_credits(&self) -> Checked {
        let mut used: BTreeMap<String, u64> = BTreeMap::new();
        let (mut left, mut in_period) = (0, 0);
        let meter = match self.table.get(&Place::Billing) {
            Some(Row::Billing(billing)) => billing.meter.clone(),
            _ => None,
        };
        for row in self.table.values() {
            let Row::Counter(counter) = row else { continue };
            left += counter.left;
            let periods: BTreeMap<String, u64> = counter.periods.clone().into();
            for (day, credits) in periods {
                let seconds = day.parse::<i64>().unwrap() * 86_400;
                let start = DateTime::from_timestamp(seconds, 0).unwrap();
                *used.entry(month(start)).or_default() += credits;
                if meter
                    .as_ref()
                    .is_some_and(|meter| meter.period_start == start)
                {
                    in_period += credits;
                }
            }
        }
        used.retain(|_, credits| *credits > 0);
        if let Some(Meter { credits, level, .. }) = meter {
            let allocated = match level {
                Level::Low => (credits * 4).div_ceil(5) - 1,
                Level::High => credits - 1,
                Level::Full => credits,
            };
            same(
                "the credits left",
                left,
                allocated.saturating_sub(in_period),
            )?;
        }
        same("the credits used", used, self.used.clone())
    }
}

fn terms(role: Role, billing_emails: bool) -> Terms {
    Terms {
        role: role.to_string(),
        billing_emails,
    }
}

/// Plays a script until no process is at work.
fn play(ticks: &[Tick]) -> World {
    let mut world = World::begin();
    for tick in ticks {
        world.tick(*tick);
    }
    let mut seed = 0;
    for process in 0..PROCESSES {
        while !matches!(world.processes[process].state, State::Idle) {
            seed += 1;
            world.tick(Tick {
                process,
                wish: Wish::ApplyPlan,
                pause: Pause::None,
                seed,
            });
        }
    }
    world
}

/// Shortens a failing script as long as what is left fails. A script is played the
/// same way each time.
fn shrink(mut ticks: Vec<Tick>) -> Vec<Tick> {
    let mut width = ticks.len() / 2;
    while width > 0 {
        let mut start = 0;
        while start + width <= ticks.len() {
            let mut without = ticks.clone();
            without.drain(start..start + width);
            if play(&without).check().is_err() {
                ticks = without;
            } else {
                start += width;
            }
        }
        width /= 2;
    }
    ticks
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn random_histories_are_explained_by_their_log() {
    let count = number("HISTORIES").unwrap_or(HISTORIES);
    let first = number("HISTORY_SEED").unwrap_or(1);
    assert!(count > 0);
    let (mut failed, mut commits) = (Vec::new(), 0);
    for seed in first..first + count {
        let world = play(&generate(seed));
        commits += world.log.len();
        if let Err(why) = world.check() {
            failed.push((seed, why));
        }
    }
    println!("{count} histories, {commits} lines in their logs");
    let Some((seed, _)) = failed.first() else {
        return;
    };
    let ticks = shrink(generate(*seed));
    let world = play(&ticks);
    let mut script = String::new();
    for tick in &ticks {
        writeln!(script, "  process {}: {:?}", tick.process, tick.wish).unwrap();
    }
    for (n, line) in world.listed().iter().enumerate() {
        writeln!(script, "  line {n}: {line}").unwrap();
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, why) in &failed {
        *reasons.entry(why.rsplit(": ").next().unwrap()).or_default() += 1;
    }
    panic!(
        "{} of {count} histories fail: {reasons:#?}\n\nthe first one, with seed {seed}, \
         shortened:\n{script}\n{}\n",
        failed.len(),
        world.check().unwrap_err()
    );
}
