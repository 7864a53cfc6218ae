//! Scripts of random histories: who does which things at the same time, and what
//! goes wrong meanwhile.

use std::fmt;

use chrono::TimeDelta;

use super::replay::PLANS;
use crate::wire::Fault;

/// The people. The first one creates the organization.
pub const PEOPLE: [&str; 5] = ["ada", "bo", "cy", "di", "ed"];
/// The addresses, with the people who can sign in with each. Their masked forms differ.
pub const ADDRESSES: [(&str, &[usize]); 9] = [
    ("ada@example.com", &[0]),
    ("bo@north.example", &[1]),
    ("bo@south.example", &[1]),
    ("cy@north.example", &[2]),
    ("cy@south.example", &[2]),
    ("di@north.example", &[3]),
    ("di@south.example", &[3]),
    ("ed@north.example", &[4]),
    ("team@shared.example", &[3, 4]),
];
pub const ROLES: [&str; 3] = ["owner", "admin", "user"];

/// Returns the masked form of an address, as the audit log has it.
pub fn masked(address: usize) -> String {
    let (local, domain) = ADDRESSES[address].0.split_once('@').unwrap();
    format!("{}…@{domain}", &local[..1])
}

/// Returns an address in one of three spellings.
pub fn spelled(address: usize, spelling: usize) -> String {
    let normal = ADDRESSES[address].0;
    match spelling % 3 {
        0 => normal.to_owned(),
        1 => normal.to_uppercase(),
        _ => normal[..1].to_uppercase() + &normal[1..],
    }
}

/// A script. The rounds follow each other; the steps of a round run at once.
#[derive(Clone)]
pub struct Script {
    pub seed: u64,
    pub rounds: Vec<Round>,
}

#[derive(Clone)]
pub struct Round {
    /// The time that passes before the round.
    pub pause: TimeDelta,
    pub faults: Vec<Injected>,
    /// Transactions that overlap conflict, as on AWS.
    pub contention: bool,
    /// Transactions commit in another order than they were decided in.
    pub delays: bool,
    /// The index answers as at the beginning of the round.
    pub stale_index: bool,
    pub steps: Vec<Step>,
}

/// A fault of some requests to AWS.
#[derive(Clone)]
pub struct Injected {
    pub action: &'static str,
    pub skip: usize,
    pub times: usize,
    pub fault: Fault,
}

/// A request of a person, an API client or the holder of a link, or a run of a schedule.
///
/// Invites are named by their address, and people and addresses by their index: a
/// step means the newest invite to the address when its round begins. A key's
/// number counts the secrets that the API has returned so far.
#[derive(Clone)]
pub enum Step {
    Invite {
        by: usize,
        to: usize,
        spelling: usize,
        role: usize,
        billing_emails: bool,
    },
    UpdateInvite {
        by: usize,
        to: usize,
        role: Option<usize>,
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
        by: usize,
        to: usize,
    },
    DeclineByLink {
        to: usize,
    },
    UpdateMember {
        by: usize,
        of: usize,
        role: Option<usize>,
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
        name: usize,
        days: Option<i64>,
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
        key: usize,
        request: usize,
        credits: u64,
    },
    ChangePlan {
        by: usize,
        plan: usize,
        at_once: bool,
    },
    ChangeCompany {
        by: usize,
        name: usize,
    },
    Switch {
        by: usize,
    },
    CreateOrganization {
        by: usize,
        request: usize,
    },
    RunSchedule(&'static str),
    DeliverEmails,
    /// The table deletes the items whose time to live has passed.
    SweepTtl,
}

impl Script {
    /// Generates the script of a seed.
    pub fn generate(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut rounds = vec![Round::quiet(Vec::new()), Round::quiet(Vec::new())];
        for (person, address) in [(1, 1), (2, 3), (3, 5), (4, 7)] {
            if random.u8(..4) == 0 {
                continue;
            }
            rounds[0].steps.push(Step::Invite {
                by: 0,
                to: address,
                spelling: random.usize(..3),
                role: [0, 1, 1, 2][random.usize(..4)],
                billing_emails: random.bool(),
            });
            let accept = Step::Accept {
                by: person,
                to: address,
            };
            rounds[1].steps.push(accept);
        }
        rounds[0].steps.push(Step::CreateKey {
            by: 0,
            name: 0,
            days: None,
        });
        rounds[1].steps.push(Step::DeliverEmails);
        for _ in 0..random.usize(4..=8) {
            rounds.push(Round::generate(&mut random));
        }
        Self { seed, rounds }
    }
}

impl Round {
    fn quiet(steps: Vec<Step>) -> Self {
        Self {
            pause: TimeDelta::zero(),
            faults: Vec::new(),
            contention: false,
            delays: false,
            stale_index: false,
            steps,
        }
    }

