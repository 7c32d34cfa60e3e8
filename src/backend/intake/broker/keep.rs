//! What a node runs for telemetry over the broker: its taking, its sight, and the judges of the partitions that are its own.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use sqlx::postgres::PgPool;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        firings,
        judging::Figures,
        ledger::Ledger,
        seen::Seen,
        store::HotStore,
        wiring::{Breaches, Judge, Writer},
    },
    bench::{Bench, Ending, Engines},
    checkpoints::{self, Checkpoint},
    connection::{Broker, Ready},
    figures::Heard,
    partition::judge,
    shares::{Round, Shares},
    sight::{Seeing, Sight},
    taking::Taking,
    wire::partition_of,
};
use crate::{backend::clock::Clock, terms::Time};

/// Between two rounds of leases.
const ROUND: Duration = Duration::from_secs(1);
/// How long a round may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Breaches that wait for the log at most.
const FIRED: usize = 1024;

/// What telemetry over a broker is started with.
pub(in super::super) struct Over<W> {
    pub broker: Broker,
    pub pool: PgPool,
    /// Names the log, so that no two teams share a stream.
    pub log: String,
    pub engine: Box<dyn Judge>,
    pub breaches: Arc<dyn Breaches>,
    pub writer: W,
    pub clock: Clock,
    pub steady: Clock,
}

/// Begins; the tasks end once `stop` is cancelled, judges having saved where they are.
pub(in super::super) fn begin<W: Writer>(
    over: Over<W>,
    ledger: Ledger,
    told: Arc<ArcSwap<Figures>>,
    stop: &CancellationToken,
) -> (Arc<Taking>, Vec<JoinHandle<()>>) {
    let Over { broker, pool, log, engine, breaches, writer, clock, steady } = over;
    let (recording, to_record) = mpsc::channel(FIRED);
    let (seeing, heard) = (Seeing::default(), Heard::default());
    let store = ledger.store.clone();
    let taking = Arc::new(Taking::new(broker.clone(), ledger.counts.clone(), clock.clone()));
    let sight = Sight {
        broker: broker.clone(),
        ledger,
        breaches: breaches.clone(),
        writer: writer.clone(),
        clock: clock.clone(),
        told,
        recording,
        seen: Seen::default(),
        seeing: seeing.clone(),
        heard: heard.clone(),
    };
    let judges = Judges {
        shares: Arc::new(Shares::new(pool.clone(), steady)),
        pool: pool.clone(),
        broker: broker.clone(),
        engine,
        store: store.clone(),
        breaches,
        writer: writer.clone(),
        clock,
        seeing,
        heard: heard.clone(),
    };
    let events = writer.subscribe();
    let tasks = vec![
        tokio::spawn(broker.clone().look(pool, log, stop.clone())),
        tokio::spawn(firings::record(writer, None, store.clone(), to_record)),
        tokio::spawn(heard.hear(broker.client().clone(), stop.clone())),
        tokio::spawn(taking.clone().settle(stop.clone())),
        tokio::spawn(sight.run(events, stop.clone())),
        tokio::spawn(judges.run(stop.clone())),
    ];
    (taking, tasks)
}

/// The judges of this node.
struct Judges<W> {
    shares: Arc<Shares>,
    pool: PgPool,
    broker: Broker,
    engine: Box<dyn Judge>,
    store: Arc<HotStore>,
    breaches: Arc<dyn Breaches>,
    writer: W,
    clock: Clock,
    seeing: Seeing,
    heard: Heard,
}

/// One at work.
struct AtWork {
    epoch: i64,
    ending: Ending,
    task: JoinHandle<()>,
}

