//! How a command reaches its backend: the one that is named, else this user's own, started if it must be (protocol 5).

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::UnixStream, sync::OnceCell};
use uuid::Uuid;

use super::{
    break_glass::Queue,
    outbox,
    print::{self, Failed},
};
use crate::{
    api::{Accepted, RunbookView, path},
    backend::local,
    client::{Client, ClientError, Heard, Outbox, Target},
    config::{Settings, system_socket},
    incident::{Command, Event, Fact, IncidentCommand, World},
    runbook::Runbook,
    terms::{DrillId, IncidentId},
};

/// How long a backend has to say that it lives, where something else can be done without it.
const LOOK: std::time::Duration = std::time::Duration::from_secs(3);

/// What every command works with.
pub struct Reach {
    /// The configuration.
    pub settings: Settings,
    /// The drill's world asked for.
    pub world: Option<DrillId>,
    /// Answer in JSON.
    pub json: bool,
    client: OnceCell<Client>,
    /// The terminal belongs to the cockpit: nothing is printed.
    quiet: AtomicBool,
}

impl Reach {
    pub fn new(settings: Settings, world: Option<DrillId>, json: bool) -> Self {
        Self { settings, world, json, client: OnceCell::new(), quiet: AtomicBool::new(false) }
    }

    /// From now on the terminal belongs to somebody else: nothing is printed by the way.
    pub fn be_quiet(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    /// The backend, started if it is this user's own and not running.
    pub async fn client(&self) -> Result<&Client, Failed> {
        self.client
            .get_or_try_init(|| async {
                let target = match self.found().await? {
                    Some(target) => target,
                    None => {
                        let program = std::env::current_exe()?;
                        let running = local::ensure_running(&self.settings.home, &program).await?;
                        Target::Socket(running.socket)
                    }
                };
                let client = Client::new(target)?;
                self.reconcile(&client).await;
                Ok(client)
            })
            .await
    }

    /// The backend that is named, else a whole host's, where one answers. A home of one's own means a backend of one's own.
    async fn found(&self) -> Result<Option<Target>, Failed> {
        let named = self.settings.named()?;
        if named.is_some() || self.settings.home.root.is_some() && std::env::var_os("ANDON_SYSTEM_SOCKET").is_none() {
            return Ok(named);
        }
        let socket = system_socket();
        match UnixStream::connect(&socket).await {
            Ok(_) => Ok(Some(Target::Socket(socket))),
            Err(why) if why.kind() == ErrorKind::PermissionDenied => {
                let place = socket.display();
                eprintln!(
                    "a backend serves this host at {place}, and you are not in its group; going on with your own"
                );
                Ok(None)
            }
            Err(_) => Ok(None),
        }
    }

    /// Why the backend is not reached; nothing when it answers.
    pub async fn unreached(&self) -> Option<String> {
        let client = match self.client().await {
            Ok(client) => client,
            Err(why) => return Some(why.to_string()),
        };
        match tokio::time::timeout(LOOK, client.get_text(path::HEALTH, "application/json")).await {
            Ok(Err(why)) if why.is_lost() => Some(why.to_string()),
            Err(_) => Some(format!("{} does not answer", client.target().place())),
            Ok(_) => None,
        }
    }

    /// Tells the backend what break-glass did as soon as it is reached again.
    pub async fn reconcile_soon(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.unreached().await.is_none() {
                if let Ok(client) = self.client().await {
                    self.reconcile(client).await;
                }
                return;
            }
        }
    }

    /// Sends what was asked while the backend was not reached, and says what became of it.
    async fn send_kept(&self, client: &Client) {
        let outbox = Outbox::in_folder(&self.settings.home.data);
        if outbox.waiting(&client.target().place()).is_empty() {
            return;
        }
        let quiet = self.quiet.load(Ordering::Relaxed);
        match outbox.send(client).await {
            Ok(sent) if !quiet => sent.iter().for_each(|one| eprintln!("{}", print::clean(outbox::words(one)))),
            Ok(_) => {}
            Err(why) => {
                eprintln!("what waits cannot be told from what was sent: {why}; it is sent again, and done once")
            }
        }
    }

    /// Tells the backend what break-glass did while it was not reached (law 6).
    async fn reconcile(&self, client: &Client) {
        let queue = Queue::of(&self.settings.home);
        self.send_kept(client).await;
        if queue.is_empty() {
            return;
        }
        let health = client.get_text(path::HEALTH, "application/json");
        if !matches!(tokio::time::timeout(LOOK, health).await, Ok(Ok(_))) {
            return;
        }
        let said = match queue.tell(client).await {
            Ok(taken) if taken.is_empty() => return,
            Ok(taken) => format!("told the backend of {} break-glass halts; `andon switches` shows them", taken.len()),
            Err(why) => format!("break-glass halts are not told yet: {why}"),
        };
        if !self.quiet.load(Ordering::Relaxed) {
            eprintln!("{said}");
        }
    }