    fn generate(random: &mut fastrand::Rng) -> Self {
        let pause = match random.u8(..20) {
            0..4 => TimeDelta::zero(),
            4..15 => TimeDelta::minutes(2),
            15..17 => TimeDelta::days(1),
            17..19 => TimeDelta::days(14),
            _ => TimeDelta::days(31),
        };
        let mut steps: Vec<Step> = (0..random.usize(3..=8))
            .map(|_| Step::generate(random))
            .collect();
        // A duel: one acts while another takes the right to it away.
        if random.bool() {
            let (by, of) = (random.usize(..5), random.usize(1..5));
            steps.push(if random.bool() {
                Step::Remove { by, of }
            } else {
                Step::UpdateMember {
                    by,
                    of,
                    role: Some(2),
                    billing_emails: None,
                }
            });
            for _ in 0..random.usize(1..=2) {
                steps.push(Step::generate(random).by(of));
            }
        }
        let contention = random.u8(..4) == 0;
        let stale_index = random.u8(..6) == 0;
        if stale_index {
            steps.push(Step::RunSchedule("expire-invites"));
            steps.push(Step::RunSchedule("apply-plan-changes"));
        }
        let mut faults = Vec::new();
        if random.u8(..5) < 2 {
            // AWS answers a repeated transaction that took effect as the first time. So
            // no round has lost answers together with cancelled transactions.
            let cancels = contention || random.bool();
            for _ in 0..random.usize(1..=4) {
                faults.push(Injected::generate(random, cancels));
            }
        }
        Self {
            pause,
            faults,
            contention,
            delays: !contention && random.u8(..3) < 2,
            stale_index,
            steps,
        }
    }
}

/// Reasons of cancelled transactions that pass.
const CANCELLED: [Fault; 5] = [
    Fault::Cancelled(&["TransactionConflict"]),
    Fault::Cancelled(&["None", "TransactionConflict"]),
    Fault::Cancelled(&["ConditionalCheckFailed"]),
    Fault::Cancelled(&["ThrottlingError"]),
    Fault::Cancelled(&["ConditionalCheckFailed", "ThrottlingError"]),
];

impl Injected {
    fn generate(random: &mut fastrand::Rng, cancels: bool) -> Self {
        let skip = random.usize(..12);
        // So many that some requests fail in the end, although the SDK tries three times.
        let times = [1, 2, 3, 12][random.usize(..4)];
        let (action, fault) = match random.u8(..8) {
            0..4 if cancels => ("TransactWriteItems", CANCELLED[random.usize(..5)]),
            0..3 => ("TransactWriteItems", Fault::LostAnswer),
            3 => ("TransactWriteItems", Fault::LostRequest),
            4 => ("TransactWriteItems", Fault::Throttled),
            5 => ("BatchGetItem", Fault::PartlyUnprocessed),
            6 => ("BatchGetItem", Fault::Unprocessed),
            _ => ("BatchGetItem", Fault::LostRequest),
        };
        Self {
            action,
            skip,
            times,
            fault,
        }
    }
}

impl Step {
    fn generate(random: &mut fastrand::Rng) -> Self {
        let by = [0, 0, 1, 1, 2, 2, 3, 4][random.usize(..8)];
        let to = random.usize(1..9);
        let owners = ADDRESSES[to].1;
        let invitee = owners[random.usize(..owners.len())];
        let role = random.usize(..3);
        let maybe_role = random.bool().then_some(role);
        let maybe_emails = (maybe_role.is_none() || random.bool()).then(|| random.bool());
        let key = random.usize(..4);
        match random.u8(..41) {
            0..6 => Self::Invite {
                by,
                to,
                spelling: random.usize(..3),
                role,
                billing_emails: random.bool(),
            },
            6..9 => Self::UpdateInvite {
                by,
                to,
                role: maybe_role,
                billing_emails: maybe_emails,
            },
            9 => Self::Resend { by, to },
            10 => Self::Cancel { by, to },
            11..16 => Self::Accept { by: invitee, to },
            16 => Self::Decline { by: invitee, to },
            17 => Self::DeclineByLink { to },
            18..22 => Self::UpdateMember {
                by,
                of: random.usize(..5),
                role: maybe_role,
                billing_emails: maybe_emails,
            },
            22..24 => Self::Remove {
                by,
                of: random.usize(..5),
            },
            24 => Self::Remove { by, of: by },
            25 => Self::Rename {
                by,
                name: random.usize(..3),
            },
            26 => Self::CreateKey {
                by,
                name: random.usize(..3),
                days: random.bool().then(|| random.i64(1..30)),
            },
            27 => Self::RenameKey {
                by,
                key,
                name: random.usize(..3),
            },
            28 => Self::RotateKey { by, key },
            29 => Self::RevokeKey { by, key },
            30..34 => Self::UseCredits {
                key,
                request: random.usize(..6),
                credits: [1, 5, 20, 45][random.usize(..4)],
            },
            34 => Self::ChangePlan {
                by,
                plan: random.usize(..3),
                at_once: random.bool(),
            },
            35 => Self::ChangeCompany {
                by,
                name: random.usize(..3),
            },
            36 => Self::Switch { by },
            37 => Self::CreateOrganization {
                by,
                request: random.usize(..2),
            },
            38 => Self::RunSchedule(["expire-invites", "apply-plan-changes"][random.usize(..2)]),
            39 => Self::DeliverEmails,
            _ => Self::SweepTtl,
        }
    }

