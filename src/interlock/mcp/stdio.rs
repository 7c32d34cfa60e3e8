//! `andon interlock mcp -- SERVER…`: between a client's pipes and a server of its own.

use std::{process::Stdio, sync::Arc, time::Duration};

use tokio::io::BufReader;

use super::{
    gate::Gate,
    lines::{self, Line, Outbox},
    message::{Broken, LONGEST},
    record::Recorder,
    reply,
    session::Session,
};
use crate::{
    client::{Client, Target},
    interlock::{
        lease::{Holder, LeaseKeeper},
        run::{NotRun, code, tree},
        server::trusted,
    },
};

/// How long a server has to end once its client has gone.
const FAREWELL: Duration = Duration::from_secs(3);
/// How long the last records may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Runs `server` behind the interlock until the client closes or the server ends; answers its exit code.
///
/// # Errors
/// No lease, or a server that does not start.
pub async fn stdio(client: Client, holder: Holder, run: String, server: &[String]) -> Result<i32, NotRun> {
    if let Target::Socket(socket) = client.target() {
        trusted(socket).await?;
    }
    let program = server.first().cloned().unwrap_or_default();
    let system = |why: std::io::Error| NotRun::System { program: program.clone(), why };
    tree::gather().map_err(system)?;
    let lease = match LeaseKeeper::take(client.clone(), holder.clone()).await {
        Ok(lease) => Some(Arc::new(lease)),
        Err(why) if holder.goes_on_blind() && why.is_lost() => None,
        Err(why) => return Err(NotRun::NoLease { program: program.clone(), why }),
    };
    let on_blind = lease.as_ref().map(|lease| lease.on_blind()).or(holder.on_blind);
    let holder = Holder { on_blind, ..holder };
    let mut child = start(server).map_err(system)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(system(std::io::Error::other("its pipes are missing")));
    };
    let (recorder, recording) = Recorder::start(client.clone(), &holder, &run);
    let standing = lease.as_deref().map(LeaseKeeper::standing);
    let gate = Gate { client, holder: Arc::new(holder), run: run.into(), standing };
    let (to_client, telling) = Outbox::to(lines::own(std::io::stdout()).map_err(system)?);
    let (to_server, asking) = Outbox::to(stdin);
    let session = Session::new(gate, recorder, to_client.clone(), to_server.clone());
    let watching = lease.clone().map(|lease| tokio::spawn(obey(session.clone(), lease)));

    let from_server = tokio::spawn(read_server(session.clone(), stdout, to_client.clone()));
    let client_closed = read_client(&session, lines::own(std::io::stdin()).map_err(system)?, &to_client, &to_server);
    let ended = tokio::select! {
        () = client_closed => None,
        status = child.wait() => Some(status),
    };
    session.client_gone();
    // What the server has said already still reaches its client.
    drop(to_server);
    let status = match ended {
        Some(status) => {
            let _ = tokio::time::timeout(FAREWELL, from_server).await;
            session.server_gone();
            Some(status.map_err(system)?)
        }
        None => {
            session.close_server();
            let status = tokio::time::timeout(FAREWELL, child.wait()).await;
            tree::end(FAREWELL, None).await;
            let _ = tokio::time::timeout(FAREWELL, from_server).await;
            session.server_gone();
            status.ok().and_then(Result::ok)
        }
    };
    if let Some(watching) = watching {
        watching.abort();
        let _ = watching.await;
    }
    if let Some(lease) = lease {
        lease.end().await;
    }
    asking.abort();
    drop((session, to_client));
    let _ = tokio::time::timeout(FAREWELL, telling).await;
    let _ = tokio::time::timeout(LAST_WORDS, recording).await;
    Ok(status.map_or(0, code))
}

fn start(server: &[String]) -> std::io::Result<tokio::process::Child> {
    let mut arguments =
        vec!["interlock".to_owned(), "guard".to_owned(), std::process::id().to_string(), "--".to_owned()];
    arguments.extend_from_slice(server);
    tokio::process::Command::new(std::env::current_exe()?)
        .args(arguments)
        // A person's token in the proxy's hands must not become the agent's.
        .env_remove("ANDON_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
}

/// Enforces every change, then acknowledges it.
async fn obey(session: Arc<Session>, lease: Arc<LeaseKeeper>) {
    let mut standing = lease.standing();
    loop {
        let version = standing.borrow_and_update().view.version;
        session.reconsider().await;
        lease.enforces(version);
        tokio::select! {
            changed = standing.changed() => if changed.is_err() { return },
            () = lease.runs_out(Duration::ZERO) => {
                session.reconsider().await;
                if standing.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn read_client(session: &Arc<Session>, stdin: tokio::fs::File, to_client: &Outbox, to_server: &Outbox) {
    let mut pipe = BufReader::new(stdin);
    loop {
        to_server.room().await;
        match lines::read(&mut pipe, LONGEST).await {
            // An empty line is no message, and no harm.
            Ok(Line::Whole(line)) if line.is_empty() || line == b"\r" => {}
            Ok(Line::Whole(line)) => session.from_client(&line),
            Ok(Line::TooLong) => {
                let why = format!("the message is longer than {LONGEST} bytes");
                to_client.send(reply::broken(&Broken { code: -32_700, id: None, why }));
            }
            Ok(Line::End) | Err(_) => return,
        }
    }
}

async fn read_server(session: Arc<Session>, stdout: tokio::process::ChildStdout, to_client: Outbox) {
    let mut pipe = BufReader::new(stdout);
    loop {
        to_client.room().await;
        match lines::read(&mut pipe, LONGEST).await {
            Ok(Line::Whole(line)) if line.is_empty() || line == b"\r" => {}
            Ok(Line::Whole(line)) => session.from_server(&line),
            Ok(Line::TooLong) => {
                // Nobody could tell whose answer is missing: all that wait are told.
                tracing::warn!(
                    "an answer of the server is longer than {LONGEST} bytes: nothing more of it is passed on"
                );
                session.server_gone();
                return session.close_server();
            }
            Ok(Line::End) | Err(_) => return,
        }
    }
}
