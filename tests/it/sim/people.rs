//! People at their cockpits, and a gateway that asks before each call: the real client and the real outbox.

use std::{
    fs::OpenOptions,
    io::Write,
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
    terms::{AgentId, DraftId, IncidentId},
};
use futures_util::StreamExt;
use uuid::Uuid;

use super::{
    agents::Agents,
    chance::Chance,
    house::House,
    ledger::{Halted, Ledger, mark},
    wires::{HOST, PORT, Wires},
    writing::{self, Pen},
};

/// A client that shows a token.
pub fn client(secret: &str, number: u64, chance: &mut Chance) -> Client {
    let token = Some(Secret::new(secret.to_owned()));
    let target = Target::Url { url: format!("http://{HOST}:{PORT}"), token, authority: None };
    let wires = Wires(Mutex::new(Chance::of(chance.next(), number, 1)));
    Client::new(target).unwrap().over(Arc::new(wires))
}

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
    /// Whom to halt.
    pub agents: Arc<Agents>,
    /// The draft's text as it stands in their hands.
    pub reads: Mutex<Option<String>>,
    /// The weather clears: nobody asks anything new.
    pub over: Arc<AtomicBool>,
}

impl Person {
    fn begin(&self) -> (Client, Chance) {
        let mut chance = Chance::of(self.seed, self.number, self.lives.fetch_add(1, Ordering::SeqCst));
        (client(&self.secret, self.number, &mut chance), chance)
    }

    /// One life of a cockpit: its screen follows, its person asks.
    pub async fn work(self: Arc<Self>) {
        let (client, mut chance) = self.begin();
        *self.seen.lock().unwrap() = None;
        *self.reads.lock().unwrap() = None;
        tokio::spawn(self.clone().follow(client.clone()));
        let mut asked: Vec<(Uuid, Command)> = Vec::new();
        let mut pen = None;
        loop {
            tokio::time::sleep(chance.millis(30, 1_200)).await;
            self.send_kept(&client).await;
            let over = self.over.load(Ordering::SeqCst);
            if over || chance.happens(350) {
                self.write(&client, &mut pen, &mut chance, over).await;
            }
            if over {
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
            65..80 => halt(id, agent(id)),
            80..85 => halt(id, self.agents.some(chance)),
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
                if let Some(agent) = halts(&command) {
                    let (recorded, at) = (accepted.recorded, self.house.hours.now());
                    ledger.halted.push(Halted { agent, recorded, life, at });
                }
                ledger.done(id, accepted);
            }
            // What waited was done, with its time written in.
            Err(ClientError::Refused(why)) if why.is_reused_id() => self.ledger.lock().unwrap().done_once(id),
            Err(ClientError::Refused(why)) if !matches!(why.status, 429 | 502..=504) => {
                self.ledger.lock().unwrap().refused(id, why.detail);
            }
            Err(_) => self.keep(client, id, command),
        }
    }

    fn keep(&self, client: &Client, id: Uuid, command: Command) {
        let at = self.house.hours.now();
        let Some(command) = kept(command, at) else { return };
        let place = client.target().place();
        let waiting = Waiting { id, place, world: None, at, what: mark(id), seen: None, command };
        let outbox = Outbox::in_folder(&self.folder);
        let ids = || outbox.waiting(&waiting.place).into_iter().map(|other| other.id).collect::<Vec<_>>();
        let before = ids();
        if before.contains(&id) {
            return;
        }
        outbox.keep(&waiting).unwrap();
        let mut ledger = self.ledger.lock().unwrap();
        ledger.kept += 1;
        let after = ids();
        // Edits of a draft wait as one, under an id of its own.
        let Some(waits) = after.iter().find(|one| !before.contains(one)) else {
            ledger.wrong.push(format!("{id} was said to wait, and does not"));
            return;
        };
        let gone = before.iter().filter(|one| !after.contains(one)).chain((*waits != id).then_some(&id));
        ledger.written.merged(&gone.copied().collect::<Vec<_>>(), *waits);
    }

