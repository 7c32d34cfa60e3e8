//! Durable appends a second, against the same disk's bare `fdatasync`, bare SQLite and bare Postgres in the same run
//! (performance page).
//!
//! `cargo bench --bench append [-- postgres://…/AN-EMPTY-DATABASE]`. Prints figures and their ratio to the bare ones; asserts
//! nothing.

mod writer;

use std::{
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use andon::{
    backend::{
        core::Core,
        log::{PostgresLog, SqliteLog},
    },
    incident::{Command, IncidentCommand},
    terms::{IncidentId, Time},
};
use sqlx::Connection;
use uuid::Uuid;

use self::writer::{dana, opened};

const SPAN: Duration = Duration::from_secs(2);

fn raw_fdatasync(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("raw")).expect("a file");
    let (began, mut done) = (Instant::now(), 0u32);
    while began.elapsed() < SPAN {
        file.write_all(&[7u8; 1024]).expect("written");
        file.sync_data().expect("synced");
        done += 1;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

async fn bare_sqlite(folder: &Path) -> f64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.join("bare.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut bare = sqlx::SqliteConnection::connect_with(&options).await.expect("sqlite");
    sqlx::query("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)").execute(&mut bare).await.expect("made");
    let text = "x".repeat(600);
    let (began, mut done) = (Instant::now(), 0u32);
    while began.elapsed() < SPAN {
        sqlx::query("INSERT INTO t (b) VALUES (?)").bind(&text).execute(&mut bare).await.expect("inserted");
        done += 1;
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}

/// Inserts a second of so many connections, each in a transaction of its own.
async fn bare_postgres(url: &str, clients: usize) -> f64 {
    let mut first = sqlx::PgConnection::connect(url).await.expect("postgres");
    sqlx::query("CREATE TABLE IF NOT EXISTS bare (a BIGSERIAL PRIMARY KEY, b TEXT)")
        .execute(&mut first)
        .await
        .expect("made");
    let began = Instant::now();
    let inserting = (0..clients).map(|_| {
        let url = url.to_owned();
        tokio::spawn(async move {
            let mut bare = sqlx::PgConnection::connect(&url).await.expect("postgres");
            let (text, mut done) = ("x".repeat(600), 0u32);
            while began.elapsed() < SPAN {
                sqlx::query("INSERT INTO bare (b) VALUES ($1)").bind(&text).execute(&mut bare).await.expect("inserted");
                done += 1;
            }
            done
        })
    });
    let done: u32 = futures_util::future::join_all(inserting).await.into_iter().map(|done| done.expect("ended")).sum();
    f64::from(done) / began.elapsed().as_secs_f64()
}

fn note() -> Command {
    let ask = IncidentCommand::Note { text: "payout seen twice for the same order".into(), at: None };
    Command::OnIncident { incident: IncidentId(1), ask }
}

async fn through_core(core: &Core, clients: usize) -> (f64, Duration) {
    let began = Instant::now();
    let clients = (0..clients).map(|_| {
        let core = core.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            while began.elapsed() < SPAN {
                let asked = Instant::now();
                core.submit(None, Uuid::now_v7(), dana(), note()).await.expect("taken");
                took.push(asked.elapsed());
            }
            took
        })
    });
    let mut took: Vec<Duration> =
        futures_util::future::join_all(clients).await.into_iter().flat_map(|took| took.expect("ended")).collect();
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    (took.len() as f64 / began.elapsed().as_secs_f64(), p99)
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let raw = raw_fdatasync(folder.path());
    let bare = bare_sqlite(folder.path()).await;
    println!("raw fdatasync          {raw:>9.0}/s");
    println!("bare SQLite, FULL      {bare:>9.0}/s  {:.2} of raw", bare / raw);
    let log = SqliteLog::open(&folder.path().join("log.db"), Time::from_millis(1)).await.expect("a log");
    let core = opened(log).await;
    for clients in [1, 64, 256] {
        let (rate, p99) = through_core(&core, clients).await;
        println!("andon, {clients:>3} clients     {rate:>9.0}/s  {:.2} of raw, p99 {p99:.1?}", rate / raw);
    }
    let Some(url) = std::env::args().find(|word| word.starts_with("postgres://")) else { return };
    let core = opened(PostgresLog::open(&url, Time::from_millis(1)).await.expect("a log")).await;
    for clients in [1, 16, 64] {
        let bare = bare_postgres(&url, clients).await;
        let (rate, p99) = through_core(&core, clients).await;
        println!("bare Postgres, {clients:>3}     {bare:>9.0}/s");
        println!("andon on it, {clients:>3}       {rate:>9.0}/s  {:.2} of bare, p99 {p99:.1?}", rate / bare);
    }
}
