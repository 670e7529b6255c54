//! Which clients got anything but a refusal, as a set in bounded memory.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

/// Bits of the set: with 10,000 clients, one in 27 others is taken for one of them; with 100,000, one in three.
/// There is a set for each object at first, so a larger one would take time to fill with zeros.
const BITS: usize = 1 << 18;

/// The clients that had a request which the load balancer did not refuse, by address.
///
/// It is a Bloom filter: it holds all of them, and some others. So a client that is not in it was refused each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServedClients {
    /// Empty until the first client.
    words: Vec<u64>,
}

impl ServedClients {
    /// Takes in one client, as `address:port`.
    #[inline]
    pub(super) fn observe(&mut self, client: &[u8]) {
        if self.words.is_empty() {
            self.words.resize(BITS / 64, 0);
        }
        let bit = bit_of(address_of(client));
        self.words[bit / 64] |= 1 << (bit % 64);
    }

    /// Adds the clients of `other`.
    pub(super) fn merge(&mut self, other: &Self) {
        self.words.resize(self.words.len().max(other.words.len()), 0);
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            *mine |= theirs;
        }
    }

    /// Whether the set holds an address. If not, each request of that client was refused.
    #[must_use]
    pub fn may_hold(&self, address: &[u8]) -> bool {
        let bit = bit_of(address);
        self.words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

/// The address of a client, which is given as `address:port`.
#[inline]
pub(super) fn address_of(client: &[u8]) -> &[u8] {
    client.iter().rposition(|&byte| byte == b':').map_or(client, |colon| &client[..colon])
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "any bits of a hash do")]
fn bit_of(address: &[u8]) -> usize {
    FixedState::default().hash_one(address) as usize % BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clients_are_held_and_few_others() {
        let (mut one, mut other) = (ServedClients::default(), ServedClients::default());
        assert!(!one.may_hold(b"10.0.0.1"));
        let address = |number: u32| format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255);
        for number in 0..20_000 {
            let set = if number % 2 == 0 { &mut one } else { &mut other };
            set.observe(format!("{}:{}", address(number), 1_024 + number).as_bytes());
        }
        one.merge(&other);
        assert!((0..20_000).all(|number| one.may_hold(address(number).as_bytes())));
        let others = (100_000..110_000).filter(|number| one.may_hold(address(*number).as_bytes())).count();
        assert!((400..1_100).contains(&others), "{others} of 10,000");
    }
}
