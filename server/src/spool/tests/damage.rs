//! Octets that the disk has changed, or does not give back.

use super::*;

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
