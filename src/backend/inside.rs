//! A backend without its doors: the log folded, the tables loaded, everything that runs by itself. Whoever opens the doors
//! decides how it is reached; a simulation opens others.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use axum::Router;
use sqlx::postgres::PgPool;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    app::{Backend, host_name},
    blobs::Blobs,
    core::{Core, Options},
    drill::Playing,
    http,
    intake::{HotStore, Intakes},
    interlock::{Memory, remember},
    limits::Limits,
    links::Links,
    log::Log,
    login::Logins,
    nodes::{self, Nodes},
    outward::{self, Hooks, Probes},
    presence::Presence,
    rooms::Rooms,
    serve::{ServeError, ServeOptions},
    tasks,
    telemetry::{self, Shares},
    upkeep,
};
use crate::runbook::Runbook;

/// What a backend keeps things in, open.
pub struct Stores<L> {
    /// Its log.
    pub log: L,
    /// Its raw telemetry.
    pub telemetry: HotStore,
    /// The database that other backends share.
    pub shared: Option<PgPool>,
    /// What they share telemetry by.
    pub shares: Option<Shares>,
}

impl<L> Stores<L> {
    /// Of a backend that is alone.
    pub fn alone(log: L, telemetry: HotStore) -> Self {
        Self { log, telemetry, shared: None, shares: None }
    }
}

/// A backend whose doors are still closed.
pub struct Inside {
    /// What runs.
    pub backend: Arc<Backend>,
    /// What runs by itself, while this is kept.
    pub tasks: JoinSet<()>,
    intakes: Intakes,
}

impl Inside {
    /// Folds the log, loads the tables, and begins what runs by itself.
    ///
    /// # Errors
    /// A log that cannot be read, or telemetry that cannot begin.
    pub async fn begin<L: Log>(options: &ServeOptions, stores: Stores<L>) -> Result<Self, ServeError> {
        let ServeOptions { home, runbook: folder, clock, steady, .. } = options;
        let Stores { log, telemetry, shared, shares } = stores;
        let runbook = Arc::new(ArcSwap::new(folder.runbook.clone()));
        let rooms = Arc::new(Rooms::new(clock.clone(), steady.clone(), runbook.clone()));
        rooms.interlocks.recall(Memory::read(&home.heard()), clock());
        let writing = Options {
            interlocks: rooms.interlocks.clone(),
            runbook: runbook.clone(),
            clock: clock.clone(),
            pulse: rooms.interlocks.pulse().clone(),
        };
        let core = Core::open(log, writing).await?;
        let nodes = if shared.is_some() { Nodes::among(steady.clone()) } else { Nodes::alone(steady.clone()) };
        upkeep::begin(&core, folder).await?;
        let intakes = telemetry::begin(telemetry, &core, &rooms, (&runbook, clock), shares).await?;
        let _ = rooms.intakes.set(intakes.clone());
        let public_url = options.public_url.clone();
        let mut hosts = options.hosts.clone();
        hosts.push(host_name());
        hosts.extend(public_url.as_ref().map(|url| url.host().to_owned()));
        let backend = Arc::new(Backend {
            core,
            rooms,
            presence: Presence::default(),
            hooks: Hooks::default(),
            probes: Probes::default(),
            playing: Playing::default(),
            nodes: Arc::new(nodes),
            links: Links::new(public_url),
            limits: Limits::default(),
            logins: Logins::new(options.signers.clone().unwrap_or_else(|| home.signers()), host_name()),
            blobs: Blobs::in_folder(home.blobs()),
            runbook,
            clock: clock.clone(),
            stop: CancellationToken::new(),
            uid: rustix::process::getuid().as_raw(),
            shared: shared.is_some() || options.serves_others(),
            hosts,
            telemetry: OnceLock::new(),
            log_file: options.daemon.then(|| home.log_file().display().to_string()),
        });
        backend.logins.ready(&backend.core).await;
        let tasks = work(&backend, options, shared);
        Ok(Self { backend, tasks, intakes })
    }

    /// Every route, for whichever door.
    pub fn router(&self) -> Router {
        http::router(self.backend.clone(), self.intakes.clone())
    }
}

/// Begins what runs by itself.
fn work(backend: &Arc<Backend>, options: &ServeOptions, shared: Option<PgPool>) -> JoinSet<()> {
    let runbook = backend.runbook.clone();
    let mut tasks = tasks::start(backend);
    tasks.spawn(outward::keep_armed(backend.clone(), runbook.clone()));
    if let Some(pool) = shared {
        tasks.spawn(nodes::keep(backend.clone(), pool));
    }
    tasks.spawn(leading(backend, outward::run));
    tasks.spawn(leading(backend, outward::deliver));
    tasks.spawn(leading(backend, outward::page));
    tasks.spawn(leading(backend, outward::hooks));
    tasks.spawn(super::evidence::keep(backend.clone(), runbook));
    tasks.spawn(remember(backend.rooms.interlocks.clone(), options.home.heard(), options.clock.clone()));
    tasks
}

/// What only one backend of a database does.
fn leading<W: Future<Output = ()>>(
    backend: &Arc<Backend>,
    work: fn(Arc<Backend>, Arc<ArcSwap<Runbook>>) -> W,
) -> impl Future<Output = ()> + use<W> {
    let backend = backend.clone();
    async move { backend.nodes.while_leading(|| work(backend.clone(), backend.runbook.clone())).await }
}
