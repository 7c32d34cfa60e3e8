//! The backend's life (protocol 5): lock, log, tables, then doors; and back in the other order.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    app::Backend,
    clock::Clock,
    front::{self, Certificate, CertificateError},
    home::Home,
    http::{Doorway, Peer},
    inside::{Inside, Stores},
    intake::{BrokerError, HotStore, Limits, StoreError},
    links::PublicUrl,
    listen::{self, ListenError},
    lock::{Lock, LockError, LockInfo},
    log::{Database, LogError, NoDatabase, Store},
    telemetry::Shares,
};
use crate::{api::Problem, runbook::Book};

/// Connections over TLS that wait for their server.
const GUESTS: usize = 64;
/// How long open connections get to end when the backend goes.
const FAREWELL: Duration = Duration::from_secs(2);

/// A socket for every person of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemSocket {
    /// Where.
    pub path: PathBuf,
    /// The group whose members may use it.
    pub group: String,
}

/// What TLS is spoken with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// Where.
    pub listen: Vec<SocketAddr>,
    /// The certificate's chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What a backend is started with.
#[derive(Clone)]
pub struct ServeOptions {
    /// Where its files are.
    pub home: Home,
    /// TCP addresses; none is 127.0.0.1:7420, or the next free port.
    pub listen: Vec<SocketAddr>,
    /// Another place for the log: a path, `sqlite:PATH`, or `postgres://…`.
    pub database: Option<String>,
    /// The NATS servers that several backends of one database share telemetry over: `nats://…`.
    pub telemetry: Option<String>,
    /// Addresses that speak TLS, with this certificate and key (PEM files).
    pub tls: Option<TlsOptions>,
    /// Plain HTTP beyond this machine was asked for by name.
    pub plain_http: bool,
    /// Serves a whole host: a group's socket, and every user's word counts.
    pub system: Option<SystemSocket>,
    /// Who may log in by SSH key: an `allowed_signers` file; `allowed_signers` beside the log where none is named.
    pub signers: Option<PathBuf>,
    /// Names it answers to besides localhost, as a proxy before it passes them on.
    pub hosts: Vec<String>,
    /// Where people reach it from where they read their pages.
    pub public_url: Option<PublicUrl>,
    /// Runs detached, its words in the log file.
    pub daemon: bool,
    /// The runbook of this user's folder.
    pub runbook: Arc<Book>,
    /// The clock.
    pub clock: Clock,
    /// The clock that leases are measured by.
    pub steady: Clock,
}

impl ServeOptions {
    /// A local backend in `home` with everything as shipped.
    pub fn local(home: Home, runbook: Arc<Book>) -> Self {
        Self {
            home,
            listen: Vec::new(),
            database: None,
            telemetry: None,
            tls: None,
            plain_http: false,
            system: None,
            signers: None,
            hosts: Vec::new(),
            public_url: None,
            daemon: false,
            runbook,
            clock: super::clock::system(),
            steady: super::clock::steady(),
        }
    }

    /// Whether somebody beside this user may come: over a host's socket, TLS, or a listener beyond loopback.
    pub fn serves_others(&self) -> bool {
        let beyond = self.listen.iter().any(|address| !address.ip().is_loopback());
        self.system.is_some() || self.tls.is_some() || beyond
    }
}

/// Why a backend does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another one serves this folder, or the lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The log does not open.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store of raw telemetry does not open.
    #[error(transparent)]
    Telemetry(#[from] StoreError),
    /// A door does not open.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The log does not fold, or the folders cannot be made.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// A database of a kind this version does not know.
    #[error(transparent)]
    Database(#[from] NoDatabase),
    /// Telemetry cannot go over the broker that is named.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The system refuses something else.
    #[error("cannot run in the background: {0}")]
    System(#[from] std::io::Error),
}

/// A backend whose doors are open.
pub struct Running {
    /// Where it answers.
    pub info: LockInfo,
    /// What runs.
    pub backend: Arc<Backend>,
    servers: JoinSet<()>,
    tasks: JoinSet<()>,
    lock: Lock,
    heard: PathBuf,
}

/// Serves until a signal or `POST /v1/stop`.
///
/// # Errors
/// What keeps it from starting; nothing is left behind then.
pub async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    if options.daemon {
        // A session of its own: the terminal that started it may go.
        rustix::process::setsid().map_err(std::io::Error::from)?;
        std::env::set_current_dir("/")?;
    }
    allow_many_files();
    let signals = signals();
    let daemon = options.daemon;
    let running = match start(options).await {
        Ok(running) => running,
        Err(ServeError::Lock(held @ LockError::Held { .. })) if daemon => {
            // It lost the race of several starters: the winner serves them all.
            tracing::info!(%held, "not needed");
            return Ok(());
        }
        Err(why) => return Err(why),
    };
    tokio::spawn(stop_on_signal(signals, running.backend.stop.clone()));
    running.until_stopped().await.until_exit();
    Ok(())
}

/// Every subscriber is an open file: the soft limit, often 1,024, gives way to the hard one.
fn allow_many_files() {
    let hard = getrlimit(Resource::Nofile).maximum;
    if let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: hard, maximum: hard }) {
        tracing::warn!(%why, "the limit of open files stays as it is; subscribers beyond it wait outside");
    }
}

