use super::super::{LastReply, MailOptions, RecipientState, new_id};
use super::*;
use std::fs;

fn spool() -> (Queue, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Queue::open(folder.path().join("spool")).unwrap(), folder)
}

fn store(spool: &Queue, recipients: &[&str]) -> String {
    let arrival = "2026-11-24T10:00:00Z".parse().unwrap();
    let id = new_id(arrival).unwrap();
    let envelope = Envelope {
        arrival,
        size: 9,
        sender: "a@b.example".to_owned(),
        options: MailOptions::default(),
        recipients: recipients
            .iter()
            .map(|address| (*address).to_owned().into())
            .collect(),
    };
    spool.store(&id, &envelope, &[b"Date: x", b"\r\n"]).unwrap();
    id
}

#[test]
fn what_was_stored_is_read() {
    let (spool, _folder) = spool();
    let id = store(&spool, &["c@d.example", "e@f.example"]);
    let message = spool.read(&id).unwrap();
    assert_eq!(message.content, b"Date: x\r\n");
    assert_eq!(spool.list().unwrap(), std::slice::from_ref(&message.entry));
    assert_eq!(message.entry.sender, "a@b.example");
    assert!(message.entry.is_pending());
}

#[test]
fn progress_is_kept_for_each_recipient() {
    let (spool, _folder) = spool();
    let id = store(&spool, &["c@d.example", "e@f.example"]);
    let mut recipients = spool.entry(&id).unwrap().recipients;
    recipients[1].state = RecipientState::Failed;
    recipients[1].last_reply = Some(LastReply::Hop {
        code: 550,
        lines: vec!["5.1.1 no".to_owned()],
    });
    spool.record(&id, &recipients).unwrap();
    assert_eq!(spool.read(&id).unwrap().entry.recipients, recipients);
    spool.remove(&id).unwrap();
    assert!(matches!(spool.read(&id), Err(SpoolError::NoSuchMessage(_))));
    assert!(matches!(
        spool.record(&id, &recipients),
        Err(SpoolError::NoSuchMessage(_))
    ));
    assert_eq!(fs::read_dir(&spool.folder).unwrap().count(), 0);
}

#[test]
fn what_a_crash_left_behind_is_removed() {
    let (spool, _folder) = spool();
    let id = store(&spool, &["c@d.example"]);
    fs::write(
        spool.folder.join("000000000001-00000000000000ab.msg.new"),
        "half",
    )
    .unwrap();
    fs::write(
        spool.folder.join("000000000001-00000000000000ab.state"),
        "[]",
    )
    .unwrap();
    spool.recover().unwrap();
    assert_eq!(spool.names().unwrap(), [format!("{id}.msg")]);
}

#[test]
fn files_of_others_are_left_alone() {
    let (spool, _folder) = spool();
    let foreign = [
        "notes.new",
        "terraform.state",
        "letter.msg",
        "0001-ab.msg",
        "000000000001-00000000000000AB.state",
        "000000000001-00000000000000ab.txt.new",
    ];
    for name in foreign {
        fs::write(spool.folder.join(name), "mine").unwrap();
    }
    let folders = [
        "000000000001-00000000000000ab.state",
        "000000000001-00000000000000ab.msg",
        "000000000001-00000000000000ab.msg.new",
    ];
    for name in folders {
        fs::create_dir(spool.folder.join(name)).unwrap();
    }
    spool.recover().unwrap();
    assert_eq!(spool.ids().unwrap(), BTreeSet::new());
    assert!(spool.remove("letter").is_err());
    assert_eq!(
        fs::read_dir(&spool.folder).unwrap().count(),
        foreign.len() + folders.len()
    );
}

#[test]
fn what_was_not_acknowledged_is_not_delivered() {
    let (spool, _folder) = spool();
    let id = store(&spool, &["c@d.example"]);
    spool.unacknowledged().insert(id.clone());
    assert_eq!(spool.clone().ids().unwrap(), BTreeSet::new());
    spool.unacknowledged().remove(&id);
    assert_eq!(spool.ids().unwrap(), BTreeSet::from([id]));
}

#[test]
fn a_store_that_fails_leaves_nothing() {
    let (spool, _folder) = spool();
    let arrival = "2026-11-24T10:00:00Z".parse().unwrap();
    let id = new_id(arrival).unwrap();
    let envelope = Envelope {
        arrival,
        size: 0,
        sender: String::new(),
        options: MailOptions::default(),
        recipients: Vec::new(),
    };
    fs::create_dir(spool.folder.join(format!("{id}.msg.new"))).unwrap();
    assert!(spool.store(&id, &envelope, &[]).is_err());
    assert!(spool.unacknowledged().is_empty());
    // The message came into its place, but nobody can be sure that it stays there.
    let path = spool.folder.join(format!("{id}.msg"));
    fs::write(&path, "").unwrap();
    assert!(spool.withdraw(&path));
    assert!(!path.exists());
}

#[test]
fn damage_is_seen_and_set_aside() {
    let (spool, _folder) = spool();
    let good = store(&spool, &["c@d.example"]);
    let short = store(&spool, &["c@d.example"]);
    let path = spool.folder.join(format!("{short}.msg"));
    let octets = fs::read(&path).unwrap();
    fs::write(&path, &octets[..octets.len() - 1]).unwrap();
    fs::write(
        spool.folder.join("000000000001-00000000000000ab.msg"),
        "not json\r\n",
    )
    .unwrap();
    let foreign = store(&spool, &["c@d.example"]);
    fs::write(spool.folder.join(format!("{foreign}.state")), "[]").unwrap();

    assert_eq!(spool.list().unwrap().len(), 1);
    for id in [
        short.as_str(),
        "000000000001-00000000000000ab",
        foreign.as_str(),
    ] {
        assert!(
            matches!(spool.read(id), Err(SpoolError::Damaged { .. })),
            "{id}"
        );
        assert!(spool.damaged().unwrap().iter().any(|known| known == id));
        spool.set_aside(id);
    }
    let damaged = BTreeSet::from_iter(spool.damaged().unwrap());
    assert_eq!(damaged.len(), 3);
    assert!(damaged.contains(&short) && damaged.contains(&foreign));
    assert_eq!(spool.ids().unwrap(), BTreeSet::from([good]));
    assert!(
        spool
            .folder
            .join(format!("{foreign}.state.damaged"))
            .exists()
    );
}

#[test]
fn ids_are_not_paths() {
    let (spool, _folder) = spool();
    for id in ["../x", "", "a/b", "."] {
        assert!(matches!(spool.read(id), Err(SpoolError::NoSuchMessage(_))));
        assert!(matches!(
            spool.remove(id),
            Err(SpoolError::NoSuchMessage(_))
        ));
    }
}
