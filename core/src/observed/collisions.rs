//! Topic names that collide: Kafka replaces `.` by `_` in metric names, so that `a.b` and `a_b` are the same there, and refuses to create
//! a topic whose name collides with another.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::NAMED_MAX;

/// Groups of names that differ in `.` and `_` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collisions {
    /// Number of groups.
    pub count: u64,
    /// The first [`NAMED_MAX`], each with its first [`NAMED_MAX`] names, in order.
    pub first: Vec<Vec<Arc<str>>>,
}

impl Collisions {
    /// The collisions among distinct names.
    pub fn among<'a>(names: impl IntoIterator<Item = &'a str>) -> Collisions {
        let may_collide = |name: &&str| name.contains(['.', '_']);
        let normal = |name: &'a str| (name.replace('.', "_"), name);
        let mut names: Vec<(String, &str)> = names.into_iter().filter(may_collide).map(normal).collect();
        names.sort_unstable();
        let mut collisions = Collisions::default();
        for group in names.chunk_by(|one, other| one.0 == other.0).filter(|group| 1 < group.len()) {
            collisions.count += 1;
            if collisions.first.len() < NAMED_MAX {
                collisions.first.push(group.iter().take(NAMED_MAX).map(|(_, name)| Arc::from(*name)).collect());
            }
        }
        collisions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_and_underscore_are_one_in_metrics() {
        let collisions = Collisions::among(["a.b", "a_b", "a-b", "ab", "c.d", "e_f.g", "e.f_g", "e_f_g"]);
        assert_eq!(collisions.count, 2);
        assert_eq!(
            collisions.first,
            [vec![Arc::from("a.b"), Arc::from("a_b")], ["e.f_g", "e_f.g", "e_f_g"].map(Arc::from).to_vec()]
        );
    }

    #[test]
    fn names_that_differ_otherwise_do_not_collide() {
        assert_eq!(Collisions::among(["__consumer_offsets", "__transaction_state", "consumer.offsets"]).count, 0);
    }
}