    /// The backend if it runs; never starts one.
    pub async fn running(&self) -> Result<Option<Client>, Failed> {
        if let Some(target) = self.found().await? {
            return Ok(Some(Client::new(target)?));
        }
        match local::running(&self.settings.home).await {
            Some(running) => Ok(Some(Client::new(Target::Socket(running.socket))?)),
            None => Ok(None),
        }
    }

    /// The runbook in force, or the one of `version`: the backend's where one runs, else that of this user's folder.
    pub async fn runbook(&self, version: Option<&str>) -> Result<Arc<Runbook>, Failed> {
        match self.view(version).await? {
            Some(view) => Ok(view.read()?),
            None => Ok(self.settings.runbook()?),
        }
    }

    /// The backend's runbook in force with its texts; none where no backend runs.
    pub async fn book(&self) -> Result<Option<RunbookView>, Failed> {
        self.view(None).await
    }

    async fn view(&self, version: Option<&str>) -> Result<Option<RunbookView>, Failed> {
        let Some(client) = self.running().await? else { return Ok(None) };
        match client.get(&version.map_or_else(|| path::RUNBOOK.to_owned(), path::runbook)).await {
            Ok(view) => Ok(Some(view)),
            // An incident of before versions were kept.
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(why) => Err(why.into()),
        }
    }

    /// `path` in the world asked for.
    pub fn at(&self, path: impl AsRef<str>) -> String {
        format!("{}{}", path.as_ref(), path::in_world(self.world))
    }

    /// `GET`s from the world asked for.
    pub async fn get<T: DeserializeOwned>(&self, path: impl AsRef<str>) -> Result<T, Failed> {
        Ok(self.client().await?.get(&self.at(path)).await?)
    }

    /// Asks a command.
    pub async fn submit(&self, command: Command) -> Result<Accepted, Failed> {
        let (client, id) = (self.client().await?, Uuid::now_v7());
        match client.submit(self.world, id, command.clone()).await {
            Err(why) if why.is_lost() => {
                // Law 6: what only adds is not lost with the network.
                let kept = outbox::keep(self, client, id, command)?;
                let word = if kept { "it waits" } else { "nothing was done" };
                Err(Failed(format!("{why}; {word}")))
            }
            answer => Ok(answer?),
        }
    }

    /// Asks something of an incident, and says what came of it.
    pub async fn ask(&self, incident: IncidentId, ask: IncidentCommand) -> Result<(), Failed> {
        let accepted = self.submit(Command::OnIncident { incident, ask }).await?;
        self.told(&accepted, |kinds| format!("{incident}: {kinds}"))
    }

    /// Hands every event from now on to `each`, with the world as it stands after it, for ever.
    pub async fn follow(&self, mut each: impl FnMut(&World, &Event) -> Result<(), Failed>) -> Result<(), Failed> {
        let client = self.client().await?;
        let mut state = client.state(self.world).await?;
        let mut heard = std::pin::pin!(client.events(self.world, state.epoch, state.position));
        while let Some(heard) = heard.next().await {
            match heard {
                Heard::Event(event) => {
                    state.world.apply(&event);
                    each(&state.world, &event)?;
                }
                Heard::Lost(why) => eprintln!("{why}; trying again"),
                Heard::Resync => return Err("the backend began a new life; run this again".into()),
                Heard::Connected | Heard::Live(_) => {}
            }
        }
        Ok(())
    }

    /// Says what a command did: the answer itself, or its facts in a line.
    pub fn told(&self, accepted: &Accepted, text: impl Fn(String) -> String) -> Result<(), Failed> {
        for event in &accepted.events {
            // TEN.2: it is warned of, never blocked.
            if let Fact::BegunBeforeContainment(early) = &event.fact {
                eprintln!("⚠ {}", early.line());
            }
        }
        if self.json {
            return print::json(accepted);
        }
        let kinds: Vec<String> = accepted.events.iter().map(|event| event.fact.kind()).collect();
        print::line(text(if kinds.is_empty() { "nothing left to do".into() } else { kinds.join(", ") }))
    }

    /// Prints `value` as JSON where that is asked, else as `text` does.
    pub fn show<T: Serialize>(&self, value: &T, text: impl FnOnce(&T) -> Result<(), Failed>) -> Result<(), Failed> {
        if self.json { print::json(value) } else { text(value) }
    }
}
