//! Who sent failed requests: the few clients and user agents that sent most of them.

use super::frequent::Frequent;
use super::served_clients::address_of;

/// Who sent some requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callers {
    /// By address, without the port.
    pub clients: Frequent,
    /// By user agent; requests without one count under `-`.
    pub user_agents: Frequent,
}

impl Callers {
    /// Takes in one request; `client` is `address:port`.
    pub fn observe(&mut self, client: &[u8], user_agent: Option<&[u8]>) {
        self.clients.observe(address_of(client));
        self.user_agents.observe(user_agent.unwrap_or(b"-"));
    }

    /// Adds the requests of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.clients.merge(&other.clients);
        self.user_agents.merge(&other.user_agents);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_by_address_without_the_port() {
        let mut callers = Callers::default();
        callers.observe(b"203.0.113.8:41857", Some(b"curl/8.5.0"));
        callers.observe(b"203.0.113.8:2", None);
        callers.observe(b"2001:db8::1:443", Some(b"curl/8.5.0"));
        assert_eq!(callers.clients.first(), Some((b"203.0.113.8".as_slice(), 2)));
        assert_eq!(callers.user_agents.first(), Some((b"curl/8.5.0".as_slice(), 2)));
        assert_eq!(Callers::default().clients.first(), None);
    }
}
