//! The folder seen by another than its server.

use super::*;

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
