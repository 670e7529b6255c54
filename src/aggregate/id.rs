//! Ids: each names one entry of a table of the [`Summary`](super::Summary), such as one target.
//!
//! An id is valid in the summary that gave it, and nowhere else. A merge gives new ids to what it adds, and
//! [`NewIds`] says which. Only this module's parent makes ids, so an id cannot be made from the index of something
//! else, and the id of a target cannot be taken for that of its group.
//!
//! An id takes as many bytes as its integer, and so does an `Option` of it.

use std::fmt::Debug;
use std::hash::Hash;

/// What all ids have in common. It cannot be named outside of the crate, so nobody else makes ids.
pub trait Id: Copy + Debug + Eq + Ord + Hash {
    /// The id of the entry at `index`, counted from 0.
    ///
    /// # Panics
    /// If the id's integer cannot hold it. All tables have caps far below that.
    fn from_index(index: usize) -> Self;

    /// The index of its entry in the table, from 0.
    fn to_index(self) -> usize;
}

/// Defines ids. Each is an integer that is one more than the index, which leaves 0 for `None`.
macro_rules! ids {
    ($($(#[$doc:meta])* $visibility:vis struct $name:ident($integer:ty);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name(std::num::NonZero<$integer>);

        impl $name {
            /// The index of its entry in the table, from 0.
            #[must_use]
            #[inline]
            #[allow(dead_code, reason = "not every id is used as an index")]
            $visibility fn index(self) -> usize {
                self.0.get() as usize - 1
            }

            /// For tests, which have no table.
            #[cfg(test)]
            #[allow(dead_code, reason = "not every id occurs in such tests")]
            $visibility fn for_test(index: usize) -> Self {
                $crate::aggregate::id::Id::from_index(index)
            }

            /// The index as an integer. `None` is the largest one.
            #[inline]
            #[allow(dead_code, reason = "not every id is kept in bits")]
            pub(in crate::aggregate) fn to_bits(id: Option<Self>) -> $integer {
                id.map_or(0, |id| id.0.get()).wrapping_sub(1)
            }

            /// The inverse of `to_bits`.
            #[inline]
            #[allow(dead_code, reason = "not every id is kept in bits")]
            pub(in crate::aggregate) fn from_bits(bits: $integer) -> Option<Self> {
                std::num::NonZero::new(bits.wrapping_add(1)).map(Self)
            }
        }

        impl $crate::aggregate::id::Id for $name {
            #[inline]
            fn from_index(index: usize) -> Self {
                let number = <$integer>::try_from(index + 1).ok().and_then(std::num::NonZero::new);
                Self(number.expect("the caps of the tables fit"))
            }

            #[inline]
            fn to_index(self) -> usize {
                self.index()
            }
        }
    )+};
}
pub(super) use ids;

ids! {
    /// A load balancer: an entry of [`Summary::load_balancers`](super::Summary::load_balancers).
    pub struct LoadBalancerId(u32);

    /// A target group: an entry of [`Summary::target_groups`](super::Summary::target_groups). The requests of a load
    /// balancer that no rule forwarded have one too.
    pub struct TargetGroupId(u32);

    /// A target: an entry of [`Summary::targets`](super::Summary::targets). The requests of a target group that
    /// reached no target have one too.
    pub struct TargetId(u32);

    /// A route: an entry of [`Summary::routes`](super::Summary::routes), or of the list that
    /// [`Routes::sorted`](super::Routes::sorted) makes of them.
    pub struct RouteId(u16);

    /// A load balancer node: its index in [`Timeline::nodes`](super::Timeline::nodes).
    pub struct NodeId(u16);
}

/// The ids that the entries of a table got when they were moved to another table, or merged with each other.
#[derive(Clone, Debug)]
pub struct NewIds<I>(Vec<I>);

impl<I: Id> NewIds<I> {
    /// `ids` are the new ids in the order of the old ones.
    pub(super) fn new(ids: Vec<I>) -> Self {
        Self(ids)
    }

    /// The new id of the entry that had the id `old`.
    ///
    /// # Panics
    /// If there was no such entry.
    #[must_use]
    #[inline]
    pub fn of(&self, old: I) -> I {
        self.0[old.to_index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_index_and_costs_nothing() {
        for index in [0, 1, 65_534] {
            assert_eq!(RouteId::from_index(index).index(), index);
        }
        for id in [None, Some(RouteId::from_index(0)), Some(RouteId::from_index(65_534))] {
            assert_eq!(RouteId::from_bits(RouteId::to_bits(id)), id);
        }
        assert_eq!(size_of::<Option<RouteId>>(), 2);
        assert_eq!(size_of::<Option<TargetId>>(), 4);
    }
}