    /// Writes in the draft as a cockpit does: hears what others wrote, and has the backend take what it has not.
    async fn write(&self, client: &Client, pen: &mut Option<Pen>, chance: &mut Chance, over: bool) {
        let (id, command) = {
            let seen = self.seen.lock().unwrap();
            let Some(draft) = writing::seen(seen.as_ref()) else { return };
            let pen = pen.get_or_insert_with(|| Pen::take_up(draft, chance));
            pen.hear(draft);
            let mut ledger = self.ledger.lock().unwrap();
            if !over {
                for _ in 0..=chance.below(3) {
                    pen.write(chance, &mut ledger.written);
                }
            }
            *self.reads.lock().unwrap() = Some(pen.reads());
            let Some(edit) = pen.unsent() else { return };
            let id = chance.id();
            ledger.written.ask(id, pen);
            let ask = IncidentCommand::WriteDraft { draft: DraftId(1), edit };
            (id, Command::OnIncident { incident: IncidentId(1), ask })
        };
        match client.submit(None, id, command.clone()).await {
            Ok(accepted) => self.ledger.lock().unwrap().written.done(id, accepted.events),
            Err(ClientError::Refused(why)) if !matches!(why.status, 429 | 502..=504) => {
                self.ledger.lock().unwrap().wrong.push(format!("an edit was refused: {}", why.detail));
            }
            Err(_) => self.keep(client, id, command),
        }
    }

    /// Sends what waits.
    async fn send_kept(&self, client: &Client) {
        let life = self.house.life.load(Ordering::SeqCst);
        for sent in Outbox::in_folder(&self.folder).send(client).await.unwrap() {
            let mut ledger = self.ledger.lock().unwrap();
            let (id, edit) = (sent.waiting.id, ledger.written.knows(sent.waiting.id));
            match (sent.refused, halts(&sent.waiting.command)) {
                (Some(why), _) if edit => ledger.wrong.push(format!("an edit was refused on return: {why}")),
                (Some(why), _) => ledger.refused(id, why),
                // It was recorded, or is in force.
                (None, Some(agent)) => {
                    let at = self.house.hours.now();
                    ledger.halted.push(Halted { agent, recorded: false, life, at });
                }
                (None, None) if edit => ledger.written.done(id, Vec::new()),
                (None, None) => ledger.done_once(id),
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

    /// A crash cuts the outbox's last line short, in the middle of a character.
    pub fn tears(&self) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.folder.join("outbox.jsonl")).unwrap();
        file.write_all(b"{\"id\":\"01 \xe2\x9f").unwrap();
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
        let stands = writing::draft(&worlds.real).map(|draft| &draft.fields.body);
        let reads = self.reads.lock().unwrap();
        if reads.is_some() && reads.as_ref() != stands {
            return Some(format!("person {} reads {reads:?} in the draft, and there stands {stands:?}", self.number));
        }
        let same = state.world == *worlds.real.seen_by(&state.you.name);
        (!same).then(|| {
            let [theirs, ours] = [&state.world, &worlds.real].map(|world| format!("{world:#?}"));
            let other = theirs.lines().zip(ours.lines()).find(|(theirs, ours)| theirs != ours);
            format!("person {} is at {} of {}: {other:?}", self.number, state.position, worlds.position)
        })
    }
}

fn halt(id: Uuid, agent: AgentId) -> Command {
    let mut engage = Engage { why: Some(mark(id)), ..Engage::default() };
    engage.scope.agent = Some(agent);
    Command::Engage(engage)
}

/// Whom a command halts.
fn halts(command: &Command) -> Option<AgentId> {
    if let Command::Engage(engage) = command { engage.scope.agent.clone() } else { None }
}

fn agent(id: Uuid) -> AgentId {
    mark(id).parse().unwrap()
}
