//! The connection to NATS, and the one stream that every node shares. Both may be away when the backend begins, and go
//! away while it runs: halting needs neither.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_nats::{
    Client, ConnectOptions, ServerAddr,
    connection::State,
    jetstream::{
        self, Context,
        consumer::{DeliverPolicy, pull},
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType},
    },
};
use sqlx::postgres::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    status::BrokerStatus,
    wire::{PARTITIONS, STREAM, subject},
};

/// What the stream may hold, the first that the server has room for; one that is there keeps its own (`nats stream edit`).
const BYTES: [i64; 3] = [8 << 30, 1 << 30, 128 << 20];
/// How long the broker knows an id again (protocol 1).
const REMEMBERED: Duration = Duration::from_secs(3600);
/// How long the broker may take to acknowledge.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Messages on their way to it at most, over all requests.
const IN_FLIGHT: usize = 1 << 14;
/// Between two looks at the stream.
const LOOK: Duration = Duration::from_secs(1);

/// Why telemetry cannot go over a broker.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The address does not read.
    #[error("--telemetry takes nats://HOST:PORT (or tls://…), several with commas between: {0}")]
    Address(String),
    /// Only nodes of one database share telemetry.
    #[error(
        "--telemetry is for several backends on one Postgres database: name it with --database postgres://…, or leave --telemetry out: one backend needs no broker"
    )]
    NoDatabase,
    /// The stream is none that this version made.
    #[error(
        "the stream {STREAM} is not andon's: its subjects are not andon.actions.0, andon.actions.1 and so on; use a NATS account of its own"
    )]
    Foreign,
    /// The stream is another team's.
    #[error("the stream {STREAM} belongs to the backends of another database; use a NATS account of its own")]
    OfOthers,
    /// The broker does not do what it is asked.
    #[error("NATS: {0}")]
    Nats(String),
    /// The database does not.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
}

/// A word of the broker's, as an error.
pub(super) fn nats(why: impl std::fmt::Display) -> BrokerError {
    BrokerError::Nats(why.to_string())
}

/// The stream, once it is there.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    /// What is asked of it.
    pub context: Context,
    /// How many partitions it has.
    pub partitions: u32,
    /// Which of the streams that were ever read it is.
    pub ordinal: i32,
    made: String,
}

/// A connection; cheap to clone.
#[derive(Clone)]
pub struct Broker {
    client: Client,
    context: Context,
    status: Arc<BrokerStatus>,
    ready: watch::Sender<Option<Ready>>,
}

impl Broker {
    /// Begins to connect, and goes on until it succeeds.
    ///
    /// # Errors
    /// An address that does not read.
    pub async fn connect(address: &str) -> Result<Self, BrokerError> {
        let wrong = |why: &dyn std::fmt::Display| BrokerError::Address(why.to_string());
        let servers: Vec<ServerAddr> = address.split(',').map(server).collect::<Result<_, _>>()?;
        let mut options = ConnectOptions::new()
            .name("andon")
            .retry_on_initial_connect()
            .connection_timeout(PATIENCE)
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|attempt| Duration::from_millis((100 << attempt.min(5)).min(2_000)));
        let first = servers.first().ok_or_else(|| wrong(&"no server is named"))?;
        match (first.username(), first.password()) {
            (Some(user), Some(password)) => options = options.user_and_password(user.to_owned(), password.to_owned()),
            (Some(token), None) => options = options.token(token.to_owned()),
            (None, _) => {}
        }
        let place: Vec<String> = servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        let client = options.connect(servers).await.map_err(|why| wrong(&why))?;
        let context = jetstream::ContextBuilder::new()
            .timeout(PATIENCE)
            .ack_timeout(PATIENCE)
            .max_ack_inflight(IN_FLIGHT)
            .backpressure_on_inflight(true)
            .build(client.clone());
        let status = Arc::new(BrokerStatus::of(place.join(", ")));
        Ok(Self { client, context, status, ready: watch::Sender::new(None) })
    }

    /// How it stands.
    pub fn status(&self) -> &Arc<BrokerStatus> {
        &self.status
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// How often it was connected: what was read before another time is to be read on.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// The stream, where it can be used now.
    pub(super) fn ready(&self) -> Option<Ready> {
        let connected = self.client.connection_state() == State::Connected;
        if connected && self.status.wrong().is_none() { self.ready.borrow().clone() } else { None }
    }

    /// Comes once the stream is there.
    pub(super) async fn wait_ready(&self) -> Option<Ready> {
        let mut ready = self.ready.subscribe();
        ready.wait_for(Option::is_some).await.ok().and_then(|ready| ready.clone())
    }

    /// Makes the stream where there is none, and looks at it now and then, until it is stopped. `log` names the log that its
    /// telemetry is of.
    pub(super) async fn look(self, pool: PgPool, log: String, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let wrong = match self.client.connection_state() {
                State::Connected => self.look_once(&pool, &log).await.err().map(|why| why.to_string()),
                State::Pending | State::Disconnected => Some("NATS is not reached".to_owned()),
            };
            self.status.is_wrong(wrong.map(|why| format!("no telemetry is taken: {why}")));
        }
    }

    async fn look_once(&self, pool: &PgPool, log: &str) -> Result<(), BrokerError> {
        let known = self.ready.borrow().clone();
        let stream = match &known {
            None => self.make(log).await?,
            Some(_) => self.context.get_stream(STREAM).await.map_err(nats)?,
        };
        let info = stream.cached_info();
        let partitions = partitions(&info.config.subjects).ok_or(BrokerError::Foreign)?;
        if info.config.description.as_deref() != Some(&describe(log)) {
            return Err(BrokerError::OfOthers);
        }
        let made = info.created.to_rfc3339();
        match known {
            None => {
                let ordinal = ordinal(pool, &made).await?;
                self.status.has_partitions(partitions);
                self.ready.send_replace(Some(Ready { context: self.context.clone(), partitions, ordinal, made }));
            }
            Some(known) if made != known.made => {
                return Err(nats("the stream was made anew: restart the backends, one after the other"));
            }
            Some(_) => {}
        }
        self.status.stream_holds(info.state.bytes, info.config.max_bytes);
        self.status.stream_ends(info.state.last_sequence);
        Ok(())
    }

    /// The stream, made as large as the server's disk allows where there is none.
    async fn make(&self, log: &str) -> Result<jetstream::stream::Stream, BrokerError> {
        let mut refused = None;
        for bytes in BYTES {
            match self.context.get_or_create_stream(config(log, bytes)).await {
                Ok(stream) => return Ok(stream),
                Err(why) => refused = Some(why),
            }
        }
        Err(refused.map_or_else(|| nats("no stream"), nats))
    }
}

