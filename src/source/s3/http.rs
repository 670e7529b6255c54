//! What lies underneath the SDK: connections, and when a request goes out on one.

use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::retry::may_send;

pub(super) fn with_tls() -> SharedHttpClient {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    SharedHttpClient::new(OnceNeeded(Builder::new().tls_provider(tls).build_https()))
}

pub(super) fn without_tls() -> SharedHttpClient {
    Builder::new().build_http()
}

/// A client whose requests are made ready first, and then sent as soon as they may be.
pub(super) fn in_turn(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(InTurn(client))
}

/// A client that reads the certificates this machine trusts with its first request, not when it is made: that takes some milliseconds, and a store without TLS needs none.
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

#[derive(Debug)]
struct InTurn(SharedHttpClient);

impl HttpClient for InTurn {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(InTurnConnector(self.0.http_connector(settings, components)))
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct InTurnConnector(SharedHttpConnector);

impl HttpConnector for InTurnConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connector = self.0.clone();
        HttpConnectorFuture::new(async move {
            may_send().await.map_err(|aged| ConnectorError::other(aged.into(), None))?;
            connector.call(request).await
        })
    }
}