    /// Returns the step of another member, where it is a member's.
    fn by(mut self, person: usize) -> Self {
        match &mut self {
            Self::Invite { by, .. }
            | Self::UpdateInvite { by, .. }
            | Self::Resend { by, .. }
            | Self::Cancel { by, .. }
            | Self::UpdateMember { by, .. }
            | Self::Remove { by, .. }
            | Self::Rename { by, .. }
            | Self::CreateKey { by, .. }
            | Self::RenameKey { by, .. }
            | Self::RotateKey { by, .. }
            | Self::RevokeKey { by, .. }
            | Self::ChangePlan { by, .. }
            | Self::ChangeCompany { by, .. }
            | Self::Switch { by } => *by = person,
            Self::Accept { .. }
            | Self::Decline { .. }
            | Self::DeclineByLink { .. }
            | Self::UseCredits { .. }
            | Self::CreateOrganization { .. }
            | Self::RunSchedule(_)
            | Self::DeliverEmails
            | Self::SweepTtl => {}
        }
        self
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "ada creates the organization")?;
        for (n, round) in self.rounds.iter().enumerate() {
            write!(f, "round {n}")?;
            if round.pause > TimeDelta::zero() {
                write!(f, ", {} minutes later", round.pause.num_minutes())?;
            }
            if round.contention {
                write!(f, ", under contention")?;
            }
            if round.delays {
                write!(f, ", with late transactions")?;
            }
            if round.stale_index {
                write!(f, ", with a stale index")?;
            }
            writeln!(f, ", at once:")?;
            for injected in &round.faults {
                writeln!(
                    f,
                    "  fault: {} of {} {}, after {} others",
                    injected.fault_name(),
                    injected.times,
                    injected.action,
                    injected.skip
                )?;
            }
            for step in &round.steps {
                writeln!(f, "  {step}")?;
            }
        }
        Ok(())
    }
}

