//! People at their cockpits, and a gateway that asks before each call: the real client and the real outbox.

use std::{
    path::PathBuf,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon::{
    api::{CheckRequest, State},
    client::{Client, ClientError, Heard, Outbox, Secret, Target, Waiting, kept},
    incident::{Command, Declare, Engage, IncidentCommand, containment::Decision},
    terms::{AgentId, IncidentId},
};
use futures_util::StreamExt;
use uuid::Uuid;

use super::{
    chance::Chance,
    house::House,
    ledger::{Halted, Ledger, mark},
    wires::{HOST, PORT, Wires},
};

/// Somebody, through all lives of their cockpit.
pub struct Person {
    pub number: u64,
    pub secret: String,
    pub folder: PathBuf,
    /// The world as their cockpit has it.
    pub seen: Mutex<Option<State>>,
    pub lives: AtomicU64,
    pub seed: u64,
    pub house: Arc<House>,
    pub ledger: Arc<Mutex<Ledger>>,
    /// The weather clears: nobody asks anything new.
    pub over: Arc<AtomicBool>,
}

impl Person {
    fn begin(&self) -> (Client, Chance) {
        let mut chance = Chance::of(self.seed, self.number, self.lives.fetch_add(1, Ordering::SeqCst));
        let token = Some(Secret::new(self.secret.clone()));
        let target = Target::Url { url: format!("http://{HOST}:{PORT}"), token, authority: None };
        let wires = Wires(Mutex::new(Chance::of(chance.next(), self.number, 1)));
        (Client::new(target).unwrap().over(Arc::new(wires)), chance)
    }

    /// One life of a cockpit: its screen follows, its person asks.
    pub async fn work(self: Arc<Self>) {
        let (client, mut chance) = self.begin();
        *self.seen.lock().unwrap() = None;
        tokio::spawn(self.clone().follow(client.clone()));
        let mut asked: Vec<(Uuid, Command)> = Vec::new();
        loop {
            tokio::time::sleep(chance.millis(30, 1_200)).await;
            self.send_kept(&client).await;
            if self.over.load(Ordering::SeqCst) {
                continue;
            }
            let again = chance.happens(100) && !asked.is_empty();
            let (id, command) = if again {
                asked[usize::try_from(chance.below(asked.len() as u64)).unwrap()].clone()
            } else {
                self.something(&mut chance)
            };
            if !again {
                asked.push((id, command.clone()));
                self.ledger.lock().unwrap().ask(id);
            }
            if chance.happens(150) {
                tokio::join!(self.ask(&client, id, command.clone()), self.ask(&client, id, command));
            } else {
                self.ask(&client, id, command).await;
            }
        }
    }

    fn something(&self, chance: &mut Chance) -> (Uuid, Command) {
        let id = chance.id();
        let on = |ask| Command::OnIncident { incident: IncidentId(1), ask };
        let command = match chance.below(100) {
            0..50 => on(IncidentCommand::Note { text: mark(id), at: None }),
            50..65 => Command::Declare(Declare { title: mark(id), ..Declare::default() }),
            65..85 => {
                let mut engage = Engage { why: Some("simulated".into()), ..Engage::default() };
                engage.scope.agent = Some(agent(id));
                Command::Engage(engage)
            }
            _ => {
                let severity = format!("SEV-{}", 1 + chance.below(4));
                on(IncidentCommand::SetSeverity { severity, why: mark(id) })
            }
        };
        (id, command)
    }

    /// Asks as a cockpit does: what is not answered waits, if it may.
    async fn ask(&self, client: &Client, id: Uuid, command: Command) {
        let answer = client.submit(None, id, command.clone()).await;
        let life = self.house.life.load(Ordering::SeqCst);
        match answer {
            Ok(accepted) => {
                let mut ledger = self.ledger.lock().unwrap();
                if let Command::Engage(_) = command {
                    let recorded = accepted.recorded;
                    ledger.halted.push(Halted { agent: agent(id), recorded, life });
                }
                ledger.done(id, accepted);
            }
            // What waited was done, with its time written in.
            Err(ClientError::Refused(why)) if why.is_reused_id() => self.ledger.lock().unwrap().done_once(id),
            Err(ClientError::Refused(why)) if !matches!(why.status, 429 | 502..=504) => {
                self.ledger.lock().unwrap().refused(id, why.detail);
            }
            Err(_) => {
                let at = self.house.hours.now();
                let Some(command) = kept(command, at) else { return };
                let place = client.target().place();
                let waiting = Waiting { id, place, world: None, at, what: mark(id), seen: None, command };
                let outbox = Outbox::in_folder(&self.folder);
                if !outbox.waiting(&waiting.place).iter().any(|other| other.id == id) {
                    outbox.keep(&waiting).unwrap();
                    self.ledger.lock().unwrap().kept += 1;
                }
            }
        }
    }

    /// Sends what waits.
    async fn send_kept(&self, client: &Client) {
        let life = self.house.life.load(Ordering::SeqCst);
        for sent in Outbox::in_folder(&self.folder).send(client).await.unwrap() {
            let mut ledger = self.ledger.lock().unwrap();
            match sent.refused {
                Some(why) => ledger.refused(sent.waiting.id, why),
                // It was recorded, or is in force.
                None if matches!(sent.waiting.command, Command::Engage(_)) => {
                    ledger.halted.push(Halted { agent: agent(sent.waiting.id), recorded: false, life });
                }
                None => ledger.done_once(sent.waiting.id),
            }
        }
    }

    /// Keeps the world true as a cockpit does: state, then events; anew where it is told to.
    async fn follow(self: Arc<Self>, client: Client) {
        loop {
            let Ok(state) = client.state(None).await else {
                tokio::time::sleep(Duration::from_millis(500)).await;
                continue;
            };
            let (epoch, position) = (state.epoch, state.position);
            *self.seen.lock().unwrap() = Some(state);
            let mut events = pin!(client.events(None, epoch, position));
            while let Some(heard) = events.next().await {
                match heard {
                    Heard::Connected => self.send_kept(&client).await,
                    Heard::Event(event) => {
                        let mut seen = self.seen.lock().unwrap();
                        let Some(state) = seen.as_mut() else { return };
                        if event.position <= state.position {
                            let wrong = format!("{} heard {} after {}", self.number, event.position, state.position);
                            self.ledger.lock().unwrap().wrong.push(wrong);
                        }
                        state.position = event.position;
                        state.world.apply(&event);
                    }
                    Heard::Live(_) | Heard::Lost(_) => {}
                    Heard::Resync => break,
                }
            }
        }
    }

    /// A gateway: whoever was acknowledged as halted is denied, whatever the weather.
    pub async fn guard(self: Arc<Self>) {
        let (client, mut chance) = self.begin();
        loop {
            tokio::time::sleep(chance.millis(20, 400)).await;
            let halted = {
                let ledger = self.ledger.lock().unwrap();
                let count = ledger.halted.len() as u64;
                if count == 0 {
                    continue;
                }
                ledger.halted[usize::try_from(chance.below(count)).unwrap()].clone()
            };
            let life = self.house.life.load(Ordering::SeqCst);
            let asked =
                CheckRequest { agent: halted.agent.clone(), ..serde_json::from_str(r#"{"agent":"x"}"#).unwrap() };
            let Ok(answer) = client.check(&asked).await else { continue };
            let same_life = halted.life == life && life == self.house.life.load(Ordering::SeqCst);
            let mut ledger = self.ledger.lock().unwrap();
            ledger.checks += 1;
            if answer.decision != Decision::Deny && (halted.recorded || same_life) {
                ledger.wrong.push(format!("{} was halted and let go on: {answer:?}", halted.agent));
            }
        }
    }

    /// What is not yet as it should be: something waits, or the screen shows something else than is.
    pub fn unsettled(&self) -> Option<String> {
        let waiting = Outbox::in_folder(&self.folder).waiting(&format!("http://{HOST}:{PORT}")).len();
        if waiting > 0 {
            return Some(format!("{waiting} commands of person {} wait", self.number));
        }
        let running = self.house.running.lock().unwrap();
        let Some(backend) = running.as_ref() else { return Some("the backend does not run".to_owned()) };
        let (worlds, seen) = (backend.core.recorded(), self.seen.lock().unwrap());
        let Some(state) = seen.as_ref() else { return Some(format!("person {} sees nothing", self.number)) };
        let same = state.world == *worlds.real.seen_by(&state.you.name);
        (!same).then(|| {
            let [theirs, ours] = [&state.world, &worlds.real].map(|world| format!("{world:#?}"));
            let other = theirs.lines().zip(ours.lines()).find(|(theirs, ours)| theirs != ours);
            format!("person {} is at {} of {}: {other:?}", self.number, state.position, worlds.position)
        })
    }
}

fn agent(id: Uuid) -> AgentId {
    mark(id).parse().unwrap()
}
