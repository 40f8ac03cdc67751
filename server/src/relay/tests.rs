//! What a start makes of a spool that a crash has left.

use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpSocket;

use crate::spool::{Addressee, Entry, Envelope, MailOptions, RecipientState, Spool, new_id};
use crate::{Config, Server};

/// The id of a message that was just accepted, for one recipient.
pub(super) async fn stored(spool: &Spool) -> String {
    let arrival = Timestamp::now();
    let id = new_id(arrival).unwrap();
    let envelope = Envelope {
        arrival,
        size: 6,
        sender: "alice@a.example".to_owned(),
        options: MailOptions::default(),
        recipients: vec![Addressee::from("bob@b.example".to_owned())],
    };
    spool.store(&id, &envelope, &[b"A: b\r\n"]).await.unwrap();
    id
}

#[tokio::test]
async fn a_report_that_was_due_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(Some(folder.path())).unwrap();
    let id = stored(&spool).await;
    let mut recipients = spool.read(&id).await.unwrap().entry.recipients;
    recipients[0].state = RecipientState::Failed;
    spool.record(&id, &recipients).await.unwrap();
    drop(spool);

    // Nobody listens there, so that the report stays.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut config = Config::modern("msa.example.org", folder.path());
    config.listeners = vec!["127.0.0.1:0".parse().unwrap()];
    config.next_hop = Some(nobody.local_addr().unwrap().to_string());
    let server = Server::start(config).await.unwrap();
    let queue = crate::spool::Queue::open(folder.path()).unwrap();
    let reported = async {
        loop {
            match queue.list().unwrap().as_slice() {
                [
                    Entry {
                        id: other, sender, ..
                    },
                ] if *other != id => break sender.clone(),
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let sender = tokio::time::timeout(Duration::from_secs(20), reported).await;
    assert_eq!(sender.unwrap(), "");
    server.shutdown().await;
}
