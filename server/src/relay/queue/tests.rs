use super::*;
use crate::config::HopTls;
use crate::relay::route::Target;
use crate::spool::{Entry, MailOptions};

const RETRY: Duration = Duration::from_secs(2);

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn towards(domain: &str) -> Destination {
    Destination {
        target: Target::Domain(domain.to_owned()),
        tls: HopTls::Opportunistic,
    }
}

fn job(id: &str, domain: &str) -> Job {
    Job {
        message: Tracked::new(Entry {
            id: id.to_owned(),
            arrival: jiff::Timestamp::UNIX_EPOCH,
            size: 0,
            sender: String::new(),
            options: MailOptions::default(),
            recipients: Vec::new(),
        }),
        destination: towards(domain),
    }
}

/// Finds a job for each new message: everything goes to one domain.
fn plan(queue: &mut Queue, domain: &str, now: Instant) {
    while let Some(id) = queue.next_new() {
        queue.planned(&id, vec![(job(&id, domain), Duration::ZERO)], now);
    }
}

/// Begins a session for one job, and ends both.
fn attempt(queue: &mut Queue, ended: Ended, now: Instant) -> Option<String> {
    let job = queue.begin(now)?;
    let id = job.message.id.clone();
    let destination = job.destination.clone();
    queue.ended(job, ended, now);
    queue.finish(&destination, now);
    Some(id)
}

#[test]
fn what_is_always_put_off_starves_nobody() {
    let mut queue = Queue::new(8, 8);
    let mut now = Instant::now();
    let mut tried = Vec::new();
    // Two attempts fit between two looks at the spool.
    for _ in 0..4 {
        queue.add_all(ids(&["1", "2", "3", "4"]));
        plan(&mut queue, "a", now);
        for _ in 0..2 {
            tried.extend(attempt(&mut queue, Ended::Again(RETRY), now));
        }
        now += RETRY;
    }
    assert_eq!(tried, ["1", "2", "3", "4", "1", "2", "3", "4"]);
}

#[test]
fn nothing_is_tried_twice_within_a_wait() {
    let mut queue = Queue::new(8, 8);
    let now = Instant::now();
    queue.add("1".to_owned());
    queue.add_all(ids(&["1"]));
    plan(&mut queue, "a", now);
    let under_way = queue.begin(now).unwrap();
    queue.add_all(ids(&["1"]));
    plan(&mut queue, "a", now);
    assert!(queue.begin(now).is_none());
    queue.ended(under_way, Ended::Again(RETRY), now);
    queue.add_all(ids(&["1"]));
    plan(&mut queue, "a", now);
    assert!(queue.begin(now + RETRY / 2).is_none());
    assert_eq!(queue.due(), Some(now + RETRY));
    assert!(queue.begin(now + RETRY).is_some());
}

#[test]
fn what_has_no_job_left_is_new_again_if_the_spool_keeps_it() {
    let mut queue = Queue::new(8, 8);
    let now = Instant::now();
    queue.add("1".to_owned());
    plan(&mut queue, "a", now);
    attempt(&mut queue, Ended::Done, now).unwrap();
    assert!(queue.known.is_empty() && queue.places.is_empty());
    queue.add_all(ids(&["1"]));
    assert_eq!(queue.next_new().as_deref(), Some("1"));
    queue.planned("1", Vec::new(), now);
    assert!(queue.known.is_empty() && queue.places.is_empty());
}

#[test]
fn an_unreachable_destination_puts_off_its_mail_in_order_and_no_other() {
    let mut queue = Queue::new(8, 8);
    let now = Instant::now();
    queue.add_all(ids(&["1", "2", "3"]));
    plan(&mut queue, "silent", now);
    attempt(&mut queue, Ended::Unreachable(RETRY), now).unwrap();
    queue.add("4".to_owned());
    plan(&mut queue, "silent", now);
    queue.add("5".to_owned());
    plan(&mut queue, "other", now);
    assert_eq!(attempt(&mut queue, Ended::Done, now).unwrap(), "5");
    assert!(queue.begin(now).is_none());
    let later = now + RETRY;
    let order = std::iter::from_fn(|| attempt(&mut queue, Ended::Done, later));
    assert_eq!(order.collect::<Vec<_>>(), ["2", "3", "1", "4"]);
    assert!(queue.known.is_empty() && queue.places.is_empty());
}

#[test]
fn one_destination_never_has_all_sessions() {
    let mut queue = Queue::new(3, 2);
    let now = Instant::now();
    queue.add_all(ids(&["1", "2", "3", "4"]));
    plan(&mut queue, "busy", now);
    queue.add_all(ids(&["5", "6"]));
    plan(&mut queue, "other", now);
    let begun: BTreeSet<String> = std::iter::from_fn(|| queue.begin(now))
        .map(|job| job.message.id.clone())
        .collect();
    assert_eq!(begun.len(), 3);
    assert!(begun.contains("5"));
    let busy = begun.intersection(&ids(&["1", "2", "3", "4"])).count();
    assert!((1..=2).contains(&busy), "{begun:?}");
    let place = towards("busy");
    let next = queue.take(&place, now).unwrap().message.id.clone();
    assert_eq!(next, (busy + 1).to_string());
}

#[test]
fn an_idle_session_comes_before_a_new_one() {
    let mut queue = Queue::new(8, 8);
    let now = Instant::now();
    queue.add("1".to_owned());
    plan(&mut queue, "a", now);
    let first = queue.begin(now).unwrap();
    let destination = first.destination.clone();
    queue.ended(first, Ended::Done, now);
    assert!(queue.take(&destination, now).is_none());
    queue.idle(&destination, true);
    queue.add_all(ids(&["2", "3"]));
    plan(&mut queue, "a", now);
    assert_eq!(queue.begin(now).unwrap().message.id, "2");
    assert!(queue.begin(now).is_none());
    queue.idle(&destination, false);
    assert_eq!(queue.take(&destination, now).unwrap().message.id, "3");
}
