//! Room that is given back.

use super::*;

#[tokio::test]
async fn a_full_segment_is_followed_by_another_and_goes_when_it_is_dead() {
    let folder = folder();
    let spool = begin(folder.path(), 1000).unwrap().spool;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(store(&spool).await.unwrap());
    }
    assert!(segments(folder.path()).len() > 3);
    let last = ids.pop().unwrap();
    for id in &ids {
        spool.remove(id).await.unwrap();
    }
    spool.closed().await;
    assert!(segments(folder.path()).len() < 3);
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(spool.ids(), BTreeSet::from([last]));
}

#[tokio::test]
async fn what_is_in_the_way_is_moved_with_its_progress() {
    let folder = folder();
    let spool = begin(folder.path(), 1000).unwrap().spool;
    let stuck = store(&spool).await.unwrap();
    let recipients = delivered(spool.read(&stuck).await.unwrap().entry.recipients);
    spool.record(&stuck, &recipients).await.unwrap();
    let first = segments(folder.path()).remove(0);
    for _ in 0..200 {
        let id = store(&spool).await.unwrap();
        spool.remove(&id).await.unwrap();
    }
    assert!(!first.exists());
    assert!(segments(folder.path()).len() < 12);
    assert_eq!(
        spool.read(&stuck).await.unwrap().entry.recipients,
        recipients
    );
    spool.closed().await;
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(
        spool.read(&stuck).await.unwrap().entry.recipients,
        recipients
    );
    spool.remove(&stuck).await.unwrap();
    spool.closed().await;
    assert_eq!(owner(folder.path()).unwrap().spool.ids(), BTreeSet::new());
}

#[tokio::test]
async fn one_message_that_stays_leaves_a_small_disk_its_room() {
    let folder = folder();
    let Owner { spool, faults } = owner(folder.path()).unwrap();
    faults.room(4 << 20);
    let stuck = store_octets(&spool, &vec![b'x'; 300_000]).await.unwrap();
    for number in 0..100 {
        let other = vec![b'y'; 100_000];
        let mut stored = store_octets(&spool, &other).await;
        if stored.is_err() {
            // Room is made behind a refusal.
            stored = store_octets(&spool, &other).await;
        }
        let id = stored.unwrap_or_else(|error| panic!("message {number}: {error:?}"));
        spool.remove(&id).await.unwrap();
    }
    assert_eq!(spool.ids(), BTreeSet::from([stuck]));
}
