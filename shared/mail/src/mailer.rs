//! Sending through SES, and the meaning of its errors.

use std::{error::Error, fmt};

use aws_sdk_sesv2::{
    Client,
    config::http::HttpResponse,
    error::{BoxError, SdkError},
    operation::{RequestId, send_email::SendEmailError},
    types::{
        Body, Content, Destination, EmailContent, Message as SesMessage, MessageHeader, MessageTag,
    },
};

use crate::{Message, Sender, sender::header_value};

/// The headers of every email: no person wrote it, so no vacation responder should answer
/// (RFC 3834). The second one tells Exchange.
const HEADERS: [(&str, &str); 2] = [
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "OOF, AutoReply"),
];

/// Sends messages through SES.
#[derive(Debug, Clone)]
pub struct Mailer {
    client: Client,
    from: String,
    reply_to: Option<String>,
    configuration_set: Option<String>,
    tags: Vec<Tag>,
}

/// SES's id of an accepted message; bounces and complaints name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageId(pub String);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name and value that SES repeats in its reports about a message. Both may
/// contain ASCII letters and digits, `_`, `-`, `.` and `@`.
pub type Tag = (&'static str, String);

/// The reason why SES did not accept a message.
///
/// Reasons are stable and contain neither secrets nor addresses: the owners and
/// admins of an organization see them. Their sources are for the logs, and contain
/// no addresses either.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Sending the same message may succeed later.
    #[error("{reason}")]
    Transient {
        /// A few words that fit behind "not sent:".
        reason: &'static str,
        /// The error of SES or of the connection.
        source: BoxError,
    },
    /// Sending the same message fails until the cause is repaired.
    #[error("{reason}")]
    Permanent {
        /// A few words that fit behind "not sent:".
        reason: &'static str,
        /// The error of SES.
        source: BoxError,
    },
}

impl SendError {
    fn new(permanent: bool, reason: &'static str, source: BoxError) -> Self {
        if permanent {
            Self::Permanent { reason, source }
        } else {
            Self::Transient { reason, source }
        }
    }

    /// Returns a few words that fit behind "not sent:".
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Transient { reason, .. } | Self::Permanent { reason, .. } => reason,
        }
    }

    /// Returns whether sending the same message again is pointless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Permanent { .. })
    }
}

impl Mailer {
    /// Makes a mailer of a client and a sender.
    pub fn new(client: Client, sender: Sender) -> Self {
        Self {
            client,
            from: header_value(&sender.from),
            reply_to: sender.reply_to,
            configuration_set: sender.configuration_set,
            tags: sender.tags,
        }
    }

    /// Sends a message to one address, with tags, which SES repeats in its reports. On
    /// success SES has accepted it; after a transient error it may have.
    ///
    /// # Errors
    /// [`SendError`] says whether to try again.
    pub async fn send(
        &self,
        to: &str,
        message: &Message,
        tags: &[Tag],
    ) -> Result<MessageId, SendError> {
        let unbuildable = |source| SendError::new(true, UNBUILDABLE, source);
        let content = content(message).map_err(unbuildable)?;
        let tags = tags
            .iter()
            .chain(&self.tags)
            .map(|(name, value)| MessageTag::builder().name(*name).value(value).build())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unbuildable(error.into()))?;
        let response = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().to_addresses(to).build())
            .set_reply_to_addresses(self.reply_to.clone().map(|address| vec![address]))
            .set_configuration_set_name(self.configuration_set.clone())
            .set_email_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .content(content)
            .send()
            .await?;
        Ok(MessageId(response.message_id.unwrap_or_default()))
    }
}

