//! Failures that are counted, and what they cost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

fn logins() -> Logins {
    Logins::new(&Limits {
        failed_logins_per_address: 6,
        ..Limits::default()
    })
}

fn address(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from_bits(number).into()
}

fn failed(logins: &Logins, number: u32) -> Duration {
    logins.failed(address(number).into())
}

async fn is_shut_out(logins: &Logins, number: u32) -> bool {
    logins.check(address(number)).await.is_none()
}

#[tokio::test(start_paused = true)]
async fn delays_grow_and_are_forgotten() {
    let logins = logins();
    let delays = |number| -> Vec<_> { (0..9).map(|_| failed(&logins, number).as_secs()).collect() };
    assert_eq!(delays(1), [0, 0, 0, 1, 2, 4, 8, 16, 16]);
    assert_eq!(failed(&logins, 2), Duration::ZERO);
    tokio::time::advance(Duration::from_secs(899)).await;
    assert_eq!(failed(&logins, 1).as_secs(), 16);
    tokio::time::advance(Duration::from_secs(900)).await;
    assert_eq!(failed(&logins, 1), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn very_many_failures_end_the_trying_for_a_time() {
    let logins = logins();
    for _ in 0..5 {
        failed(&logins, 1);
    }
    assert!(!is_shut_out(&logins, 1).await);
    failed(&logins, 1);
    assert!(is_shut_out(&logins, 1).await);
    assert!(!is_shut_out(&logins, 2).await);
    tokio::time::advance(Duration::from_secs(900)).await;
    assert!(!is_shut_out(&logins, 1).await);
}

#[tokio::test(start_paused = true)]
async fn attempts_side_by_side_are_no_quicker() {
    let logins = logins();
    let begin = Instant::now();
    let attempt = || async {
        let check = logins.check(address(1)).await?;
        tokio::task::yield_now().await;
        check.failed();
        Some(begin.elapsed().as_secs())
    };
    let (a, b, c, d, e, f, g, h) = tokio::join!(
        attempt(),
        attempt(),
        attempt(),
        attempt(),
        attempt(),
        attempt(),
        attempt(),
        attempt()
    );
    let all = [a, b, c, d, e, f, g, h];
    assert_eq!(all.iter().flatten().count(), 6, "{all:?}");
    assert!(is_shut_out(&logins, 1).await);
    assert!(logins.table().present.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_does_not_shorten_the_delay() {
    let logins = logins();
    let begin = Instant::now();
    let mut moments = Vec::new();
    for _ in 0..6 {
        let check = logins.check(address(1)).await.unwrap();
        moments.push(begin.elapsed().as_secs());
        check.failed();
    }
    assert_eq!(moments, [0, 0, 0, 0, 1, 3]);
    logins.check(address(2)).await.unwrap();
    assert_eq!(begin.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn right_logins_side_by_side_wait_for_a_place_only() {
    let logins = logins();
    let mut checks = Vec::new();
    for _ in 0..6 {
        checks.push(logins.check(address(1)).await.unwrap());
    }
    let (seventh, ()) = tokio::join!(logins.check(address(1)), async {
        tokio::task::yield_now().await;
        checks.clear();
    });
    assert!(seventh.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_memory_is_bounded_and_keeps_the_worst() {
    let logins = logins();
    for _ in 0..6 {
        failed(&logins, 0);
    }
    for number in 1..=u32::try_from(ADDRESSES).unwrap() {
        failed(&logins, number);
    }
    assert_eq!(logins.table().failures.len(), ADDRESSES);
    assert!(is_shut_out(&logins, 0).await);
    tokio::time::advance(Duration::from_secs(900)).await;
    failed(&logins, u32::MAX);
    assert_eq!(logins.table().failures.len(), 1);
}

#[tokio::test]
async fn an_end_of_a_check_wakes_one_of_those_who_wait() {
    let logins = logins();
    let mut checks = Vec::new();
    for _ in 0..6 {
        checks.push(logins.check(address(1)).await.unwrap());
    }
    let wakings = Arc::new(Wakings::default());
    let waker = Waker::from(wakings.clone());
    let mut context = Context::from_waker(&waker);
    let mut waiting: Vec<_> = (0..100)
        .map(|_| Box::pin(logins.check(address(1))))
        .collect();
    for check in &mut waiting {
        assert!(check.as_mut().poll(&mut context).is_pending());
    }
    checks.pop();
    assert_eq!(wakings.0.load(Ordering::Relaxed), 1);
    for check in &mut waiting {
        if let Poll::Ready(check) = check.as_mut().poll(&mut context) {
            checks.extend(check);
        }
    }
    assert_eq!(checks.len(), 6);
}

/// How often a task has been woken.
#[derive(Default)]
struct Wakings(AtomicUsize);

impl Wake for Wakings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_ranks_by_its_failures_and_by_its_checks() {
    let logins = logins();
    failed(&logins, 1);
    logins.check(address(2)).await.unwrap().succeeded();
    let first = logins.check(address(1)).await.unwrap();
    let second = logins.check(address(1)).await.unwrap();
    let known = logins.check(address(2)).await.unwrap();
    let unknown = logins.check(address(3)).await.unwrap();
    let ranks = [&first, &second, &known, &unknown].map(Check::rank);
    assert_eq!(ranks, [Rank(2), Rank(3), Rank(0), Rank(1)]);
}