impl Ready {
    /// Reads a partition's messages, or everybody's, in their order.
    ///
    /// # Errors
    /// A broker that is away.
    pub async fn read(
        &self,
        partition: Option<u32>,
        deliver_policy: DeliverPolicy,
    ) -> Result<(pull::Ordered, u64), BrokerError> {
        let stream = self.context.get_stream_no_info(STREAM).await.map_err(nats)?;
        let filter_subject = partition.map_or_else(String::new, subject);
        let config = pull::OrderedConfig { filter_subject, deliver_policy, ..pull::OrderedConfig::default() };
        let consumer = stream.create_consumer(config).await.map_err(nats)?;
        let pending = consumer.cached_info().num_pending;
        Ok((consumer.messages().await.map_err(nats)?, pending))
    }

    /// The last message that the stream holds, or held.
    ///
    /// # Errors
    /// A broker that is away.
    pub async fn last(&self) -> Result<u64, BrokerError> {
        let stream = self.context.get_stream(STREAM).await.map_err(nats)?;
        Ok(stream.cached_info().state.last_sequence)
    }

    /// Has the broker forget a partition's messages before `seq`.
    ///
    /// # Errors
    /// A broker that is away.
    pub async fn forget(&self, partition: u32, seq: u64) -> Result<(), BrokerError> {
        let stream = self.context.get_stream_no_info(STREAM).await.map_err(nats)?;
        stream.purge().filter(subject(partition)).sequence(seq).await.map(drop).map_err(nats)
    }
}

fn server(address: &str) -> Result<ServerAddr, BrokerError> {
    let wrong = |why: String| BrokerError::Address(why);
    let server: ServerAddr = address.trim().parse().map_err(|why: std::io::Error| wrong(why.to_string()))?;
    if !["nats", "tls"].contains(&server.scheme()) || server.host().is_empty() {
        return Err(wrong("a scheme and a host are needed".to_owned()));
    }
    Ok(server)
}

/// Nothing is dropped to make room: a stream that is full refuses, and the sender is told.
fn config(log: &str, max_bytes: i64) -> Config {
    Config {
        name: STREAM.to_owned(),
        description: Some(describe(log)),
        subjects: (0..PARTITIONS).map(subject).collect(),
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        max_bytes,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        storage: StorageType::File,
        num_replicas: 1,
        duplicate_window: REMEMBERED,
        ..Config::default()
    }
}

fn describe(log: &str) -> String {
    format!("andon: what agents did, by partition; of the log {log}")
}

/// How many partitions a stream has, where it is one of ours.
fn partitions(subjects: &[String]) -> Option<u32> {
    let count = u32::try_from(subjects.len()).ok().filter(|count| *count > 0)?;
    (0..count).all(|partition| subjects.contains(&subject(partition))).then_some(count)
}

/// A stream's place among those that were ever read.
async fn ordinal(pool: &PgPool, made: &str) -> Result<i32, sqlx::Error> {
    let known = sqlx::query_scalar("SELECT ordinal FROM streams WHERE made = $1").bind(made);
    if let Some(ordinal) = known.fetch_optional(pool).await? {
        return Ok(ordinal);
    }
    sqlx::query("INSERT INTO streams (made) VALUES ($1) ON CONFLICT DO NOTHING").bind(made).execute(pool).await?;
    sqlx::query_scalar("SELECT ordinal FROM streams WHERE made = $1").bind(made).fetch_one(pool).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_of_ours_is_used() {
        let of = |subjects: &[&str]| partitions(&subjects.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>());
        assert_eq!(partitions(&config("x", 1).subjects), Some(PARTITIONS));
        assert_eq!(of(&["andon.actions.1", "andon.actions.0"]), Some(2));
        for foreign in [&["andon.actions.*"][..], &["andon.actions.1", "andon.actions.2"], &["orders"], &[]] {
            assert_eq!(of(foreign), None, "{foreign:?}");
        }
    }

    #[tokio::test]
    async fn an_address_that_does_not_read_is_refused_and_a_secret_never_shown() {
        for wrong in ["", "http://h", "nats://", "ws://h", "nats://h:1,"] {
            let refused = Broker::connect(wrong).await.err().map(|why| why.to_string());
            assert!(refused.is_some_and(|why| why.contains("nats://HOST")), "{wrong}");
        }
        let broker = Broker::connect("nats://andon:hunter2@127.0.0.1:1, nats://127.0.0.1:2").await.unwrap();
        assert_eq!(broker.status().told().place, "127.0.0.1:1, 127.0.0.1:2");
        assert!(broker.ready().is_none() && broker.status().wrong().is_some());
    }
}
