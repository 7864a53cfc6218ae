use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_sesv2::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;

use super::*;

/// SES's behavior for each request.
#[derive(Debug, Clone)]
enum Ses {
    Answers(u16, Option<&'static str>, &'static str),
    TimesOut,
    IsAway,
}

#[derive(Debug, Clone)]
struct Connector {
    ses: Ses,
    requests: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
        let line = format!("{} {body}", request.uri());
        self.requests.lock().unwrap().push(line);
        HttpConnectorFuture::ready(match self.ses {
            Ses::Answers(status, code, body) => {
                let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
                answer.headers_mut().insert("x-amzn-requestid", "r-1");
                if let Some(code) = code {
                    answer.headers_mut().insert("x-amzn-errortype", code);
                }
                Ok(answer)
            }
            Ses::TimesOut => Err(ConnectorError::timeout("too slow".into())),
            Ses::IsAway => Err(ConnectorError::io("connection refused".into())),
        })
    }
}

fn sender() -> Sender {
    Sender {
        from: "Größe <no-reply@example.com>".to_owned(),
        reply_to: Some("help@example.com".to_owned()),
        configuration_set: Some("invites".to_owned()),
        tags: Vec::new(),
    }
}

/// Sends an email. Returns the result and the requests that SES received.
async fn send(ses: Ses, sender: Sender) -> (Result<MessageId, SendError>, Vec<String>) {
    let requests = Arc::default();
    let connector = Connector {
        ses,
        requests: Arc::clone(&requests),
    };
    let config = aws_sdk_sesv2::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::from_keys("id", "secret", None))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| {
            SharedHttpConnector::new(connector.clone())
        }))
        .build();
    let message = Message {
        subject: "Grüße".to_owned(),
        text: "Text".to_owned(),
        html: "<p>HTML</p>".to_owned(),
        opt_out: None,
    };
    let mailer = Mailer::new(Client::from_conf(config), sender);
    let tags = [("invite_id", "0193-7".to_owned())];
    let outcome = mailer.send("ben@example.com", &message, &tags).await;
    let requests = requests.lock().unwrap().clone();
    (outcome, requests)
}

async fn error(ses: Ses) -> SendError {
    send(ses, sender()).await.0.unwrap_err()
}

