//! Random histories over HTTP: people, API clients, link holders and the schedule
//! act at random and at once, with injected faults. After each history the table is
//! sound, the audit log explains every change in its own order, and the credits add
//! up. `HISTORIES` sets how many there are, `HISTORY_SEED` the seed of the first.

mod explain;
mod replay;
mod run;
mod script;

use std::{any::Any, fmt::Write};

use replay::Line;
use run::{History, Outcome};
use script::Script;
use tokio::task::JoinSet;

use crate::invariants;

/// The histories of a normal test run.
const HISTORIES: u64 = 60;
/// The histories under way at once.
const AT_ONCE: usize = 8;
/// The runs of a shorter script: concurrency does not fail each time.
const TRIES: usize = 4;
/// The most candidates for a shorter script.
const MAX_CANDIDATES: usize = 100;

/// A history that contradicts itself.
struct Failure {
    why: String,
    /// The replies and the log.
    story: String,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// How much happened in a history.
#[derive(Debug, Default)]
struct Extent {
    succeeded: usize,
    refused: usize,
    unknown: usize,
    lines: usize,
}

impl Extent {
    fn of(history: &History, lines: &[Line]) -> Self {
        let count = |outcome| {
            let performed = history.performed.iter();
            performed.filter(|p| p.outcome() == outcome).count()
        };
        Self {
            succeeded: count(Outcome::Success),
            refused: count(Outcome::Refused),
            unknown: count(Outcome::Unknown),
            lines: lines.len(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.lines += other.lines;
    }
}

/// Runs a script, and checks its history.
async fn check(script: Script) -> Result<Extent, Failure> {
    let checked = tokio::spawn(async move {
        let history = run::run(&script).await;
        let lines = explain::read_log(&history).await;
        let explained = match &lines {
            Ok(lines) => explain::check(&history, lines).await,
            Err(why) => Err(why.clone()),
        };
        let world = history.world.clone();
        let sound = tokio::spawn(async move { invariants::hold(&world).await }).await;
        let why = match (explained, sound) {
            (Ok(()), Ok(())) => return Ok(Extent::of(&history, &lines.unwrap_or_default())),
            (Err(why), _) => why,
            (Ok(()), Err(panic)) => said(panic.into_panic()),
        };
        let mut story = String::new();
        for performed in &history.performed {
            let (step, outcome) = (&performed.step, performed.reply.outcome());
            writeln!(story, "  round {}: {step}: {outcome}", performed.round).unwrap();
        }
        story.push_str("the log:\n");
        for (n, line) in lines.unwrap_or_default().iter().enumerate() {
            writeln!(story, "  {n}: {line}").unwrap();
        }
        Err(Failure { why, story })
    });
    checked.await.unwrap_or_else(|panic| {
        Err(Failure {
            why: said(panic.into_panic()),
            story: String::new(),
        })
    })
}

/// Returns the message of a panic.
fn said(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic
            .downcast::<&str>()
            .map_or_else(|_| "a panic".to_owned(), |message| (*message).to_owned()),
    }
}

/// Returns the scripts that lack one round, step or fault of this one.
fn shorter(script: &Script) -> Vec<Script> {
    let mut all = Vec::new();
    let mut without = |change: &dyn Fn(&mut Script)| {
        let mut script = script.clone();
        change(&mut script);
        all.push(script);
    };
    for n in (0..script.rounds.len()).rev() {
        without(&|script| {
            script.rounds.remove(n);
        });
    }
    for (n, round) in script.rounds.iter().enumerate().rev() {
        if !round.faults.is_empty() {
            without(&|script| script.rounds[n].faults.clear());
        }
        if round.contention || round.delays || round.stale_index {
            without(&|script| {
                script.rounds[n].contention = false;
                script.rounds[n].delays = false;
                script.rounds[n].stale_index = false;
            });
        }
        for step in 0..round.steps.len() {
            without(&|script| {
                script.rounds[n].steps.remove(step);
            });
        }
        for fault in 0..round.faults.len() {
            without(&|script| {
                script.rounds[n].faults.remove(fault);
            });
        }
    }
    all
}

/// Runs a script a few times at once, and returns a failure.
async fn fails(script: &Script) -> Option<Failure> {
    let mut runs: JoinSet<_> = (0..TRIES).map(|_| check(script.clone())).collect();
    while let Some(run) = runs.join_next().await {
        if let Err(failure) = run.unwrap() {
            return Some(failure);
        }
    }
    None
}

/// Shortens a failing script as long as what is left fails in one of a few runs.
async fn shrink(mut script: Script, mut failure: Failure) -> (Script, Failure) {
    let mut candidates = shorter(&script);
    candidates.reverse();
    for _ in 0..MAX_CANDIDATES {
        let Some(candidate) = candidates.pop() else {
            break;
        };
        if let Some(found) = fails(&candidate).await {
            candidates = shorter(&candidate);
            candidates.reverse();
            (script, failure) = (candidate, found);
        }
    }
    (script, failure)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_explained_by_their_log() {
    let count = number("HISTORIES").unwrap_or(HISTORIES);
    let first = number("HISTORY_SEED").unwrap_or(1);
    assert!(count > 0);
    let mut seeds = first..first + count;
    let mut running = JoinSet::new();
    let (mut total, mut failed) = (Extent::default(), Vec::new());
    loop {
        while running.len() < AT_ONCE {
            let Some(seed) = seeds.next() else { break };
            let script = Script::generate(seed);
            running.spawn(async move { (check(script.clone()).await, script) });
        }
        match running.join_next().await.map(Result::unwrap) {
            Some((Ok(extent), _)) => total.add(&extent),
            Some((Err(failure), script)) => {
                eprintln!(
                    "the history with seed {} fails: {}",
                    script.seed, failure.why
                );
                failed.push((script, failure));
            }
            None => break,
        }
    }
    println!(
        "{count} histories, of which {} fail: {total:?}",
        failed.len()
    );
    failed.sort_by_key(|(script, _)| script.seed);
    if let Some((script, failure)) = failed.into_iter().next() {
        let seed = script.seed;
        let (script, Failure { why, story }) = shrink(script, failure).await;
        panic!(
            "the first one, with seed {seed}, shortened:\n{script}\n{why}\n\n\
             what happened:\n{story}\n\
             again: HISTORIES=1 HISTORY_SEED={seed} cargo test -p system-tests histories\n"
        );
    }
}