/// Starts one: the table is loaded before any door opens.
///
/// # Errors
/// What keeps it from starting; nothing is left behind then.
pub async fn start(options: ServeOptions) -> Result<Running, ServeError> {
    let ServeOptions { home, clock, system, .. } = &options;
    home.prepare()?;
    let mut lock = Lock::take(&home.lock())?;
    let stores = stores(&options).await?;
    let mut inside = Inside::begin(&options, stores).await?;
    let tcp = listen::tcp(&options.listen, options.plain_http).await?;
    let mut fronts = Vec::new();
    let mut tls_addresses = Vec::new();
    if let Some(tls) = &options.tls {
        let certificate = Certificate::read(&tls.certificate, &tls.key)?;
        for listener in listen::tls(&tls.listen).await? {
            tls_addresses.extend(listener.local_addr().ok().map(|address| address.to_string()));
            let (guests, door) = tokio::sync::mpsc::channel(GUESTS);
            inside.tasks.spawn(front::serve(listener, certificate.clone(), guests));
            fronts.push(Doorway::Front(door));
        }
        inside.tasks.spawn(certificate.watch());
    }
    let group = system.as_ref().map(|system| system.group.as_str());
    let socket_path = system.as_ref().map_or_else(|| home.socket(), |system| system.path.clone());
    let socket = listen::socket(&socket_path, group)?;
    let addresses: Vec<String> =
        tcp.iter().filter_map(|listener| listener.local_addr().ok()).map(|address| address.to_string()).collect();
    let _ = inside.backend.telemetry.set(addresses.first().cloned().unwrap_or_default());
    let info = LockInfo {
        pid: std::process::id(),
        socket: socket_path,
        tcp: addresses,
        tls: tls_addresses,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_file: options.daemon.then(|| home.log_file()),
        started_at: clock(),
    };
    let doorways = std::iter::once(Doorway::Unix(socket)).chain(tcp.into_iter().map(Doorway::Tcp)).chain(fronts);
    let servers = open(&inside, doorways);
    lock.announce(&info)?;
    tracing::info!(socket = %info.socket.display(), tcp = ?info.tcp, version = %info.version, "the backend answers");
    let Inside { backend, tasks, .. } = inside;
    Ok(Running { info, backend, servers, tasks, lock, heard: home.heard() })
}

/// Opens what everything is kept in.
async fn stores(options: &ServeOptions) -> Result<Stores<Store>, ServeError> {
    let ServeOptions { home, clock, .. } = options;
    let database = match &options.database {
        Some(named) => named.parse()?,
        None => Database::Sqlite(home.database()),
    };
    let log = Store::open(&database, clock()).await?;
    let shared = match &log {
        Store::Postgres(log) => Some(log.pool().clone()),
        Store::Sqlite(_) => None,
    };
    let shares = Shares::over(options.telemetry.clone(), &shared, &options.steady).await?;
    let (telemetry, note) = HotStore::open(&home.telemetry(), Limits::default(), clock()).await?;
    if let Some(note) = note {
        tracing::warn!("{note}");
    }
    Ok(Stores { log, telemetry, shared, shares })
}

impl Running {
    /// Runs until it is told to stop, then ends what is open, in a bounded time. What answers is the lock on its folder.
    pub async fn until_stopped(mut self) -> Lock {
        self.backend.stop.cancelled().await;
        self.backend.rooms.interlocks.room().close().await;
        let ended = tokio::time::timeout(FAREWELL, async { while self.servers.join_next().await.is_some() {} });
        if ended.await.is_err() {
            tracing::info!("connections that did not end were cut");
        }
        self.servers.shutdown().await;
        self.tasks.shutdown().await;
        self.backend.rooms.interlocks.save(&self.heard);
        if let Some(intakes) = self.backend.rooms.intakes.get() {
            intakes.close().await;
        }
        let _ = std::fs::remove_file(&self.info.socket);
        tracing::info!("the backend has stopped");
        self.lock
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) {
        self.backend.stop.cancel();
        drop(self.until_stopped().await);
    }
}

fn open(inside: &Inside, doorways: impl Iterator<Item = Doorway>) -> JoinSet<()> {
    let (router, stop) = (inside.router(), &inside.backend.stop);
    let mut servers = JoinSet::new();
    for doorway in doorways {
        let service = router.clone().into_make_service_with_connect_info::<Peer>();
        let serving = axum::serve(doorway, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        servers.spawn(async move { tell(serving.await) });
    }
    servers
}

fn tell(ended: std::io::Result<()>) {
    if let Err(why) = ended {
        tracing::error!(%why, "a listener ended");
    }
}

/// Hears what tells it to stop; taken before it is announced, so that nobody ends it before it listens.
fn signals() -> Vec<Signal> {
    let mut heard = Vec::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        match signal(kind) {
            Ok(stream) => heard.push(stream),
            Err(why) => tracing::warn!(%why, "a signal cannot be heard"),
        }
    }
    heard
}

async fn stop_on_signal(mut signals: Vec<Signal>, stop: CancellationToken) {
    if signals.is_empty() {
        return;
    }
    futures_util::future::select_all(signals.iter_mut().map(|stream| Box::pin(stream.recv()))).await;
    tracing::info!("told to stop by a signal");
    stop.cancel();
}
