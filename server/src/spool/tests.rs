use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;

use super::disk::faults::Faults;
use super::*;

/// A server's spool, with calls of the operating system that can be made to fail.
pub(crate) struct Owner {
    pub(crate) spool: Spool,
    pub(crate) faults: Arc<Faults>,
}

pub(crate) fn owner(folder: &Path) -> Result<Owner, SpoolError> {
    begin(folder, log::FULL)
}

fn begin(folder: &Path, full: u64) -> Result<Owner, SpoolError> {
    let disk = Disk::make(folder).map_err(at(folder))?;
    let faults = disk.faults.clone();
    let lock = lock(&disk)?;
    let log = Log::open(disk, lock, full).map_err(at(folder))?;
    let spool = Spool(Form::Folder(Writer::start(log).map_err(at(folder))?));
    Ok(Owner { spool, faults })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn envelope(recipients: &[&str], size: usize) -> (String, Envelope) {
    let arrival = "2026-11-24T10:00:00Z".parse().unwrap();
    let recipients = recipients.iter().map(|address| (*address).to_owned());
    let envelope = Envelope {
        arrival,
        size: size as u64,
        sender: "a@b.example".to_owned(),
        options: MailOptions::default(),
        recipients: recipients.map(Addressee::from).collect(),
    };
    (new_id(arrival).unwrap(), envelope)
}

async fn store_octets(spool: &Spool, content: &[u8]) -> Result<String, (String, SpoolError)> {
    let (id, envelope) = envelope(&["c@d.example", "e@f.example"], content.len());
    match spool.store(&id, &envelope, &[content]).await {
        Ok(()) => Ok(id),
        Err(error) => Err((id, error)),
    }
}

async fn store(spool: &Spool) -> Result<String, (String, SpoolError)> {
    store_octets(spool, b"Date: x\r\n").await
}

fn delivered(mut recipients: Vec<Recipient>) -> Vec<Recipient> {
    recipients[0].state = RecipientState::Delivered;
    recipients
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "segment"))
        .collect();
    segments.sort();
    segments
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let folder = folder();
    let first = owner(folder.path()).unwrap().spool;
    let id = store(&first).await.unwrap();
    let gone = store(&first).await.unwrap();
    let message = first.read(&id).await.unwrap();
    assert_eq!(message.content, b"Date: x\r\n");
    let recipients = delivered(message.entry.recipients);
    first.record(&id, &recipients).await.unwrap();
    first.remove(&gone).await.unwrap();
    assert!(matches!(
        first.remove(&gone).await,
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert!(matches!(
        first.record(&gone, &recipients).await,
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert!(matches!(owner(folder.path()), Err(SpoolError::InUse(_))));
    first.closed().await;

    let second = owner(folder.path()).unwrap().spool;
    assert_eq!(second.ids(), BTreeSet::from([id.clone()]));
    assert_eq!(second.read(&id).await.unwrap().entry.recipients, recipients);
    second.remove(&id).await.unwrap();
    second.closed().await;
    assert_eq!(segments(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_closed_spool_refuses() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    spool.closed().await;
    assert!(matches!(
        store(&spool).await,
        Err((_, SpoolError::Io { .. }))
    ));
}

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
async fn a_folder_that_was_removed_refuses_until_it_is_back() {
    let folder = folder();
    let place = folder.path().join("spool");
    let spool = owner(&place).unwrap().spool;
    let id = store(&spool).await.unwrap();
    fs::remove_dir_all(&place).unwrap();
    assert!(store(&spool).await.is_err());
    assert_eq!(spool.read(&id).await.unwrap().content, b"Date: x\r\n");
    fs::create_dir(&place).unwrap();
    let second = store(&spool).await.unwrap();
    assert_eq!(spool.ids(), BTreeSet::from([id, second]));
    // The lock is there again, too.
    assert!(matches!(owner(&place), Err(SpoolError::InUse(_))));
}

#[tokio::test]
async fn a_folder_that_was_removed_is_filled_again_without_new_mail() {
    let folder = folder();
    let place = folder.path().join("spool");
    let spool = owner(&place).unwrap().spool;
    let id = store(&spool).await.unwrap();
    fs::remove_dir_all(&place).unwrap();
    fs::create_dir(&place).unwrap();
    spool.closed().await;
    assert_eq!(owner(&place).unwrap().spool.ids(), BTreeSet::from([id]));
}

#[tokio::test]
async fn a_segment_that_a_crash_left_has_a_durable_name() {
    let folder = folder();
    let path = folder.path().join("0000000000000000.segment");
    fs::write(path, record::header(*b"marktest")).unwrap();
    let Owner { spool, faults } = owner(folder.path()).unwrap();
    store(&spool).await.unwrap();
    assert_eq!(segments(folder.path()).len(), 1);
    assert!(faults.folder_syncs() > 0);
}

#[tokio::test]
async fn a_damaged_header_costs_nothing() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let ids = BTreeSet::from([store(&spool).await.unwrap(), store(&spool).await.unwrap()]);
    spool.closed().await;
    let path = segments(folder.path()).remove(0);
    let sound = fs::read(&path).unwrap();
    for place in 0..record::HEADER {
        let mut octets = sound.clone();
        octets[place] ^= 4;
        fs::write(&path, octets).unwrap();
        assert_eq!(Queue::open(folder.path()).unwrap().list().unwrap().len(), 2);
        let spool = owner(folder.path()).unwrap().spool;
        assert_eq!(spool.ids(), ids, "octet {place}");
        spool.closed().await;
        assert_eq!(fs::read(&path).unwrap(), sound);
    }
}

/// Changes one octet of a file, at its end or in the first place of a text.
fn spoil(path: &Path, text: Option<&str>) {
    let mut octets = fs::read(path).unwrap();
    let place = match text {
        Some(text) => octets
            .windows(text.len())
            .position(|octets| octets == text.as_bytes())
            .unwrap(),
        None => octets.len() - 1,
    };
    octets[place] ^= 1;
    fs::write(path, octets).unwrap();
}

#[tokio::test]
async fn damaged_progress_costs_no_message() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let id = store(&spool).await.unwrap();
    let untried = spool.read(&id).await.unwrap().entry.recipients;
    let recipients = delivered(untried.clone());
    spool.record(&id, &recipients).await.unwrap();
    spoil(&segments(folder.path())[0], None);
    assert_eq!(spool.read(&id).await.unwrap().entry.recipients, untried);
    let queue = Queue::open(folder.path()).unwrap();
    assert_eq!(queue.damaged().unwrap(), Vec::<String>::new());
    spool.closed().await;
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(spool.ids(), BTreeSet::from([id]));
    assert_eq!(queue.damaged().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn damage_of_what_is_done_is_not_told() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let done = store_octets(&spool, b"Subject: one\r\n").await.unwrap();
    let lost = store_octets(&spool, b"Subject: two\r\n").await.unwrap();
    spool.remove(&done).await.unwrap();
    let path = segments(folder.path()).remove(0);
    spoil(&path, Some("one"));
    spoil(&path, Some("two"));
    let queue = Queue::open(folder.path()).unwrap();
    assert_eq!(queue.damaged().unwrap(), std::slice::from_ref(&lost));
    spool.closed().await;
    // What has the name already is something else.
    let aside = folder.path().join(format!("{lost}.damaged"));
    fs::write(&aside, b"mine").unwrap();
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(fs::read(&aside).unwrap(), b"mine");
    let aside = folder.path().join(format!("{lost}.1.damaged"));
    assert!(fs::read(aside).unwrap().ends_with(b"Subject: uwo\r\n"));
    spool.closed().await;
}

#[tokio::test]
async fn damage_that_cannot_be_set_aside_stays_where_it_is() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let lost = store_octets(&spool, b"Subject: one\r\n").await.unwrap();
    let big = store_octets(&spool, &vec![b'x'; 2 << 20]).await.unwrap();
    spool.closed().await;
    let path = segments(folder.path()).remove(0);
    spoil(&path, Some("one"));
    fs::create_dir(folder.path().join(format!("{lost}.damaged.new"))).unwrap();
    let spool = owner(folder.path()).unwrap().spool;
    spool.remove(&big).await.unwrap();
    spool.closed().await;
    let octets = fs::read(&path).unwrap();
    assert!(octets.windows(12).any(|octets| octets == b"Subject: nne"));
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

#[tokio::test]
async fn a_sector_that_cannot_be_read_costs_what_is_in_it() {
    let folder = folder();
    let spool = begin(folder.path(), 40_000).unwrap().spool;
    let mut ids = BTreeSet::new();
    for _ in 0..5 {
        ids.insert(store_octets(&spool, &[b'x'; 9_000]).await.unwrap());
    }
    spool.closed().await;
    let path = segments(folder.path()).remove(0);
    let disk = Disk::make(folder.path()).unwrap();
    disk.faults.unreadable(6_000);
    let lock = lock(&disk).unwrap();
    let log = Log::open(disk, lock, 40_000).unwrap();
    let spool = Spool(Form::Folder(Writer::start(log).unwrap()));
    let readable = spool.ids();
    assert_eq!(readable.len(), 4);
    for id in &readable {
        spool.remove(id).await.unwrap();
    }
    spool.closed().await;
    // Another computer can read it, perhaps.
    assert!(path.exists());
    let spool = owner(folder.path()).unwrap().spool;
    let rest = ids.difference(&readable).cloned().collect();
    assert_eq!(spool.ids(), rest);
}

#[tokio::test]
async fn a_queue_opens_nothing_to_write() {
    use std::os::unix::fs::FileExt;
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    store(&spool).await.unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    let place = queue.places().unwrap().remove(0);
    assert!(place.message.file.write_all_at(b"x", 0).is_err());
}

#[tokio::test]
async fn damage_is_set_aside_and_the_rest_goes_on() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let mut ids = Vec::new();
    for content in [
        &b"Subject: one\r\n"[..],
        b"Subject: two\r\n",
        b"Subject: three\r\n",
    ] {
        ids.push(store_octets(&spool, content).await.unwrap());
    }
    let path = segments(folder.path()).remove(0);
    let mut octets = fs::read(&path).unwrap();
    let place = octets
        .windows(3)
        .position(|octets| octets == b"two")
        .unwrap();
    octets[place] ^= 1;
    fs::write(&path, &octets).unwrap();
    let error = spool.read(&ids[1]).await.unwrap_err();
    assert!(matches!(error, SpoolError::Damaged { .. }), "{error}");
    spool.closed().await;
    // The server sees it at its start.
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(
        spool.ids(),
        BTreeSet::from([ids[0].clone(), ids[2].clone()])
    );
    let queue = Queue::open(folder.path()).unwrap();
    assert_eq!(queue.damaged().unwrap(), [ids[1].clone()]);
    let aside = fs::read(folder.path().join(format!("{}.damaged", ids[1]))).unwrap();
    assert!(aside.ends_with(b"Subject: uwo\r\n"));
    // Or when it delivers.
    let mut octets = fs::read(&path).unwrap();
    let place = octets
        .windows(5)
        .position(|octets| octets == b"three")
        .unwrap();
    octets[place] ^= 1;
    fs::write(&path, &octets).unwrap();
    spool.set_aside(&ids[2]).await.unwrap();
    assert_eq!(spool.ids(), BTreeSet::from([ids[0].clone()]));
    assert_eq!(queue.damaged().unwrap().len(), 2);
    assert_eq!(queue.list().unwrap().len(), 1);
}

#[tokio::test]
async fn others_look_and_remove_while_the_server_runs() {
    let folder = folder();
    let spool = owner(folder.path()).unwrap().spool;
    let (id, other) = (store(&spool).await.unwrap(), store(&spool).await.unwrap());
    let queue = Queue::open(folder.path()).unwrap();
    assert_eq!(queue.list().unwrap().len(), 2);
    assert_eq!(queue.read(&id).unwrap().content, b"Date: x\r\n");
    let (remover, name) = (queue.clone(), id.clone());
    tokio::task::spawn_blocking(move || remover.remove(&name))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(spool.ids(), BTreeSet::from([other.clone()]));
    assert!(matches!(
        queue.remove(&id),
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert!(matches!(
        queue.remove("../x"),
        Err(SpoolError::NoSuchMessage(_))
    ));
    spool.closed().await;
    queue.remove(&other).unwrap();
    assert_eq!(queue.list().unwrap(), []);
}

#[tokio::test]
async fn a_spool_of_files_is_taken_over() {
    let folder = folder();
    let write = |name: String, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    let (id, envelope) = envelope(&["c@d.example", "e@f.example"], 3);
    let mut message = serde_json::to_vec(&envelope).unwrap();
    message.extend(b"\nA:\n");
    let recipients = delivered(envelope.untried());
    write(format!("{id}.msg"), &message);
    write(
        format!("{id}.state"),
        &serde_json::to_vec(&recipients).unwrap(),
    );
    write(
        "000000000001-00000000000000ab.msg".to_owned(),
        b"not json\r\n",
    );
    write("000000000001-00000000000000ac.msg.new".to_owned(), b"half");
    write("000000000001-00000000000000ad.state".to_owned(), b"[]");
    let foreign = ["notes.new", "terraform.state", "letter.msg", "1.segment"];
    for name in foreign {
        write(name.to_owned(), b"mine");
    }
    fs::create_dir(folder.path().join("000000000001-00000000000000ae.msg")).unwrap();
    for _ in 0..2 {
        let spool = owner(folder.path()).unwrap().spool;
        assert_eq!(spool.ids(), BTreeSet::from([id.clone()]));
        let found = spool.read(&id).await.unwrap();
        assert_eq!(
            (found.entry.recipients, found.content),
            (recipients.clone(), b"A:\n".to_vec())
        );
        spool.closed().await;
    }
    let files = fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files = BTreeSet::from_iter(files);
    assert!(files.remove("000000000001-00000000000000ab.msg.damaged"));
    assert!(files.remove("000000000001-00000000000000ae.msg"));
    assert!(files.remove("lock") && files.remove("0000000000000000.segment"));
    assert_eq!(files, foreign.map(str::to_owned).into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However much of the log a crash leaves, what was there before is found, and no more.
    #[test]
    fn a_crash_at_any_octet_loses_nothing_before_it(cut in any::<prop::sample::Index>(), more in prop::collection::vec(any::<u8>(), 0..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = folder();
            let spool = owner(folder.path()).unwrap().spool;
            let mut states = vec![(0, BTreeSet::new())];
            let length = || fs::metadata(&segments(folder.path())[0]).unwrap().len();
            for step in 0..4 {
                let id = store(&spool).await.unwrap();
                states.push((length(), spool.ids()));
                if step % 2 == 1 {
                    spool.remove(&id).await.unwrap();
                    states.push((length(), spool.ids()));
                }
            }
            spool.closed().await;
            let path = segments(folder.path()).remove(0);
            let mut octets = fs::read(&path).unwrap();
            let cut = cut.index(octets.len() + 1);
            octets.truncate(cut);
            octets.extend(more);
            fs::write(&path, octets).unwrap();
            let expected = states.iter().rev().find(|(length, _)| *length <= cut as u64).unwrap();
            if cut >= record::HEADER {
                assert_eq!(owner(folder.path()).unwrap().spool.ids(), expected.1);
            } else {
                assert_eq!(owner(folder.path()).unwrap().spool.ids(), BTreeSet::new());
            }
        });
    }

    #[test]
    fn any_octets_in_a_segment_are_survived(octets in prop::collection::vec(any::<u8>(), 0..200), sound in any::<bool>()) {
        let folder = folder();
        let mut segment = if sound { record::header(*b"marktest") } else { Vec::new() };
        segment.extend(octets);
        fs::write(folder.path().join("0000000000000000.segment"), &segment).unwrap();
        fs::write(folder.path().join("0000000000000001.segment"), &segment).unwrap();
        let queue = Queue::open(folder.path()).unwrap();
        prop_assert!(queue.list().unwrap().is_empty());
        prop_assert!(owner(folder.path()).unwrap().spool.ids().is_empty());
    }
}
