//! The HTTP clients below the SDK.

use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

pub(super) fn with_tls() -> SharedHttpClient {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    SharedHttpClient::new(OnceNeeded(Builder::new().tls_provider(tls).build_https()))
}

pub(super) fn without_tls() -> SharedHttpClient {
    Builder::new().build_http()
}

/// A client that loads the certificates this machine trusts with its first request, not when it is created: that
/// takes some milliseconds, and a store without TLS needs none. It works by not passing on
/// `validate_base_client_config`, in which the SDK's client loads them.
#[derive(Debug)]
struct OnceNeeded(SharedHttpClient);

impl HttpClient for OnceNeeded {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}