impl<W: Writer> Judges<W> {
    async fn run(self, stop: CancellationToken) {
        let Some(Some(ready)) = stop.run_until_cancelled(self.broker.wait_ready()).await else { return };
        let partitions = ready.partitions;
        let engine = self.engine;
        let engines: Engines = Arc::new(move || engine.fresh());
        bring_in(&self.pool, &ready, &self.store, &engines).await;
        recall(&self.pool, partitions, &engines, &*self.breaches).await;
        let bench = Arc::new(Bench {
            broker: self.broker,
            ready,
            pool: self.pool,
            shares: self.shares.clone(),
            engines,
            breaches: self.breaches,
            writer: self.writer,
            clock: self.clock,
            seeing: self.seeing,
            heard: self.heard,
        });
        let mut at_work: BTreeMap<u32, AtWork> = BTreeMap::new();
        let mut ticks = tokio::time::interval(ROUND);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            match tokio::time::timeout(PATIENCE, self.shares.round(partitions)).await {
                Ok(Ok(round)) => follow(&bench, &mut at_work, round).await,
                Ok(Err(error)) => tracing::warn!(%error, "the leases of partitions are not renewed"),
                Err(_) => tracing::warn!("the leases of partitions are not renewed: the database does not answer"),
            }
        }
        let all = std::mem::take(&mut at_work);
        give_up(&self.shares, all).await;
        if let Err(error) = self.shares.leave().await {
            tracing::warn!(%error, "the other nodes notice within seconds that this one judges no more");
        }
    }
}

/// A node that judged by itself until now brings what its engine learned, unless others shared something before.
async fn bring_in(pool: &PgPool, ready: &Ready, store: &HotStore, engines: &Engines) {
    let mut engine = engines();
    match store.snapshot().await {
        Ok(Some((_, state))) if engine.restore(&state) => {}
        _ => return,
    }
    let of = |partition| engine.snapshot_of(&|agent| partition_of(agent, ready.partitions) == partition);
    let states = (0..ready.partitions).map_while(of);
    let begun = |state| Checkpoint { stream: ready.ordinal, seq: 0, published_at: Time::default(), state };
    match checkpoints::bring_in(pool, states.map(begun).collect()).await {
        Ok(true) => tracing::info!("what this backend learned by itself is shared"),
        Ok(false) => {}
        Err(why) => tracing::warn!(%why, "what this backend learned by itself is not shared: baselines start over"),
    }
}

/// What team rules remember of every partition's agents: a check may come to any node (DET.12).
async fn recall(pool: &PgPool, partitions: u32, engines: &Engines, breaches: &dyn Breaches) {
    for partition in 0..partitions {
        match checkpoints::load(pool, partition).await {
            Ok(Some(checkpoint)) => {
                let mut engine = engines();
                if engine.restore(&checkpoint.state) {
                    breaches.recalled(None, engine.recall());
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%partition, %error, "what rules remember of its agents is not known yet"),
        }
    }
}

/// Ends the judges that lost their partition, begins those of new ones, and hands over what is beyond an even share.
async fn follow<W: Writer>(bench: &Arc<Bench<W>>, at_work: &mut BTreeMap<u32, AtWork>, round: Round) {
    let lost: Vec<u32> = at_work
        .iter()
        .filter(|(partition, one)| round.held.get(partition) != Some(&one.epoch))
        .map(|(p, _)| *p)
        .collect();
    for partition in lost {
        if let Some(one) = at_work.remove(&partition) {
            tracing::warn!(%partition, "another node judges it now");
            one.ending.lost.cancel();
            let _ = one.task.await;
        }
    }
    for (partition, epoch) in round.held {
        at_work.entry(partition).or_insert_with(|| {
            let ending = Ending::default();
            let task = tokio::spawn(judge(bench.clone(), partition, epoch, ending.clone()));
            AtWork { epoch, ending, task }
        });
    }
    let surplus = round.surplus.iter().filter_map(|partition| Some((*partition, at_work.remove(partition)?)));
    let surplus: BTreeMap<u32, AtWork> = surplus.collect();
    give_up(&bench.shares, surplus).await;
}

/// Has judges save where they are, and frees their partitions.
async fn give_up(shares: &Shares, judges: BTreeMap<u32, AtWork>) {
    for one in judges.values() {
        one.ending.hand_over.cancel();
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for (partition, one) in judges {
        if tokio::time::timeout_at(deadline, one.task).await.is_err() {
            tracing::warn!(%partition, "its judge did not end in time; the next one begins at its last checkpoint");
            one.ending.lost.cancel();
        }
        match tokio::time::timeout(PATIENCE, shares.release(partition, one.epoch)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%partition, %error, "its lease runs out by itself"),
            Err(_) => return tracing::warn!("the database does not answer: the leases run out by themselves"),
        }
    }
}