fn content(message: &Message) -> Result<EmailContent, BoxError> {
    let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
    let body = Body::builder()
        .text(utf8(&message.text)?)
        .html(utf8(&message.html)?)
        .build();
    let opt_out = message.opt_out.as_ref().map(|url| format!("<{url}>"));
    let opt_out = opt_out.iter().flat_map(|url| {
        [
            ("List-Unsubscribe", url.as_str()),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    });
    let headers = HEADERS
        .into_iter()
        .chain(opt_out)
        .map(|(name, value)| MessageHeader::builder().name(name).value(value).build())
        .collect::<Result<Vec<_>, _>>()?;
    let simple = SesMessage::builder()
        .subject(utf8(&message.subject)?)
        .body(body)
        .set_headers(Some(headers))
        .build();
    Ok(EmailContent::builder().simple(simple).build())
}

impl From<SdkError<SendEmailError, HttpResponse>> for SendError {
    fn from(error: SdkError<SendEmailError, HttpResponse>) -> Self {
        if let SdkError::ServiceError(response) = &error {
            return refusal(response.err(), response.raw().status().as_u16());
        }
        let permanent = matches!(error, SdkError::ConstructionFailure(_));
        let reason = match &error {
            SdkError::ConstructionFailure(_) => UNBUILDABLE,
            SdkError::TimeoutError(_) => TIMED_OUT,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => TIMED_OUT,
            SdkError::ResponseError(_) => UNREADABLE,
            _ => "the email service could not be reached",
        };
        let source = error.into_source().unwrap_or_else(Into::into);
        Self::new(permanent, reason, source)
    }
}

fn refusal(error: &SendEmailError, status: u16) -> SendError {
    use SendEmailError as E;

    let code = error.meta().code().unwrap_or_default();
    let transient = |reason| (false, reason);
    let permanent = |reason| (true, reason);
    let (is_permanent, reason) = match error {
        E::TooManyRequestsException(_) => transient(THROTTLING),
        E::LimitExceededException(_) => transient("a limit of the email service is reached"),
        E::SendingPausedException(_) => transient("sending is paused for this account"),
        E::AccountSuspendedException(_) => permanent("sending is suspended for this account"),
        E::MailFromDomainNotVerifiedException(_) => {
            permanent("the sender's domain is not verified")
        }
        // The most frequent mistake has no error code at SES.
        E::MessageRejected(rejected)
            if rejected
                .message()
                .is_some_and(|text| text.contains("not verified")) =>
        {
            permanent(
                "the sender is not verified, or the recipient is not while the account is in the SES sandbox",
            )
        }
        E::MessageRejected(_) => permanent("the email service rejected the message"),
        E::BadRequestException(_) => permanent("the email service did not accept the request"),
        E::NotFoundException(_) => {
            permanent("the configured resource does not exist at the email service")
        }
        _ if status == 429 || code.contains("Throttl") => transient(THROTTLING),
        // Permissions and credentials take a moment to propagate, and can be repaired.
        _ if matches!(status, 401 | 403) => {
            transient("the email service does not allow this deployment to send")
        }
        _ if (400..500).contains(&status) && status != 408 => {
            permanent("the email service did not accept the request")
        }
        _ if status < 400 => transient(UNREADABLE),
        _ => transient("the email service is unavailable"),
    };
    SendError::new(is_permanent, reason, Box::new(Response::new(error, status)))
}

const THROTTLING: &str = "the email service is throttling";
const TIMED_OUT: &str = "the email service did not answer in time";
const UNBUILDABLE: &str = "the email could not be built";
const UNREADABLE: &str = "the email service's answer could not be read";

/// SES's response, for logs. Its messages may name addresses, which are redacted
/// here; so the SDK's error is not kept.
#[derive(Debug)]
struct Response {
    status: u16,
    code: String,
    message: String,
    request_id: String,
}

impl Response {
    fn new(error: &SendEmailError, status: u16) -> Self {
        let meta = error.meta();
        let words = meta.message().unwrap_or_default().split_whitespace();
        let words = words.map(|word| {
            if word.contains('@') {
                "(address)"
            } else {
                word
            }
        });
        Self {
            status,
            code: meta.code().unwrap_or("unknown").to_owned(),
            message: words.collect::<Vec<_>>().join(" "),
            request_id: error.request_id().unwrap_or("unknown").to_owned(),
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            status,
            code,
            message,
            request_id,
        } = self;
        write!(f, "{status} {code} (request {request_id}): {message}")
    }
}

impl Error for Response {}

#[cfg(test)]
mod tests;
