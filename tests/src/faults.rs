//! Every request of every operation to AWS fails: before it is sent, after it
//! took effect but before its answer, and with throttling; once, and as often
//! as the SDK tries.

use crate::{access, invariants, wire::Fault};

/// What a repeated request may be answered besides success: the first one did it.
fn done_before(operation: &str) -> &'static [&'static str] {
    match operation {
        "create-invite" => &["409 invite_outstanding"],
        "resend-invite" => &["429 email_limit_reached"],
        "delete-organization" => &["404 organization_not_found"],
        "provision-organization" => &["409 external_id_taken"],
        "revoke-api-key" => &["404 api_key_not_found"],
        "remove-member" => &["404 member_not_found"],
        _ => &[],
    }
}

async fn survives_every_fault(operation: &str) {
    let access = access::access(operation);
    let clean = access.fixture().await;
    access.prepare(&clean).await;
    access.send_once(&clean).await;
    let requests = clean.world.wire.take().len();
    assert!(requests > 0);
    for skip in 0..requests {
        for fault in Fault::ALL {
            for times in [1, 3] {
                let what = format!("{operation}: request {skip} fails {times} times by {fault:?}");
                let fixture = access.fixture().await;
                access.prepare(&fixture).await;
                fixture.world.wire.fail(skip, times, fault);
                let first = access.send_once(&fixture).await;
                fixture.world.wire.heal();
                let ok = (200..300).contains(&first.status);
                if times == 1 {
                    assert!(ok, "{what}: {}", first.body);
                }
                if !ok {
                    assert_eq!(first.outcome(), "503 unavailable", "{what}");
                    assert_eq!(first.headers["retry-after"], "1", "{what}");
                }
                invariants::hold(&fixture.world).await;

                let second = access.send_once(&fixture).await;
                let outcome = second.outcome();
                let converged = (200..300).contains(&second.status)
                    || done_before(operation).contains(&outcome.as_str());
                assert!(converged, "{what}, and again: {outcome}");
                invariants::hold(&fixture.world).await;
                if operation == "create-organization" {
                    let mine = fixture
                        .stranger
                        .get("/v1/organizations")
                        .await
                        .expect("200");
                    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "{what}");
                }
            }
        }
    }
}

macro_rules! fault_tests {
    (
        api { $($area:ident::$operation:ident)* }
        others { $($other_area:ident::$other:ident)* }
    ) => {
        $(#[tokio::test]
        async fn $operation() {
            survives_every_fault(&stringify!($operation).replace('_', "-")).await;
        })*
    };
}

functions::for_each_operation!(fault_tests);
