//! Spools of earlier versions, a file a message.

use super::*;

/// A message as an earlier version left it, tried before or not. Its queue id.
pub(super) fn write(folder: &Path, tried: bool) -> String {
    let (id, envelope) = envelope(&["c@d.example", "e@f.example"], 3);
    let mut message = serde_json::to_vec(&envelope).unwrap();
    message.extend(b"\nA:\n");
    fs::write(folder.join(format!("{id}.msg")), message).unwrap();
    if tried {
        let progress = serde_json::to_vec(&delivered(envelope.untried())).unwrap();
        fs::write(folder.join(format!("{id}.state")), progress).unwrap();
    }
    id
}

#[tokio::test]
async fn a_spool_of_files_is_taken_over() {
    let folder = folder();
    let write = |name: String, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    let id = self::write(folder.path(), true);
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
    // Before that it is listed as it is.
    let queue = Queue::open(folder.path()).unwrap();
    let message = queue.read(&id).unwrap();
    assert_eq!(message.entry.recipients[0].state, RecipientState::Delivered);
    assert_eq!(queue.list().unwrap(), std::slice::from_ref(&message.entry));
    assert_eq!(
        queue.damaged().unwrap(),
        ["000000000001-00000000000000ab".to_owned()]
    );
    for _ in 0..2 {
        let spool = owner(folder.path()).unwrap().spool;
        assert_eq!(spool.ids(), BTreeSet::from([id.clone()]));
        assert_eq!(spool.read(&id).await.unwrap(), message);
        assert_eq!(queue.list().unwrap(), std::slice::from_ref(&message.entry));
        assert_eq!(queue.damaged().unwrap().len(), 1);
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

#[tokio::test]
async fn what_a_server_is_taking_over_is_listed_once() {
    let folder = folder();
    let id = write(folder.path(), false);
    let file = folder.path().join(format!("{id}.msg"));
    let message = fs::read(&file).unwrap();
    let spool = owner(folder.path()).unwrap().spool;
    let recipients = delivered(spool.read(&id).await.unwrap().entry.recipients);
    spool.record(&id, &recipients).await.unwrap();
    // It was killed before the file was gone.
    fs::write(&file, message).unwrap();
    let queue = Queue::open(folder.path()).unwrap();
    assert_eq!(queue.list().unwrap().len(), 1);
    assert_eq!(queue.list().unwrap()[0].recipients, recipients);
    assert_eq!(queue.read(&id).unwrap().entry.recipients, recipients);
}

#[tokio::test]
async fn a_message_in_a_file_of_its_own_can_be_removed() {
    let folder = folder();
    let (id, other) = (write(folder.path(), true), write(folder.path(), false));
    let queue = Queue::open(folder.path()).unwrap();
    queue.remove(&id).unwrap();
    assert!(matches!(
        queue.remove(&id),
        Err(SpoolError::NoSuchMessage(_))
    ));
    let spool = owner(folder.path()).unwrap().spool;
    assert_eq!(spool.ids(), BTreeSet::from([other]));
}
