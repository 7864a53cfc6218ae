//! Writes of a single item, which need no transaction.

use std::{borrow::Cow, fmt::Display, time::Duration};

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, UpdateItemOutput},
};
use chrono::{DateTime, Utc};
use domain::{ApiKeyId, Delivery, DeliveryState, InviteId, Lease, OrganizationId};

use crate::{
    BillingDelivery, Commit, Key, Store, StoreError,
    attribute::{self, number, text, to_value},
    condition::AttributeUpdate,
    keys,
    records::Record,
};

/// The number of conflicts with transactions that a single write survives.
const MAX_MEETINGS: u32 = 10;

impl Store {
    /// Writes the delivery state of an invite's latest email. Returns [`Commit::Stale`]
    /// when the invite has ended, was resent since, or already has another state: a bounce
    /// may be reported before the delivery is written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_delivery(
        &self,
        organization_id: OrganizationId,
        invite_id: InviteId,
        times_sent: u32,
        delivery: &Delivery,
    ) -> Result<Commit, StoreError> {
        self.write_delivery(AttributeUpdate {
            key: Key::invite(organization_id, invite_id).raw,
            update: "SET #delivery = :delivery, #version = #version + :one".into(),
            condition: Some("#times_sent = :times_sent AND #delivery.#state = :queued".into()),
            names: &["delivery", "version", "times_sent", "state"],
            values: vec![
                ("delivery", to_value(delivery)?),
                ("one", number(1)),
                ("times_sent", number(u64::from(times_sent))),
                ("queued", text(DeliveryState::Queued.as_str())),
            ],
        })
        .await
    }

    /// Writes the delivery state of a billing email to one of its recipients. Returns
    /// [`Commit::Stale`] when it already has another: a bounce may be reported before the
    /// delivery is written.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_billing_delivery(
        &self,
        billing_delivery: &BillingDelivery,
    ) -> Result<Commit, StoreError> {
        let mut values = billing_delivery.attributes();
        values.extend([
            ("event_id", text(billing_delivery.event_id)),
            ("user_id", text(&billing_delivery.user_id)),
            ("delivery", to_value(&billing_delivery.delivery)?),
            ("queued", text(DeliveryState::Queued.as_str())),
        ]);
        self.write_delivery(AttributeUpdate {
            key: billing_delivery.key(),
            update: "SET event_id = :event_id, user_id = :user_id, #delivery = :delivery, \
                     #ttl = :ttl"
                .into(),
            condition: Some("attribute_not_exists(#delivery) OR #delivery.#state = :queued".into()),
            names: &["delivery", "state", "ttl"],
            values,
        })
        .await
    }

    /// Writes the hour of a key's last use. Returns [`Commit::Stale`] when the key has
    /// changed since it was read; the next use then writes the hour.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_use(
        &self,
        organization_id: OrganizationId,
        id: ApiKeyId,
        version: u64,
        hour: DateTime<Utc>,
    ) -> Result<Commit, StoreError> {
        let noted = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(
                Key::api_key(organization_id, id).raw.into_attributes(),
            ))
            .update_expression("SET #last_used_at = :hour, #version = #version + :one")
            .condition_expression("#version = :version")
            .expression_attribute_names("#last_used_at", "last_used_at")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":hour", to_value(&hour)?)
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":one", number(1))
            .send()
            .await;
        match noted {
            Ok(_) => Ok(Commit::Done),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    UpdateItemError::ConditionalCheckFailedException(_)
                        | UpdateItemError::TransactionConflictException(_)
                ) =>
            {
                Ok(Commit::Stale)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a lease from the counter of a window's requests, by an organization or an API
    /// key. Returns whether enough were left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn lease(&self, id: impl Display, lease: &Lease) -> Result<bool, StoreError> {
        let taken = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::rate(id, lease.window).into_attributes()))
            .update_expression("SET #ttl = :ttl ADD taken :requests")
            .condition_expression("attribute_not_exists(taken) OR taken <= :most")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", keys::seconds(lease.ends_at))
            .expression_attribute_values(":requests", number(u64::from(lease.requests)))
            .expression_attribute_values(":most", number(u64::from(lease.most)))
            .send()
            .await;
        match taken {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    UpdateItemError::ConditionalCheckFailedException(_)
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn write_delivery(&self, update: AttributeUpdate) -> Result<Commit, StoreError> {
        for _ in 0..MAX_MEETINGS {
            match self.send(update.clone()).await {
                Ok(_) => return Ok(Commit::Done),
                Err(SdkError::ServiceError(error)) => match error.err() {
                    UpdateItemError::ConditionalCheckFailedException(_) => {
                        return Ok(Commit::Stale);
                    }
                    // A transaction is writing the same item.
                    UpdateItemError::TransactionConflictException(_) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    _ => return Err(SdkError::ServiceError(error).into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Throttled)
    }

    async fn send(
        &self,
        update: AttributeUpdate,
    ) -> Result<UpdateItemOutput, SdkError<UpdateItemError>> {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(update.key.into_attributes()))
            .update_expression(update.update)
            .set_condition_expression(update.condition.map(Cow::into_owned))
            .set_expression_attribute_names(attribute::names(update.names))
            .set_expression_attribute_values(attribute::values(update.values))
            .send()
            .await
    }
}