impl Injected {
    fn fault_name(&self) -> String {
        format!("{:?}", self.fault)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role_of = |role: &Option<usize>| role.map_or("the same role", |role| ROLES[role]);
        let emails = |on: &Option<bool>| match on {
            Some(true) => ", billing emails on",
            Some(false) => ", billing emails off",
            None => "",
        };
        match self {
            Self::Invite {
                by,
                to,
                spelling,
                role,
                billing_emails,
            } => write!(
                f,
                "{} invites {} as {}{}",
                PEOPLE[*by],
                spelled(*to, *spelling),
                ROLES[*role],
                emails(&Some(*billing_emails))
            ),
            Self::UpdateInvite {
                by,
                to,
                role,
                billing_emails,
            } => write!(
                f,
                "{} changes the invite to {}: {}{}",
                PEOPLE[*by],
                ADDRESSES[*to].0,
                role_of(role),
                emails(billing_emails)
            ),
            Self::Resend { by, to } => {
                write!(
                    f,
                    "{} resends the invite to {}",
                    PEOPLE[*by], ADDRESSES[*to].0
                )
            }
            Self::Cancel { by, to } => {
                write!(
                    f,
                    "{} cancels the invite to {}",
                    PEOPLE[*by], ADDRESSES[*to].0
                )
            }
            Self::Accept { by, to } => {
                write!(
                    f,
                    "{} accepts the invite to {}",
                    PEOPLE[*by], ADDRESSES[*to].0
                )
            }
            Self::Decline { by, to } => {
                write!(
                    f,
                    "{} declines the invite to {}",
                    PEOPLE[*by], ADDRESSES[*to].0
                )
            }
            Self::DeclineByLink { to } => {
                write!(
                    f,
                    "a link holder declines the invite to {}",
                    ADDRESSES[*to].0
                )
            }
            Self::UpdateMember {
                by,
                of,
                role,
                billing_emails,
            } => write!(
                f,
                "{} changes {}: {}{}",
                PEOPLE[*by],
                PEOPLE[*of],
                role_of(role),
                emails(billing_emails)
            ),
            Self::Remove { by, of } if by == of => write!(f, "{} leaves", PEOPLE[*by]),
            Self::Remove { by, of } => write!(f, "{} removes {}", PEOPLE[*by], PEOPLE[*of]),
            Self::Rename { by, name } => write!(f, "{} renames it to name {name}", PEOPLE[*by]),
            Self::CreateKey { by, name, days } => {
                write!(f, "{} creates an API key with name {name}", PEOPLE[*by])?;
                days.map_or(Ok(()), |days| write!(f, " for {days} days"))
            }
            Self::RenameKey { by, key, name } => {
                write!(f, "{} renames key {key} to name {name}", PEOPLE[*by])
            }
            Self::RotateKey { by, key } => write!(f, "{} rotates key {key}", PEOPLE[*by]),
            Self::RevokeKey { by, key } => write!(f, "{} revokes key {key}", PEOPLE[*by]),
            Self::UseCredits {
                key,
                request,
                credits,
            } => write!(f, "key {key} uses {credits} credits, request {request}"),
            Self::ChangePlan { by, plan, at_once } => write!(
                f,
                "{} changes the plan to {} {}",
                PEOPLE[*by],
                PLANS[*plan].0,
                if *at_once {
                    "now"
                } else {
                    "at the period's end"
                }
            ),
            Self::ChangeCompany { by, name } => {
                write!(f, "{} sets the company to name {name}", PEOPLE[*by])
            }
            Self::Switch { by } => write!(f, "{} switches to the organization", PEOPLE[*by]),
            Self::CreateOrganization { by, request } => {
                write!(
                    f,
                    "{} creates another organization, request {request}",
                    PEOPLE[*by]
                )
            }
            Self::RunSchedule(operation) => write!(f, "the schedule runs {operation}"),
            Self::DeliverEmails => write!(f, "the stream delivers emails"),
            Self::SweepTtl => write!(f, "the table deletes what has outlived its TTL"),
        }
    }
}
