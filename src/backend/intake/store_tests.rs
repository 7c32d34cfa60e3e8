use super::*;
use crate::backend::intake::twins::{Remembering, actions, intake, now};

async fn open(path: &Path) -> (HotStore, Option<String>) {
    HotStore::open(path, Limits::default(), now()).await.unwrap()
}

fn some(seqs: std::ops::RangeInclusive<u64>) -> Vec<Kept> {
    seqs.map(|seq| Kept { seq, action: actions("a", &["t"]).remove(0) }).collect()
}

#[tokio::test]
async fn what_is_flushed_is_read_back_by_agent_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let (store, note) = open(&folder.path().join("t.db")).await;
    assert_eq!(note, None);
    for kept in some(1..=25_000) {
        assert!(store.push(kept, 100));
    }
    store.push_snapshot(25_000, b"state".to_vec());
    store.flush().await.unwrap();
    assert_eq!(store.newest().await.unwrap(), 25_000);
    assert_eq!(store.snapshot().await.unwrap(), Some((25_000, b"state".to_vec())));
    assert_eq!(store.after(24_998, None, 10).await.unwrap(), some(24_999..=25_000));
    let agent = AgentId::new("a").unwrap();
    assert_eq!(store.last(Some(&agent), 2).await.unwrap(), some(24_999..=25_000));
    assert_eq!(store.last(Some(&AgentId::new("b").unwrap()), 2).await.unwrap(), []);
}

/// A freeze, a backup and the clock may all have it write at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_many_write_at_once_nothing_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(&folder.path().join("t.db")).await.0);
    let mut next = 1;
    for _ in 0..20 {
        let mut flushes = Vec::new();
        for _ in 0..4 {
            for kept in some(next..=next + 99) {
                assert!(store.push(kept, 100));
            }
            next += 100;
            let store = store.clone();
            flushes.push(tokio::spawn(async move { store.flush().await.unwrap() }));
            tokio::time::sleep(std::time::Duration::from_micros(300)).await;
        }
        for flush in flushes {
            flush.await.unwrap();
        }
    }
    store.flush().await.unwrap();
    let written: Vec<u64> = store.after(0, None, 20_000).await.unwrap().iter().map(|kept| kept.seq).collect();
    assert_eq!(written, (1..next).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_overloaded_store_sheds_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder.path().join("t.db")).await;
    let one = some(1..=1).remove(0);
    assert!(store.push(one.clone(), BUFFERED_BYTES));
    assert!(!store.push(one.clone(), 1));
    store.flush().await.unwrap();
    assert!(store.push(one, 1));
}

#[tokio::test]
async fn retention_is_by_age_and_by_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let (store, _) = open(&path).await;
    some(1..=12_000).into_iter().for_each(|kept| assert!(store.push(kept, 1)));
    store.flush().await.unwrap();
    assert_eq!(store.retain(now()).await.unwrap(), 0);
    assert_eq!(store.retain(now().plus(31 * Time::DAY)).await.unwrap(), 12_000);
    some(1..=12_000).into_iter().for_each(|kept| assert!(store.push(kept, 1)));
    store.flush().await.unwrap();
    drop(store);
    let limits = Limits { days: 30, bytes: 1 << 20 };
    let (store, _) = HotStore::open(&path, limits, now()).await.unwrap();
    assert_eq!(store.retain(now()).await.unwrap(), 10_000);
    assert_eq!(store.after(0, None, 1).await.unwrap()[0].seq, 10_001);
}

#[tokio::test]
async fn a_damaged_or_newer_store_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    for (name, newer) in [("damaged.db", false), ("newer.db", true)] {
        let path = folder.path().join(name);
        if newer {
            let (store, _) = open(&path).await;
            sqlx::raw_sql("PRAGMA user_version = 9").execute(store.pool.as_ref().unwrap()).await.unwrap();
            store.pool.as_ref().unwrap().close().await;
        } else {
            std::fs::write(&path, b"this is no database, and long enough to be looked at as one".repeat(100)).unwrap();
        }
        let (store, note) = open(&path).await;
        assert!(note.unwrap().contains(".aside"), "{name}");
        assert_eq!(store.newest().await.unwrap(), 0);
        let kept = std::fs::read_dir(folder.path()).unwrap().flatten();
        let kept = kept.filter(|file| file.file_name().to_string_lossy().contains(&format!("{name}.2026"))).count();
        assert!(kept >= 1, "{name}");
    }
}

/// Protocol 1: baselines survive a kill, whatever was flushed since the last snapshot is judged again.
#[tokio::test]
async fn after_a_kill_the_engine_goes_on_where_the_store_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.db");
    let (store, _) = open(&path).await;
    let mut judged = some(1..=5);
    judged[4].action = actions("a", &["bad"]).remove(0);
    judged.into_iter().for_each(|kept| assert!(store.push(kept, 1)));
    store.push_snapshot(3, br#"{"a":3}"#.to_vec());
    store.flush().await.unwrap();
    drop(store);
    let writer = Remembering::default();
    let again = intake(&writer, open(&path).await.0).await;
    crate::backend::intake::twins::until("the figures", || {
        again.live().agents.get("a").is_some_and(|agent| agent.calls_window == 5)
    })
    .await;
    let fired = || writer.fired.lock().unwrap().len();
    crate::backend::intake::twins::until("the firing that the log missed", || fired() == 1).await;
    let source = crate::backend::intake::Source { name: "s".into(), agent: None };
    again.actions(actions("a", &["t"]), &source, 1).await.unwrap();
    again.close().await;
    let (store, _) = open(&path).await;
    assert_eq!(store.snapshot().await.unwrap(), Some((6, br#"{"a":6}"#.to_vec())));
    assert_eq!(store.newest().await.unwrap(), 6);
}
