//! Calls of the operating system that fail.

use rstest::rstest;

use super::*;

/// A submission, an attempt that settles one of two recipients, a delivery: whether each step was
/// told to be done.
async fn life(spool: &Spool) -> (String, [bool; 3]) {
    match store(spool).await {
        Err((id, error)) => {
            assert!(matches!(error, SpoolError::Io { .. }), "{error}");
            (id, [false; 3])
        }
        Ok(id) => {
            let recipients = match spool.read(&id).await {
                Ok(message) => message.entry.recipients,
                Err(error) => {
                    assert!(matches!(error, SpoolError::Io { .. }), "{error}");
                    return (id, [true, false, false]);
                }
            };
            let recorded = spool.record(&id, &delivered(recipients)).await.is_ok();
            let removed = spool.remove(&id).await.is_ok();
            (id, [true, recorded, removed])
        }
    }
}

/// Every call of the operating system is failed once, and with it up to two that follow.
#[rstest]
#[tokio::test]
async fn every_step_may_fail(
    #[values(28, 5, 30)] errno: i32,
    #[values(1, 2, 3)] number: u64,
    // A segment for all, with a message before; or one for each, and the first step begins it.
    #[values(log::FULL, 100)] full: u64,
) {
    for first in 1.. {
        let folder = folder();
        let Owner { spool, faults } = begin(folder.path(), full).unwrap();
        let mut expected = BTreeSet::new();
        if full == log::FULL {
            expected.insert(store(&spool).await.unwrap());
        }
        faults.plan(first, number, errno);
        let (id, [stored, recorded, removed]) = life(&spool).await;
        let calls = faults.calls();
        faults.plan(0, 0, 0);
        // The condition has ended, and so has its effect.
        let after = store(&spool).await.unwrap();
        spool.closed().await;

        let spool = owner(folder.path()).unwrap().spool;
        expected.insert(after);
        if stored && !removed {
            expected.insert(id.clone());
        }
        assert_eq!(
            spool.ids(),
            expected,
            "call {first}: {stored} {recorded} {removed}"
        );
        if stored && !removed {
            let recipients = spool.read(&id).await.unwrap().entry.recipients;
            let done = recipients[0].state == RecipientState::Delivered;
            assert_eq!(done, recorded, "call {first}");
        }
        spool.closed().await;
        if calls < first {
            // Three syncs, three writes and a read at least.
            assert!(first > 7, "{first}");
            break;
        }
    }
}

#[tokio::test]
async fn a_full_disk_takes_no_mail_but_gets_empty_again() {
    let folder = folder();
    let Owner { spool, faults } = owner(folder.path()).unwrap();
    let id = store(&spool).await.unwrap();
    faults.plan(1, u64::MAX, 28);
    let (_, error) = store(&spool).await.unwrap_err();
    assert!(error.is_full(), "{error}");
    faults.plan(0, 0, 0);
    spool.remove(&id).await.unwrap();
    assert_eq!(spool.ids(), BTreeSet::new());
}

/// A spool of the older form, and a segment with all that a start may find in it: progress, a copy
/// of damage that has to be made, half a record.
async fn found(folder: &Path) -> BTreeSet<String> {
    let spool = begin(folder, log::FULL).unwrap().spool;
    let mut ids = BTreeSet::from([store(&spool).await.unwrap()]);
    store_octets(&spool, b"Subject: spoilt\r\n").await.unwrap();
    let tried = store(&spool).await.unwrap();
    let recipients = spool.read(&tried).await.unwrap().entry.recipients;
    spool.record(&tried, &delivered(recipients)).await.unwrap();
    ids.insert(tried);
    spool.closed().await;
    let segment = segments(folder).remove(0);
    spoil(&segment, Some("spoilt"));
    let mut octets = fs::read(&segment).unwrap();
    octets.extend_from_within(record::HEADER..record::HEADER + record::HEAD + 9);
    fs::write(&segment, octets).unwrap();
    ids.insert(files::write(folder, true));
    ids.insert(files::write(folder, false));
    ids
}

/// Every call of the operating system at a start is failed once, and with it up to two that follow.
/// Whether the start is given up or goes on, the next one finds what there was.
#[rstest]
#[tokio::test]
async fn a_start_may_fail_at_every_step(
    #[values(28, 5, 30)] errno: i32,
    #[values(1, 2, 3)] number: u64,
) {
    let model = folder();
    let expected = found(model.path()).await;
    for first in 1.. {
        let folder = folder();
        for file in fs::read_dir(model.path()).unwrap() {
            let path = file.unwrap().path();
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        let disk = Disk::make(folder.path()).unwrap();
        let faults = disk.faults.clone();
        let lock = lock(&disk).unwrap();
        faults.plan(first, number, errno);
        let opened = Log::open(disk, lock, log::FULL);
        let calls = faults.calls();
        faults.plan(0, 0, 0);
        if let Ok(log) = opened {
            log.close();
        }

        let spool = owner(folder.path()).unwrap().spool;
        assert_eq!(spool.ids(), expected, "call {first}");
        let mut tried = 0;
        for id in &expected {
            let recipients = spool.read(id).await.unwrap().entry.recipients;
            tried += usize::from(recipients[0].state == RecipientState::Delivered);
        }
        assert_eq!(tried, 2, "call {first}");
        let queue = Queue::open(folder.path()).unwrap();
        assert_eq!(queue.damaged().unwrap().len(), 1, "call {first}");
        spool.closed().await;
        if calls < first {
            // A cut, a copy and two messages in files of their own, at least.
            assert!(first > 20, "{first}");
            break;
        }
    }
}
