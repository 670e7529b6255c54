//! Who sent failed requests: the few clients and user agents that sent most of them.

/// Names kept of each kind. Whoever sent more than this part of the failures is among them.
pub const MAX_CALLERS: usize = 8;

/// Bytes of a name that are kept.
pub const MAX_NAME_BYTES: usize = 120;

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
        let address = client.iter().rposition(|&byte| byte == b':').map_or(client, |colon| &client[..colon]);
        self.clients.observe(address);
        self.user_agents.observe(user_agent.unwrap_or(b"-"));
    }

    /// Adds another's requests.
    pub fn merge(&mut self, other: &Self) {
        self.clients.merge(&other.clients);
        self.user_agents.merge(&other.user_agents);
    }
}

/// The most frequent of many names, in the memory of a few: when a new one comes and there is no room, it takes the place of the rarest, and its count with it
/// (Metwally, Agrawal and El Abbadi's Space-Saving).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frequent(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: Box<[u8]>,
    /// How often it came, at most.
    count: u64,
    /// How much of that may be others'.
    inherited: u64,
}

impl Frequent {
    fn observe(&mut self, name: &[u8]) {
        let name = &name[..name.len().min(MAX_NAME_BYTES)];
        if let Some(entry) = self.0.iter_mut().find(|entry| *entry.name == *name) {
            entry.count += 1;
        } else if self.0.len() < MAX_CALLERS {
            self.0.push(Entry { name: name.into(), count: 1, inherited: 0 });
        } else if let Some(rarest) = self.0.iter_mut().min_by_key(|entry| entry.count) {
            *rarest = Entry { name: name.into(), count: rarest.count + 1, inherited: rarest.count };
        }
    }

    fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            match self.0.iter_mut().find(|entry| entry.name == theirs.name) {
                Some(mine) => {
                    mine.count += theirs.count;
                    mine.inherited += theirs.inherited;
                }
                None => self.0.push(theirs.clone()),
            }
        }
        self.0.sort_by(|one, other| (other.count, &one.name).cmp(&(one.count, &other.name)));
        self.0.truncate(MAX_CALLERS);
    }

    /// The names kept, and how often each came at least; in no order.
    pub fn certain(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.0.iter().map(|entry| (&*entry.name, entry.count - entry.inherited))
    }

    /// The name that came most often for certain, and how often it did at least. Absent where there is none.
    #[must_use]
    pub fn first(&self) -> Option<(&[u8], u64)> {
        self.certain().max_by(|one, other| (one.1, other.0).cmp(&(other.1, one.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_by_their_address_whatever_its_kind() {
        let mut callers = Callers::default();
        callers.observe(b"203.0.113.8:41857", Some(b"curl/8.5.0"));
        callers.observe(b"203.0.113.8:2", None);
        callers.observe(b"2001:db8::1:443", Some(b"curl/8.5.0"));
        assert_eq!(callers.clients.first(), Some((b"203.0.113.8".as_slice(), 2)));
        assert_eq!(callers.user_agents.first(), Some((b"curl/8.5.0".as_slice(), 2)));
        assert_eq!(Callers::default().clients.first(), None);
    }

    #[test]
    fn the_frequent_one_survives_many_rare_ones_and_nothing_is_claimed_that_was_not_seen() {
        let mut frequent = Frequent::default();
        for number in 0..1_000_u32 {
            frequent.observe(format!("rare {number}").as_bytes());
            if number % 2 == 0 {
                frequent.observe(b"often");
            }
        }
        let (name, at_least) = frequent.first().expect("a name");
        assert_eq!(name, b"often");
        assert!((300..=500).contains(&at_least), "{at_least}");
    }

    #[test]
    fn halves_add_up_as_long_as_there_is_room() {
        let names = ["a", "b", "a", "c", "b", "a"];
        let seen = |names: &[&str]| {
            let mut frequent = Frequent::default();
            for name in names {
                frequent.observe(name.as_bytes());
            }
            frequent
        };
        let (mut one, mut other) = (seen(&names[..2]), seen(&names[2..]));
        let again = one.clone();
        one.merge(&other);
        other.merge(&again);
        assert_eq!(one, other);
        assert_eq!(one.first(), Some((b"a".as_slice(), 3)));
    }
}
