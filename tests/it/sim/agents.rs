//! Agents at work under leases (CON.7, protocol 3): each renews its lease, acts while that lasts and nothing halts it, and reports
//! what it did; halted, it is another one from then on.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use andon::{
    api::{ActionsAnswer, CheckRequest, LeaseRequest, path},
    client::Client,
    incident::{OnBlind, containment::Decision},
    terms::{AgentId, Time},
};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::{chance::Chance, house::House, ledger::Ledger, people::client};

/// How long a lease lasts, whatever the backend says (protocol 3).
const TTL: Duration = Duration::from_secs(5);
/// How long one renewal may take.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Who works now: the how-many-th at each place.
pub struct Agents(pub Vec<AtomicU64>);

impl Agents {
    pub fn some(&self, chance: &mut Chance) -> AgentId {
        self.at(usize::try_from(chance.below(self.0.len() as u64)).unwrap())
    }

    fn at(&self, place: usize) -> AgentId {
        format!("worker-{place}-{}", self.0[place].load(Ordering::SeqCst)).parse().unwrap()
    }
}

/// A host on which an agent works, through all its lives.
pub struct Worker {
    pub number: u64,
    pub place: usize,
    pub secret: String,
    pub lives: AtomicU64,
    pub seed: u64,
    pub agents: Arc<Agents>,
    pub house: Arc<House>,
    pub ledger: Arc<Mutex<Ledger>>,
}

/// A lease as its holder knows it.
#[derive(Default)]
struct Lease {
    version: u64,
    goes_on: bool,
    until: Option<Instant>,
}

impl Lease {
    fn lets_act(&self) -> bool {
        self.goes_on && self.until.is_some_and(|until| Instant::now() < until)
    }
}

impl Worker {
    /// One life.
    pub async fn work(self: Arc<Self>) {
        let life = self.lives.fetch_add(1, Ordering::SeqCst);
        let mut chance = Chance::of(self.seed, self.number, life);
        let client = client(&self.secret, self.number, &mut chance);
        let (mut lease, mut done) = (Lease::default(), Vec::new());
        loop {
            let agent = self.agents.at(self.place);
            self.renew(&client, &agent, life, &mut lease).await;
            for _ in 0..chance.below(4) {
                tokio::time::sleep(chance.millis(10, 250)).await;
                if !lease.lets_act() {
                    break;
                }
                self.act(&agent);
                done.push((chance.id(), self.house.hours.now()));
            }
            if chance.happens(300) {
                self.ask(&client, &agent).await;
            }
            if !done.is_empty() {
                let (id, at) = done[usize::try_from(chance.below(done.len() as u64)).unwrap()];
                self.report(&client, &agent, id, at).await;
            }
            if lease.until.is_some() && !lease.goes_on {
                // It acknowledges, and makes place for another one.
                self.renew(&client, &agent, life, &mut lease).await;
                self.ledger.lock().unwrap().stopped += 1;
                self.agents.0[self.place].fetch_add(1, Ordering::SeqCst);
                (lease, done) = (Lease::default(), Vec::new());
            }
            tokio::time::sleep(chance.millis(100, 700)).await;
        }
    }

    async fn renew(&self, client: &Client, agent: &AgentId, life: u64, lease: &mut Lease) {
        let sent = Instant::now();
        let asked = LeaseRequest {
            agent: agent.clone(),
            instance: format!("life-{life}"),
            version: lease.version,
            on_blind: OnBlind::Stop,
            revision: None,
            sent_at: Some(self.house.hours.now()),
        };
        if let Ok(answer) = client.lease(&asked, PATIENCE).await {
            lease.until = Some(sent + Duration::from_secs(answer.ttl_s));
            lease.version = answer.view.version;
            lease.goes_on = answer.view.mode == Decision::Allow.as_str();
        }
    }

    /// What nobody may do who was halted longer ago than a lease lasts.
    fn act(&self, agent: &AgentId) {
        let (now, life) = (self.house.hours.now(), self.house.life.load(Ordering::SeqCst));
        let ttl = i64::try_from(TTL.as_millis()).unwrap();
        let mut ledger = self.ledger.lock().unwrap();
        ledger.acts += 1;
        let halted = ledger.halted.iter().filter(|halted| halted.agent == *agent);
        let late: Vec<i64> = halted
            .filter(|halted| halted.recorded || halted.life == life)
            .map(|halted| now.since(halted.at))
            .filter(|since| *since > ttl)
            .collect();
        if let Some(since) = late.first() {
            ledger.wrong.push(format!("{agent} acted {since} ms after its halt was acknowledged"));
        }
    }

    /// It asks before a call: whoever was halted before it asked is denied.
    async fn ask(&self, client: &Client, agent: &AgentId) {
        let life = self.house.life.load(Ordering::SeqCst);
        let halted = {
            let ledger = self.ledger.lock().unwrap();
            ledger.halted.iter().any(|one| one.agent == *agent && (one.recorded || one.life == life))
        };
        let Ok(answer) = client.check(&CheckRequest::by(agent.clone())).await else { return };
        if halted && answer.decision != Decision::Deny && life == self.house.life.load(Ordering::SeqCst) {
            self.ledger.lock().unwrap().wrong.push(format!("{agent} was halted and let go on: {answer:?}"));
        }
    }

    /// It reports an action, perhaps not for the first time: it counts once.
    async fn report(&self, client: &Client, agent: &AgentId, id: Uuid, at: Time) {
        let life = self.house.life.load(Ordering::SeqCst);
        let action =
            json!({"id": id, "agent": agent, "tool": "pay", "class": "external-api-call", "started": at, "at": at});
        let Ok(answer) = client.post::<_, ActionsAnswer>(path::ACTIONS, &action).await else { return };
        let mut ledger = self.ledger.lock().unwrap();
        if answer.accepted == 1 && life == self.house.life.load(Ordering::SeqCst) && !ledger.counted.insert((life, id))
        {
            ledger.wrong.push(format!("action {id} counted twice"));
        }
    }
}
