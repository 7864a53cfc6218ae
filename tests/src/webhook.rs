//! The webhook: every audit event, once taken, in order.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use crate::harness::World;

/// A request that the receiver got: its head and its body.
type Received = (String, Value);

/// Reads a request, and answers with a status.
async fn answer(mut stream: TcpStream, status: u16) -> Option<Received> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.ok()?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            let response =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(response.as_bytes()).await.ok()?;
            return Some((head.to_lowercase(), body));
        }
        if read == 0 {
            return None;
        }
    }
}

/// Starts a receiver, which answers with these statuses, and then with 204. Returns its URL
/// and what it receives.
async fn receiver(statuses: &'static [u16]) -> (String, mpsc::UnboundedReceiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://{}/hooks/organizations?v=1",
        listener.local_addr().unwrap()
    );
    let (sender, received) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.iter().copied();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let status = statuses.next().unwrap_or(204);
            if let Some(request) = answer(stream, status).await {
                sender.send(request).unwrap();
            }
        }
    });
    (url, received)
}

fn all(received: &mut mpsc::UnboundedReceiver<Received>) -> Vec<Received> {
    std::iter::from_fn(|| received.try_recv().ok()).collect()
}

/// Describes the events of the stream, as the pipe has it done.
pub async fn describe(world: &World) {
    let records = world.stack.pump().records().unwrap();
    let is_event = |record: &&Value| {
        let partition = record["dynamodb"]["Keys"]["pk"]["S"].as_str();
        partition.is_some_and(|partition| partition.starts_with("AUDIT#"))
    };
    let events: Vec<&Value> = records.iter().filter(is_event).collect();
    let operation = functions::operation("describe-events").unwrap();
    let described = functions::invoke(
        world.stack.app(),
        operation,
        json!(events),
        Default::default(),
    );
    let described = described.await.unwrap();
    assert_eq!(described.as_array().unwrap().len(), events.len());
    assert!(!events.is_empty());
}

#[tokio::test]
async fn webhook_gets_every_event_in_order_with_its_key() {
    let (url, mut received) = receiver(&[]).await;
    let world = World::start_with_webhook(&url).await;
    let ada = world.sign_in("ada@example.com");
    let acme = ada.create_organization("Acme").await;
    ada.patch(&acme, json!({"name": "Acme Studios"}))
        .await
        .expect("200");
    let key = world.server();
    let managed = acme.replace("/v1/", "/v1/server/");
    key.patch(&managed, json!({"external_id": "team_42"}))
        .await
        .expect("200");
    world.drain().await;

    let requests = all(&mut received);
    let secret = world.stack.secrets().webhook_key();
    for (head, body) in &requests {
        assert!(
            head.starts_with("post /hooks/organizations?v=1 http/1.1"),
            "{head}"
        );
        assert!(
            head.contains(&format!("x-webhook-key: {}", secret.to_lowercase())),
            "{head}"
        );
        assert!(head.contains("content-type: application/json"), "{head}");
        assert_eq!(body["stack"], "local");
        assert!(acme.ends_with(body["organization_id"].as_str().unwrap()));
    }
    let kinds: Vec<&Value> = requests.iter().map(|(_, body)| &body["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "organization.created",
            "member.added",
            "organization.updated",
            "organization.updated"
        ]
    );
    let renamed = &requests[2].1;
    assert_eq!(
        renamed["actor"],
        json!({"kind": "person", "id": ada.user_id})
    );
    assert_eq!(
        renamed["changes"],
        json!([{"field": "name", "from": "Acme", "to": "Acme Studios"}])
    );
    assert_eq!(
        requests[3].1["actor"],
        json!({"kind": "server", "id": null})
    );
    world.drain().await;
    assert!(all(&mut received).is_empty(), "each is sent once");
}

#[tokio::test]
async fn event_that_the_webhook_refuses_is_sent_again() {
    let (url, mut received) = receiver(&[204, 500, 429]).await;
    let world = World::start_with_webhook(&url).await;
    let ada = world.sign_in("ada@example.com");
    ada.create_organization("Acme").await;
    let mut stuck = 0;
    while world.stack.drain_stream().await.unwrap().stuck > 0 {
        stuck += 1;
    }
    assert_eq!(stuck, 2);
    let requests = all(&mut received);
    let kinds: Vec<&Value> = requests.iter().map(|(_, body)| &body["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "organization.created",
            "member.added",
            "member.added",
            "member.added"
        ]
    );
    let ids: Vec<&Value> = requests.iter().map(|(_, body)| &body["id"]).collect();
    assert!(ids[1] == ids[2] && ids[2] == ids[3], "{ids:?}");
    assert_eq!(world.stack.pump().dead_letters().await, Vec::<Value>::new());
}
