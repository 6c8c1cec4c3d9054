//! How a worker proves in its cluster's group that it is one: its client id is its URL with a proof behind it, made with
//! the key that only those have who may read the config topic.
//!
//! `http://host:8083/#<number of this life>.<proof>`: the URL stands first, for people and tools. Pure; who is in the group
//! comes from `kafka::cluster`, what follows from it is decided in `group`.

use crate::cluster_key::{ClusterKeys, Purpose};
use crate::kafka::cluster::Member;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The client id of the worker at `url` in its life `life`; none without a key.
pub(super) fn client_id(keys: &ClusterKeys, group: &str, url: &str, life: &str) -> Option<String> {
    let proof = keys.prove(Purpose::Member, &[group, url, life])?;
    Some(format!("{url}#{life}.{proof}"))
}

/// The URL of the worker that has this client id; none when it is no worker of the cluster.
fn worker<'a>(keys: &ClusterKeys, group: &str, client_id: &'a str) -> Option<&'a str> {
    let (url, rest) = client_id.split_once('#')?;
    let (life, proof) = rest.split_once('.')?;
    let is_url = url.starts_with("http://") || url.starts_with("https://");
    (is_url && keys.accept(proof, Purpose::Member, &[group, url, life])).then_some(url)
}

/// Who is in the group, as far as it can be proved.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    /// The URLs of the workers.
    pub(super) workers: BTreeSet<Arc<str>>,
    /// Members that are no workers, in words.
    pub(super) strangers: Vec<String>,
    /// Proofs that more than one member shows, in words.
    pub(super) copies: Vec<String>,
    /// How many workers say that they are at our own URL.
    pub(super) at_our_url: usize,
    /// Who holds the lead.
    pub(super) lead: Lead,
}

/// Who holds the lead, by Kafka's word.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nobody, or it cannot be told.
    #[default]
    Nobody,
    /// A worker.
    Worker,
    /// Who is none, in words.
    Stranger(String),
}

/// Looks at the members of `group`. `own` is the client id of this worker, `leads` whether it holds the lead itself.
pub(super) fn look(
    keys: &ClusterKeys,
    group: &str,
    (own, leads): (&str, bool),
    members: &[Member],
) -> Members {
    let mut found = Members::default();
    let mut shown: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for member in members {
        let url = worker(keys, group, &member.client_id);
        match url {
            Some(url) => {
                found.workers.insert(url.into());
                shown.entry(&member.client_id).or_default().push(member);
            }
            None => found.strangers.push(words(member)),
        }
        // Somebody else with this very worker's proof.
        let is_copy = !leads && member.client_id == own;
        if member.leads {
            let is_worker = url.is_some() && !is_copy;
            found.lead = if is_worker { Lead::Worker } else { Lead::Stranger(words(member)) };
        }
    }
    let own_url = own.split('#').next().unwrap_or_default();
    let at_own = shown.keys().filter(|client_id| client_id.split('#').next() == Some(own_url));
    found.at_our_url = at_own.count();
    for same in shown.into_values().filter(|same| same.len() > 1) {
        let all: Vec<String> = same.into_iter().map(words).collect();
        found.copies.push(all.join(" and "));
    }
    found
}

/// A member by its id and host. The id begins with its client id, of which nobody needs the proof.
fn words(member: &Member) -> String {
    let hidden = match member.id.split_once('#') {
        Some((url, rest)) => format!("{url}#…{}", rest.rsplit_once('.').map_or("", |(_, end)| tail(end))),
        None => member.id.clone(),
    };
    let shown: String = hidden.chars().filter(|c| !c.is_control()).take(200).collect();
    format!("{shown} at {}", member.host.chars().filter(|c| !c.is_control()).take(100).collect::<String>())
}

/// Kafka's own part of a member's id: a UUID.
fn tail(id: &str) -> &str {
    let start = id.len().saturating_sub(36);
    id.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Lead, Members, client_id, look, worker};
    use crate::cluster_key::ClusterKeys;
    use crate::kafka::cluster::Member;
    use proptest::prelude::*;

    fn member(client_id: &str, leads: bool) -> Member {
        let id = format!("{client_id}-0d0b8f1e-0000-4000-8000-000000000000");
        Member { id, client_id: client_id.to_owned(), host: "/10.0.0.9".to_owned(), leads }
    }

    #[test]
    fn only_who_has_the_key_counts_and_a_stranger_that_leads_is_named() {
        let keys = ClusterKeys::generated();
        let a = client_id(&keys, "g", "http://a:1/", "1").unwrap();
        let b = client_id(&keys, "g", "http://b:1/", "2").unwrap();
        let of_other_group = client_id(&keys, "other", "http://c:1/", "3").unwrap();
        let forged = a.replace("http://a:1/", "http://evil:1/");
        for stranger in ["http://evil:1/", "", "#.", &of_other_group, &forged] {
            let members = [member(&a, false), member(stranger, true), member(&b, false)];
            let found = look(&keys, "g", (&a, false), &members);
            assert_eq!(
                found.workers.iter().map(|url| &**url).collect::<Vec<_>>(),
                ["http://a:1/", "http://b:1/"]
            );
            assert_eq!(
                (found.strangers.len(), found.copies.len(), found.at_our_url),
                (1, 0, 1),
                "{stranger}"
            );
            assert!(
                matches!(&found.lead, Lead::Stranger(who) if who.ends_with(" at /10.0.0.9")),
                "{found:?}"
            );
        }
        let found = look(&keys, "g", (&a, false), &[member(&a, false), member(&b, true)]);
        assert_eq!((found.lead, found.strangers.len()), (Lead::Worker, 0));
        assert_eq!(look(&keys, "g", (&a, true), &[]), Members::default());
    }

    #[test]
    fn a_copied_proof_takes_no_lead_and_is_told_without_repeating_it() {
        let keys = ClusterKeys::generated();
        let own = client_id(&keys, "g", "http://a:1/", "1").unwrap();
        let proof = own.rsplit_once('.').unwrap().1;
        let members = [member(&own, false), member(&own, true)];
        // This worker knows that it does not lead.
        let found = look(&keys, "g", (&own, false), &members);
        assert!(matches!(&found.lead, Lead::Stranger(_)) && found.copies.len() == 1, "{found:?}");
        // Others see two members with one proof.
        let other = client_id(&keys, "g", "http://b:1/", "2").unwrap();
        let found = look(&keys, "g", (&other, false), &members);
        assert!(
            found.copies.len() == 1 && found.copies[0].contains("http://a:1/#…0d0b8f1e-0000"),
            "{found:?}"
        );
        assert!(!format!("{found:?}").contains(proof), "{found:?}");
        // A worker that was killed and is back is in the group twice for a while, with two proofs.
        let again = client_id(&keys, "g", "http://a:1/", "3").unwrap();
        let found = look(&keys, "g", (&again, true), &[member(&own, false), member(&again, true)]);
        assert_eq!((found.copies.len(), found.at_our_url, found.workers.len()), (0, 2, 1));
    }

    proptest! {
        #[test]
        fn no_client_id_is_taken_for_a_worker_by_chance(text in "(http://a:1/)?#?.{0,60}") {
            prop_assert_eq!(worker(&ClusterKeys::generated(), "g", &text), None);
        }
    }
}
