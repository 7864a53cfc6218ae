//! The local sign-in page.

use local::SignIn;

use super::harness::Browsers;

#[tokio::test]
async fn sign_in_page_is_accessible_in_both_themes() {
    let Some(browsers) = Browsers::start().await else {
        return;
    };
    browsers.world.sign_in("ada@example.com");
    browsers.world.sign_in_as(SignIn {
        email_verified: false,
        name: Some("Benjamin Franklin of a long name".to_owned()),
        ..SignIn::with_email("benjamin.franklin.of.a.long.address@a-long-subdomain.example.com")
    });
    let browser = browsers.open("somebody").await;
    let url = browsers.world.stack.url();
    browser
        .goto(&format!(
            "/local/authorize?client_id=local&redirect_uri={url}/auth/callback&response_type=code&scope=openid\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        ))
        .await;
    browser.sees("Somebody else").await;
    browser.is_accessible("sign-in").await;
    browser.fill("Email", "nobody").await;
    browser.press("button", "Sign in").await;
    browser.sees("Enter an email address").await;
    browser.is_accessible("sign-in-slip").await;
}