const TAKEN: Ses = Ses::Answers(200, None, r#"{"MessageId":"m-1"}"#);

#[tokio::test]
async fn message_sent_is_complete_and_utf_8() {
    let (outcome, requests) = send(TAKEN, sender()).await;
    assert_eq!(outcome.unwrap(), MessageId("m-1".to_owned()));
    insta::assert_snapshot!(requests.join("\n").replace(",\"", ",\n\""), @r#"
    https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails {"ConfigurationSetName":"invites",
    "Content":{"Simple":{"Subject":{"Data":"Grüße",
    "Charset":"UTF-8"},
    "Body":{"Text":{"Data":"Text",
    "Charset":"UTF-8"},
    "Html":{"Data":"<p>HTML</p>",
    "Charset":"UTF-8"}},
    "Headers":[{"Name":"Auto-Submitted",
    "Value":"auto-generated"},{"Name":"X-Auto-Response-Suppress",
    "Value":"OOF, AutoReply"}]}},
    "Destination":{"ToAddresses":["ben@example.com"]},
    "EmailTags":[{"Name":"invite_id",
    "Value":"0193-7"}],
    "FromEmailAddress":"=?UTF-8?B?R3LDtsOfZQ==?= <no-reply@example.com>",
    "ReplyToAddresses":["help@example.com"]}
    "#);
}

#[tokio::test]
async fn optional_header_not_configured_is_not_sent() {
    let sender = Sender {
        from: "no-reply@example.com".to_owned(),
        reply_to: None,
        configuration_set: None,
        tags: Vec::new(),
    };
    let (_, requests) = send(TAKEN, sender).await;
    assert!(!requests[0].contains("ReplyTo"), "{requests:?}");
    assert!(!requests[0].contains("ConfigurationSet"), "{requests:?}");
}

#[tokio::test]
async fn tags_of_the_sender_follow_those_of_the_email() {
    let sender = Sender {
        tags: vec![("stack", "organizations".to_owned())],
        ..sender()
    };
    let (_, requests) = send(TAKEN, sender).await;
    let tags = r#""EmailTags":[{"Name":"invite_id","Value":"0193-7"},{"Name":"stack","Value":"organizations"}]"#;
    assert!(requests[0].contains(tags), "{requests:?}");
}

#[test]
fn opt_out_adds_the_headers_of_one_click() {
    let message = Message {
        subject: "Hello".to_owned(),
        text: "Text".to_owned(),
        html: "<p>HTML</p>".to_owned(),
        opt_out: Some("https://app.example.com/v1/opt-outs/token".to_owned()),
    };
    let content = content(&message).unwrap();
    let headers = content.simple().unwrap().headers();
    let headers: Vec<_> = headers.iter().map(|h| (h.name(), h.value())).collect();
    let expected = [
        (
            "List-Unsubscribe",
            "<https://app.example.com/v1/opt-outs/token>",
        ),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ];
    assert_eq!(headers[2..], expected);
}

#[tokio::test]
async fn each_ses_refusal_has_a_reason_and_is_permanent_or_not() {
    let mut table = String::new();
    for (status, code) in [
        (429, "TooManyRequestsException"),
        (400, "LimitExceededException"),
        (400, "SendingPausedException"),
        (400, "ThrottlingException"),
        (429, "SomethingNew"),
        (403, "AccessDeniedException"),
        (403, "ExpiredTokenException"),
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
        (400, "MessageRejected"),
        (400, "MailFromDomainNotVerifiedException"),
        (400, "BadRequestException"),
        (404, "NotFoundException"),
        (400, "AccountSuspendedException"),
        (400, "SomethingNew"),
    ] {
        let error = error(Ses::Answers(status, Some(code), "{}")).await;
        let kind = if error.is_permanent() {
            "permanent"
        } else {
            "transient"
        };
        table += &format!("{status} {code}: {kind}: {error}\n");
    }
    insta::assert_snapshot!(table, @r#"
    429 TooManyRequestsException: transient: the email service is throttling
    400 LimitExceededException: transient: a limit of the email service is reached
    400 SendingPausedException: transient: sending is paused for this account
    400 ThrottlingException: transient: the email service is throttling
    429 SomethingNew: transient: the email service is throttling
    403 AccessDeniedException: transient: the email service does not allow this deployment to send
    403 ExpiredTokenException: transient: the email service does not allow this deployment to send
    500 InternalFailure: transient: the email service is unavailable
    503 ServiceUnavailable: transient: the email service is unavailable
    400 MessageRejected: permanent: the email service rejected the message
    400 MailFromDomainNotVerifiedException: permanent: the sender's domain is not verified
    400 BadRequestException: permanent: the email service did not accept the request
    404 NotFoundException: permanent: the configured resource does not exist at the email service
    400 AccountSuspendedException: permanent: sending is suspended for this account
    400 SomethingNew: permanent: the email service did not accept the request
    "#);
}

#[tokio::test]
async fn no_answer_from_ses_is_transient() {
    for (ses, reason) in [
        (Ses::TimesOut, "the email service did not answer in time"),
        (Ses::IsAway, "the email service could not be reached"),
        (
            Ses::Answers(200, None, "not JSON"),
            "the email service's answer could not be read",
        ),
        (
            Ses::Answers(502, None, "<html>"),
            "the email service is unavailable",
        ),
    ] {
        let error = error(ses).await;
        assert!(!error.is_permanent(), "{error:?}");
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn address_in_an_ses_error_is_redacted() {
    let body = r#"{"message":"Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: ben@example.com, Ada <ada@example.com>"}"#;
    let error = error(Ses::Answers(400, Some("MessageRejected"), body)).await;
    assert_eq!(
        error.reason(),
        "the sender is not verified, or the recipient is not while the account is in the SES sandbox"
    );
    assert!(error.is_permanent());
    assert!(!format!("{error:?}").contains('@'), "{error:?}");
    insta::assert_snapshot!(error.source().unwrap(), @"400 MessageRejected (request r-1): Email address is not verified. The following identities failed the check in region EU-CENTRAL-1: (address) Ada (address)");
}
