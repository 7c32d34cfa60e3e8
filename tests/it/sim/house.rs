//! The backend's host: the real backend behind other doors, on its disk, through all its lives.

use std::{
    path::PathBuf,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use andon::{
    backend::{
        app::Backend,
        clock::Clock,
        home::Home,
        identity::hash_of,
        inside::{Inside, Stores},
        intake::HotStore,
        serve::ServeOptions,
    },
    incident::{Command, Declare, IncidentCommand, Role},
    runbook::Book,
    terms::{Author, IncidentId, Time},
};

use super::{chance::Chance, disk::Disk, wires};

static BOOK: LazyLock<Arc<Book>> = LazyLock::new(|| Arc::new(Book::shipped()));
/// When every simulation begins.
const BEGIN: i64 = 1_795_000_000_000;

/// Simulated time, for every host and thread.
#[derive(Clone, Default)]
pub struct Hours(Arc<AtomicI64>);

impl Hours {
    pub fn set(&self, elapsed: Duration) {
        self.0.store(i64::try_from(elapsed.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn now(&self) -> Time {
        Time::from_millis(BEGIN + self.0.load(Ordering::SeqCst))
    }

    fn clock(&self) -> Clock {
        let hours = self.clone();
        Arc::new(move || hours.now())
    }
}

/// A token that a host shows.
pub struct Pass {
    pub name: String,
    pub role: Role,
    pub secret: String,
}

pub struct House {
    pub home: Home,
    pub hours: Hours,
    pub passes: Vec<Pass>,
    /// The disk takes nothing while this holds.
    pub full: Arc<AtomicBool>,
    /// Which life this is.
    pub life: AtomicU64,
    /// What runs, for whoever looks at it from outside.
    pub running: Mutex<Option<Arc<Backend>>>,
    seed: u64,
}

impl House {
    pub fn new(folder: PathBuf, hours: Hours, passes: Vec<Pass>, seed: u64) -> Self {
        Self {
            home: Home::under(folder),
            hours,
            passes,
            full: Arc::default(),
            life: AtomicU64::new(0),
            running: Mutex::default(),
            seed,
        }
    }

    /// One life. What keeps it from starting is tried again, as a supervisor does.
    pub async fn live(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
        loop {
            if let Err(why) = self.serve().await {
                tracing::info!(why, "the backend starts again");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn serve(&self) -> Result<(), String> {
        self.home.prepare().map_err(|why| why.to_string())?;
        let mut options = ServeOptions::local(self.home.clone(), BOOK.clone());
        options.clock = self.hours.clock();
        options.steady = self.hours.clock();
        let chance = Chance::of(self.seed, 99, self.life.load(Ordering::SeqCst));
        let log = Disk::open(&self.home.database(), self.hours.now(), chance, self.full.clone());
        let stores = Stores::alone(log.map_err(|why| why.to_string())?, HotStore::in_memory());
        let inside = Inside::begin(&options, stores).await.map_err(|why| why.to_string())?;
        let _ = inside.backend.telemetry.set(format!("{}:{}", wires::HOST, wires::PORT));
        self.set_up(&inside.backend).await?;
        *self.running.lock().unwrap() = Some(inside.backend.clone());
        wires::serve(&inside).await.map_err(|why| why.to_string())
    }

    /// Tokens for everybody, a first incident and its draft, once.
    async fn set_up(&self, backend: &Backend) -> Result<(), String> {
        let by = || Author::Person("dana".into());
        let mut chance = Chance::of(self.seed, 98, 0);
        for Pass { name, role, secret } in &self.passes {
            let command = Command::MakeToken { name: name.clone(), role: *role, agent: None, hash: hash_of(secret) };
            backend.core.submit(None, chance.id(), by(), command).await.map_err(|why| why.to_string())?;
        }
        let declare = Command::Declare(Declare { title: "refunds paid twice".into(), ..Declare::default() });
        let start = IncidentCommand::StartDraft { audience: "customer".into() };
        let start = Command::OnIncident { incident: IncidentId(1), ask: start };
        for command in [declare, start] {
            backend.core.submit(None, chance.id(), by(), command).await.map_err(|why| why.to_string())?;
        }
        Ok(())
    }
}
