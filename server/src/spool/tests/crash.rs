//! What a crash leaves.

use proptest::prelude::*;

use super::*;

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
            let whole = fs::read(&path).unwrap();
            let mut octets = whole[..cut.index(whole.len() + 1)].to_vec();
            octets.extend(more);
            // What follows by chance may be what was there.
            let cut = octets.iter().zip(&whole).take_while(|(left, right)| left == right).count();
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
