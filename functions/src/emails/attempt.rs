//! One attempt to send an email, and whether there will be another.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{AuditEvent, Delivery, DeliveryState};

use crate::{
    error::Error,
    error_chain,
    metrics::{Counter, count},
};

/// The time after which an email is abandoned. Lambda retries a record for longer than
/// that (template.yaml), so this function always decides first.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::minutes(30);

/// The delivery after an attempt.
pub(super) struct Attempt {
    pub(super) delivery: Delivery,
    failed: Option<Error>,
}

impl Attempt {
    /// Decides the state after an attempt: sent, permanently failed, or retried later.
    pub(super) fn after(
        event: &AuditEvent,
        before: &Delivery,
        outcome: Result<(), Error>,
        now: DateTime<Utc>,
    ) -> Self {
        let Err(error) = outcome else {
            count(Counter::EmailsSent, 1);
            let delivery = Delivery {
                state: DeliveryState::Sent,
                at: now,
                failures: before.failures,
                reason: None,
            };
            return Self {
                delivery,
                failed: None,
            };
        };
        let failures = before.failures + 1;
        let (is_permanent, reason) = match &error {
            Error::Send(error) => (error.is_permanent(), error.reason()),
            _ => (false, "the email could not be written"),
        };
        // A late first attempt is not the last for that reason alone.
        let is_given_up = failures > 1 && now - event.at >= GIVE_UP_AFTER;
        let is_last = is_permanent || is_given_up;
        if is_last {
            count(Counter::EmailsFailed, 1);
            let error = error_chain::chain(&error);
            tracing::error!(event_id = %event.id, error, "an email was given up");
        }
        Self {
            delivery: Delivery {
                state: if is_last {
                    DeliveryState::Failed
                } else {
                    DeliveryState::Queued
                },
                at: now,
                failures,
                reason: Some(reason.to_owned()),
            },
            failed: (!is_last).then_some(error),
        }
    }

    /// Returns the error of an attempt that will be retried.
    pub(super) fn into_result(self) -> Result<(), Error> {
        self.failed.map_or(Ok(()), Err)
    }
}
