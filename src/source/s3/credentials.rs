//! Credentials that fail for the same reason every time.

use std::sync::OnceLock;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, SharedCredentialsProvider, future};
use tokio::sync::Mutex;

use super::error::chain;

/// What the SDK says the second time that a profile cannot be used.
const ALREADY_TOLD: &str = "error already taken";

/// Credentials from `provider`. The SDK says only once what is wrong with a profile, and several requests may ask at
/// the same time. So the answer is kept for those that come later.
#[derive(Debug)]
pub(super) struct SteadyCredentials {
    provider: SharedCredentialsProvider,
    first_error: OnceLock<String>,
    /// Held while the provider is asked: the first one that it fails has the reason.
    turn: Mutex<()>,
}

impl SteadyCredentials {
    pub(super) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, first_error: OnceLock::new(), turn: Mutex::new(()) }
    }

    async fn credentials(&self) -> Result {
        let _turn = self.turn.lock().await;
        let error = match self.provider.provide_credentials().await {
            Ok(credentials) => return Ok(credentials),
            Err(error) => error,
        };
        let said = chain(&error);
        if !said.contains(ALREADY_TOLD) {
            self.first_error.get_or_init(|| said);
            return Err(error);
        }
        Err(self.first_error.get().map_or(error, |first| CredentialsError::provider_error(first.clone())))
    }
}

impl ProvideCredentials for SteadyCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Says what is wrong once.
    #[derive(Debug, Default)]
    struct Forgetful {
        has_told: AtomicBool,
    }

    impl ProvideCredentials for Forgetful {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let reason = if self.has_told.swap(true, Ordering::SeqCst) { ALREADY_TOLD } else { "no such profile" };
            future::ProvideCredentials::ready(Err(CredentialsError::provider_error(reason)))
        }
    }

    #[test]
    fn each_request_is_told_the_reason() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
        let provider = SteadyCredentials::new(SharedCredentialsProvider::new(Forgetful::default()));
        let answers = runtime.block_on(async {
            let ask = || async { chain(&provider.provide_credentials().await.expect_err("it has none")) };
            [ask().await, ask().await, ask().await]
        });
        for answer in answers {
            assert!(answer.contains("no such profile"), "{answer}");
        }
    }
}
