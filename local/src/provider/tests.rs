use super::*;

fn provider(file: Option<&Path>) -> Provider {
    let url = "http://127.0.0.1:3000";
    let issuer = Issuer::new(url, Clock::system(), None).unwrap();
    Provider::open(url, Arc::new(issuer), Vec::new(), Clock::system(), file).unwrap()
}

#[test]
fn person_after_restart_is_as_last_signed_in() {
    let name = format!("local-people-{}.jsonl", std::process::id());
    let file = std::env::temp_dir().join(name);
    let ada = SignIn::with_email("ada@example.com");
    let unverified = SignIn {
        email_verified: false,
        ..ada.clone()
    };
    let ben = SignIn::with_email("ben@example.com");
    let before = provider(Some(&file));
    for person in [&unverified, &ben, &ada, &ada] {
        before.remember(person);
    }
    let lines = fs::read_to_string(&file).unwrap().lines().count();
    let after = provider(Some(&file)).people();
    fs::remove_file(&file).unwrap();
    assert_eq!(lines, 3, "an unchanged person is not written again");
    assert_eq!(after, [ben, ada]);
}

#[test]
fn markup_in_sign_in_form_is_escaped() {
    let nasty = "<script>alert(1)</script>";
    let typed = || SignInForm {
        email: nasty.to_owned(),
        name: nasty.to_owned(),
        ..SignInForm::default()
    };
    let page = SignInPage {
        people: vec![SignIn {
            user_id: nasty.to_owned(),
            email: Some(nasty.to_owned()),
            email_verified: false,
            name: Some(nasty.to_owned()),
        }],
        typed: typed(),
        problem: None,
    };
    let page = page.render().unwrap();
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(page.matches("&#60;script").count(), 5, "{page}");
}

#[test]
fn redirect_uri_of_another_origin_is_refused() {
    let provider = provider(None);
    for uri in ["http://127.0.0.1:3000/", "http://localhost:3000/account"] {
        assert!(provider.is_own(uri), "{uri}");
    }
    for uri in [
        "",
        "http://127.0.0.1:3000",
        "http://127.0.0.1:30001/",
        "http://127.0.0.1:3000@example.com/",
        "http://127.0.0.1:3000.example.com/",
        "https://127.0.0.1:3000/",
        "//example.com/",
    ] {
        assert!(!provider.is_own(uri), "{uri}");
    }
}
