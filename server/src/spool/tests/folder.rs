//! A folder that somebody removes while the server runs.

use super::*;

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
