//! The HTTP client and its trusted certificates.

use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// The five root certificates of AWS's own endpoints (Amazon Root CA 1 to 4 and
/// Starfield Services Root Certificate Authority - G2), from Mozilla's list in Debian's
/// package `ca-certificates`.
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// Returns a client that trusts AWS. Reading the machine's whole certificate store would
/// cost a new process ten times as much as everything else.
///
/// The usual variables `SSL_CERT_FILE` and `SSL_CERT_DIR` replace these certificates.
pub(crate) fn https_client() -> SharedHttpClient {
    let elsewhere = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let roots = if elsewhere {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    };
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        // This cannot fail at present. The machine's own store is the builder's default.
        Err(error) => {
            tracing::error!(%error, "the embedded certificates cannot be used");
            builder.build_https()
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    /// The SHA-256 hashes that Amazon Trust Services publishes.
    const PUBLISHED: [&str; 5] = [
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
    ];

    #[test]
    fn embedded_roots_match_the_published_hashes() {
        let embedded: Vec<String> = AMAZON_ROOTS
            .split("-----END CERTIFICATE-----")
            .filter_map(|pem| pem.split_once("-----BEGIN CERTIFICATE-----"))
            .map(|(_, base64)| {
                let certificate = STANDARD.decode(base64.replace('\n', "")).unwrap();
                let hash = Sha256::digest(certificate);
                hash.iter().map(|byte| format!("{byte:02x}")).collect()
            })
            .collect();
        assert_eq!(embedded, PUBLISHED);
    }
}
