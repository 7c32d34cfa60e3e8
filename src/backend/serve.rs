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
    core::{Core, Options},
    front::{self, Certificate, CertificateError},
    home::Home,
    http::{self, Doorway, Peer},
    intake::{BrokerError, Intakes, StoreError},
    interlock::{Memory, remember},
    limits,
    links::{Links, PublicUrl},
    listen::{self, ListenError},
    lock::{Lock, LockError, LockInfo},
    log::{Database, LogError, NoDatabase, Store},
    login::Logins,
    nodes::{self, Nodes},
    presence::Presence,
    rooms::Rooms,
    tasks, telemetry, upkeep,
};
use crate::{
    api::Problem,
    runbook::{Book, Runbook},
};

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
    running.until_stopped().await;
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
    let ServeOptions {
        home,
        listen,
        tls,
        database,
        telemetry,
        plain_http,
        system,
        signers,
        mut hosts,
        public_url,
        daemon,
        runbook,
        clock,
        steady,
    } = options;
    home.prepare()?;
    let mut lock = Lock::take(&home.lock())?;
    let database = match database {
        Some(named) => named.parse()?,
        None => Database::Sqlite(home.database()),
    };
    let folder = runbook;
    let runbook = Arc::new(arc_swap::ArcSwap::new(folder.runbook.clone()));
    let rooms = Arc::new(Rooms::new(clock.clone(), steady.clone(), runbook.clone()));
    rooms.interlocks.recall(Memory::read(&home.heard()), clock());
    let options = Options {
        interlocks: rooms.interlocks.clone(),
        runbook: runbook.clone(),
        clock: clock.clone(),
        pulse: rooms.interlocks.pulse().clone(),
    };
    let log = Store::open(&database, clock()).await?;
    let shared = match &log {
        Store::Postgres(log) => Some(log.pool().clone()),
        Store::Sqlite(_) => None,
    };
    let core = Core::open(log, options).await?;
    let shares = telemetry::Shares::over(telemetry, &shared, &steady).await?;
    let nodes = Arc::new(if shared.is_some() { Nodes::among(steady) } else { Nodes::alone(steady) });
    upkeep::begin(&core, &folder).await?;
    let intakes = telemetry::begin(&home, &core, &rooms, (&runbook, &clock), shares).await?;
    let _ = rooms.intakes.set(intakes.clone());
    hosts.push(super::app::host_name());
    hosts.extend(public_url.as_ref().map(|url| url.host().to_owned()));
    let log_file = daemon.then(|| home.log_file());
    let backend = Arc::new(Backend {
        core,
        rooms,
        presence: Presence::default(),
        hooks: super::outward::Hooks::default(),
        probes: super::outward::Probes::default(),
        playing: super::drill::Playing::default(),
        nodes,
        links: Links::new(public_url),
        limits: limits::Limits::default(),
        logins: Logins::new(signers.unwrap_or_else(|| home.signers()), super::app::host_name()),
        blobs: super::blobs::Blobs::in_folder(home.blobs()),
        runbook: runbook.clone(),
        clock: clock.clone(),
        stop: CancellationToken::new(),
        uid: rustix::process::getuid().as_raw(),
        shared: system.is_some(),
        hosts,
        telemetry: std::sync::OnceLock::new(),
        log_file: log_file.as_ref().map(|file| file.display().to_string()),
    });
    let mut tasks = tasks::start(&backend);
    tasks.spawn(super::outward::keep_armed(backend.clone(), runbook.clone()));
    if let Some(pool) = shared {
        tasks.spawn(nodes::keep(backend.clone(), pool));
    }
    tasks.spawn(leading(&backend, super::outward::run));
    tasks.spawn(leading(&backend, super::outward::deliver));
    tasks.spawn(leading(&backend, super::outward::page));
    tasks.spawn(leading(&backend, super::outward::hooks));
    tasks.spawn(super::evidence::keep(backend.clone(), runbook.clone()));
    tasks.spawn(remember(backend.rooms.interlocks.clone(), home.heard(), clock.clone()));

    let tcp = listen::tcp(&listen, plain_http).await?;
    let mut fronts = Vec::new();
    let mut tls_addresses = Vec::new();
    if let Some(tls) = tls {
        let certificate = Certificate::read(&tls.certificate, &tls.key)?;
        for listener in listen::tls(&tls.listen).await? {
            tls_addresses.extend(listener.local_addr().ok().map(|address| address.to_string()));
            let (guests, door) = tokio::sync::mpsc::channel(GUESTS);
            tasks.spawn(front::serve(listener, certificate.clone(), guests));
            fronts.push(Doorway::Front(door));
        }
        tasks.spawn(certificate.watch());
    }
    let group = system.as_ref().map(|system| system.group.as_str());
    let socket_path = system.as_ref().map_or_else(|| home.socket(), |system| system.path.clone());
    let socket = listen::socket(&socket_path, group)?;
    let addresses: Vec<String> =
        tcp.iter().filter_map(|listener| listener.local_addr().ok()).map(|address| address.to_string()).collect();
    let _ = backend.telemetry.set(addresses.first().cloned().unwrap_or_default());
    let info = LockInfo {
        pid: std::process::id(),
        socket: socket_path,
        tcp: addresses,
        tls: tls_addresses,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        log_file,
        started_at: clock(),
    };
    let doorways = std::iter::once(Doorway::Unix(socket)).chain(tcp.into_iter().map(Doorway::Tcp)).chain(fronts);
    let servers = open(&backend, intakes, doorways);
    lock.announce(&info)?;
    tracing::info!(socket = %info.socket.display(), tcp = ?info.tcp, version = %info.version, "the backend answers");
    Ok(Running { info, backend, servers, tasks, lock, heard: home.heard() })
}

/// What only one backend of a database does.
fn leading<W: Future<Output = ()>>(
    backend: &Arc<Backend>,
    work: fn(Arc<Backend>, Arc<arc_swap::ArcSwap<Runbook>>) -> W,
) -> impl Future<Output = ()> + use<W> {
    let backend = backend.clone();
    async move { backend.nodes.while_leading(|| work(backend.clone(), backend.runbook.clone())).await }
}

impl Running {
    /// Runs until it is told to stop, then ends what is open, in a bounded time.
    pub async fn until_stopped(mut self) {
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
        drop(self.lock);
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) {
        self.backend.stop.cancel();
        self.until_stopped().await;
    }
}

fn open(backend: &Arc<Backend>, intakes: Intakes, doorways: impl Iterator<Item = Doorway>) -> JoinSet<()> {
    let router = http::router(backend.clone(), intakes);
    let mut servers = JoinSet::new();
    for doorway in doorways {
        let service = router.clone().into_make_service_with_connect_info::<Peer>();
        let serving = axum::serve(doorway, service).with_graceful_shutdown(backend.stop.clone().cancelled_owned());
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
