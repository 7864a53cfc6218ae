//! Pages with the brand of another company.

use brand::{Brand, Color, ProductName, Support, Url};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::harness::Browsers;

const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='120' height='32'>\
    <rect width='32' height='32' rx='16' fill='#ffcc00'/><rect x='40' y='8' width='80' \
    height='16' fill='#888'/></svg>";

/// Serves a logo from another origin, and returns its URL.
async fn serve_logo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = client.read(&mut request).await;
            let response = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: image/svg+xml\r\ncontent-length: {}\r\n\
                 connection: close\r\n\r\n{LOGO}",
                LOGO.len()
            );
            let _ = client.write_all(response.as_bytes()).await;
        }
    });
    format!("http://{address}/logo.svg")
}

fn brand(logo: &str) -> Brand {
    let url = |text: &str| Some(Url::parse(text).unwrap());
    Brand {
        product: Some(ProductName::parse("Pixelpress").unwrap()),
        logo: url(logo),
        accent: Some(Color::parse("#ffcc00").unwrap()),
        home: url("https://pixelpress.example"),
        support: Some(Support::parse("help@pixelpress.example").unwrap()),
        terms: url("https://pixelpress.example/terms"),
        privacy: None,
        after_accept: None,
    }
}

#[tokio::test]
async fn pages_have_the_name_logo_color_and_links_of_the_brand() {
    let logo = serve_logo().await;
    let Some(browsers) = Browsers::with_brand(brand(&logo)).await else {
        return;
    };
    let ada = browsers.creator("ada@example.com", "Acme").await;
    ada.find("link", "Pixelpress").await;
    ada.find("link", "Back to Pixelpress").await;
    ada.find("link", "Help").await;
    ada.find("link", "Terms").await;
    ada.lacks("link", "Privacy").await;
    let seen = "const logo = document.querySelector('.brand-logo');
        const style = getComputedStyle(document.documentElement);
        return [document.title, logo.complete && logo.naturalWidth > 0,
            style.getPropertyValue('--accent-ground')]";
    let seen = ada.session.script(seen, json!([])).await.unwrap();
    assert!(
        seen[0].as_str().unwrap().ends_with("· Pixelpress"),
        "{seen}"
    );
    assert_eq!(seen[1], true, "the policy lets the logo in: {seen}");
    assert!(seen[2].as_str().unwrap().contains("#ffcc00"), "{seen}");
    ada.is_accessible("brand-settings").await;

    ada.goto("/").await;
    ada.sees("Pixelpress").await;
    ada.is_accessible("brand-home").await;
}

#[tokio::test]
async fn person_goes_on_in_the_product_after_accepting() {
    let brand = Brand {
        after_accept: Some(Url::parse("http://localhost:9/welcome?from=invite").unwrap()),
        ..Brand::default()
    };
    let Some(browsers) = Browsers::with_brand(brand).await else {
        return;
    };
    let creator = browsers.world.sign_in("ada@example.com");
    let path = creator.create_organization("Acme").await;
    creator.invite(&path, "bob@example.com", "user").await;
    let bob = browsers.accepting("bob@example.com").await;
    let id = path.rsplit('/').next().unwrap();
    let welcome = format!("http://localhost:9/welcome?from=invite&organization_id={id}");
    bob.is_at(&welcome).await;
}
