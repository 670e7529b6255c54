//! The HTTP layer below the SDK: connections, and when a request is sent on one.

use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::retry::Turn;

pub(super) fn with_tls() -> SharedHttpClient {
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    SharedHttpClient::new(OnceNeeded(Builder::new().tls_provider(tls).build_https()))
}

pub(super) fn without_tls() -> SharedHttpClient {
    Builder::new().build_http()
}

/// A client whose requests, once signed, wait for the [`Turn`] that they [carry](carrying).
pub(super) fn in_turn(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(InTurn(client))
}

/// For `mutate_request`: makes an operation's request carry a turn.
pub(super) fn carrying(turn: Turn) -> impl Fn(&mut HttpRequest) + Send + Sync + 'static {
    move |request| {
        request.add_extension(turn.clone());
    }
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

/// The client of [`in_turn`]. Like [`OnceNeeded`], it leaves out what the SDK would do when a client is created.
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
        let Some(turn) = request.extension::<Turn>().cloned() else { return self.0.call(request) };
        let connector = self.0.clone();
        HttpConnectorFuture::new(async move {
            turn.come().await.map_err(|aged| ConnectorError::other(aged.into(), None))?;
            connector.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_sdk_s3::Client;
    use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
    use aws_smithy_runtime_api::client::http::http_client_fn;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use crate::source::s3::error::S3Error;
    use crate::source::s3::retry::{Pace, with_retries};

    /// Counts the requests that were answered, and those of them that came while every permit was taken.
    #[derive(Debug, Default)]
    struct Network {
        asked: AtomicUsize,
        asked_with_slot: AtomicUsize,
    }

    #[derive(Debug)]
    struct Answering {
        network: Arc<Network>,
        pace: Arc<Pace>,
    }

    impl HttpConnector for Answering {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.network.asked.fetch_add(1, Ordering::Relaxed);
            self.network.asked_with_slot.fetch_add(usize::from(!self.pace.has_room()), Ordering::Relaxed);
            let status = 200.try_into().expect("a status");
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from("content"))))
        }
    }

    /// A client of the SDK whose requests are answered and counted in `network`.
    fn client(network: &Arc<Network>, pace: &Arc<Pace>) -> Client {
        let connector = SharedHttpConnector::new(Answering { network: network.clone(), pace: pace.clone() });
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(in_turn(http_client_fn(move |_, _| connector.clone())));
        Client::from_conf(config.build())
    }

    #[test]
    fn a_request_is_sent_once_with_a_permit_and_signed_again_if_it_waited_long() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        for (max_signed, tries) in [(Duration::MAX, 1), (Duration::ZERO, 2)] {
            let network = Arc::<Network>::default();
            let pace = Arc::new(Pace::new(1).with_max_signed(max_signed));
            let client = client(&network, &pace);
            let tried = AtomicUsize::new(0);
            let answer = with_retries(&pace, |turn| {
                tried.fetch_add(1, Ordering::Relaxed);
                let request = client.get_object().bucket("logs").key("a").customize().mutate_request(carrying(turn));
                async { request.send().await.map_err(|error| S3Error::of(&error)) }
            });
            runtime.block_on(answer).expect("an old signature is no failure");
            let asked = [&tried, &network.asked, &network.asked_with_slot].map(|count| count.load(Ordering::Relaxed));
            assert_eq!(asked, [tries, 1, 1], "{max_signed:?}");
            assert!(pace.has_room(), "it holds nothing any more");
        }
    }

    #[test]
    fn a_request_without_a_turn_is_not_limited() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let network = Arc::<Network>::default();
        let pace = Arc::new(Pace::new(1));
        let client = client(&network, &pace);
        let answer = with_retries(&pace, |turn| {
            let request = client.head_bucket().bucket("logs");
            async move {
                turn.come().await.expect("there is room");
                request.send().await.map_err(|error| S3Error::of(&error))
            }
        });
        runtime.block_on(answer).expect("it is answered while the only slot is held");
        assert_eq!(network.asked_with_slot.load(Ordering::Relaxed), 1);
    }
}
