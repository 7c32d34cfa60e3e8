//! `andon serve`, `andon doctor`.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;
use serde::Serialize;

use super::{
    print::{self, Failed},
    reach::Reach,
};
use crate::{
    api::{BackendInfo, BrokerInfo, HookView, State, Stop, Stopping, You, path},
    backend::{
        links::PublicUrl,
        local,
        serve::{ServeOptions, SystemSocket, TlsOptions, serve as serve_until_stopped},
    },
    client::{Outbox, Target},
    config::{Settings, system_socket},
    incident::Right,
    report::{
        figures::{Both, Measure},
        quarterly,
        readiness::{Ready, readiness},
    },
    runbook::Runbook,
    terms::Time,
};

/// `andon serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// A TCP address to listen on; 127.0.0.1:7420, or the next free port, where none is given.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<SocketAddr>,
    /// Where the log is kept: a path, or postgres://HOST/NAME, which several backends may share.
    #[arg(long, value_name = "PATH|URL", env = "ANDON_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// NATS servers (JetStream) that several backends of one Postgres database share telemetry over: nats://HOST:PORT, several
    /// with commas between.
    #[arg(long, value_name = "URL", env = "ANDON_TELEMETRY", hide_env_values = true)]
    telemetry: Option<String>,
    /// An address that speaks TLS, for cockpits and gateways elsewhere.
    #[arg(long, value_name = "ADDRESS", requires_all = ["tls_cert", "tls_key"])]
    tls: Vec<SocketAddr>,
    /// The certificate's chain, PEM; read anew when it changes.
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_cert: Option<std::path::PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_key: Option<std::path::PathBuf>,
    /// Speak plain HTTP beyond this machine.
    #[arg(long)]
    plain_http: bool,
    /// Serve every user of this host that is in the group, on /run/andon/andon.sock.
    #[arg(long)]
    system: bool,
    /// That group.
    #[arg(long, default_value = "andon", requires = "system")]
    group: String,
    /// Who may log in by SSH key: an OpenSSH allowed_signers file; the one in the data folder where none is named.
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<std::path::PathBuf>,
    /// A name to answer to besides localhost, as a proxy before it passes it on.
    #[arg(long)]
    host: Vec<String>,
    /// Where people reach it from where they read their pages: then each page holds a link that acknowledges it.
    #[arg(long, value_name = "URL", env = "ANDON_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// Detached from the terminal.
    #[arg(long, hide = true)]
    daemon: bool,
    /// Stop the backend that runs.
    #[arg(long, conflicts_with_all = ["listen", "database", "plain_http", "system", "host", "daemon"])]
    stop: bool,
    /// Stop it even if agents go blind.
    #[arg(long, requires = "stop")]
    force: bool,
}

pub async fn serve(reach: &Reach, asked: Serve) -> Result<(), Failed> {
    if asked.stop {
        return stop(reach, asked.force).await;
    }
    let runbook = Arc::new(reach.settings.book()?);
    // Configured, it is for backends that share a database: a backend of one's own is started without.
    let shares = asked.database.as_deref().is_some_and(|database| database.starts_with("postgres"));
    let configured = Some(reach.settings.config.telemetry.clone()).filter(|servers| shares && !servers.is_empty());
    let telemetry = asked.telemetry.or(configured);
    let options = ServeOptions {
        listen: asked.listen,
        database: asked.database,
        telemetry,
        tls: asked.tls_cert.zip(asked.tls_key).map(|(certificate, key)| TlsOptions {
            listen: asked.tls,
            certificate,
            key,
        }),
        plain_http: asked.plain_http,
        system: asked.system.then(|| SystemSocket { path: system_socket(), group: asked.group }),
        signers: asked.allowed_signers,
        hosts: asked.host,
        public_url: asked.public_url,
        daemon: asked.daemon,
        ..ServeOptions::local(reach.settings.home.clone(), runbook)
    };
    Ok(serve_until_stopped(options).await?)
}

async fn stop(reach: &Reach, force: bool) -> Result<(), Failed> {
    let Some(client) = reach.running().await? else {
        return print::line("no backend runs here");
    };
    let home = &reach.settings.home;
    let here = local::running(home).await.is_some_and(|info| *client.target() == Target::Socket(info.socket));
    let stopping: Stopping = client.post(path::STOP, &Stop { force }).await?;
    // Whoever opens its files next finds them closed.
    let word = match here {
        true if local::ended(home).await => "the backend has stopped",
        _ => "the backend stops",
    };
    reach.show(&stopping, |stopping| {
        print::line(word)?;
        stopping.blind.iter().try_for_each(|blind| print::line(format!("goes blind: {}", print::clean(blind))))
    })
}

/// One finding of the doctor.
#[derive(Serialize)]
struct Finding {
    ok: bool,
    what: String,
    detail: String,
}

pub async fn doctor(reach: &Reach) -> Result<(), Failed> {
    let mut findings = Vec::new();
    let mut found = |ok: bool, what: &str, detail: String| {
        findings.push(Finding { ok, what: what.to_owned(), detail });
    };
    let settings = &reach.settings;
    match &settings.wrong {
        Some(wrong) => found(false, "configuration", wrong.clone()),
        None if settings.file.exists() => found(true, "configuration", settings.file.display().to_string()),
        None => found(true, "configuration", format!("none at {}; the defaults hold", settings.file.display())),
    }
    match settings.runbook() {
        Err(why) => found(false, "runbook", why.to_string()),
        Ok(runbook) => {
            // GOV.1: an overdue review is visible.
            let today = chrono::Utc::now().format("%Y-%m-%d").to_string();
            let fresh = runbook.review_by >= today;
            let word = if fresh { "to be reviewed by" } else { "its review is overdue since" };
            found(fresh, "runbook", format!("version {}, {word} {}", runbook.version, runbook.review_by));
        }
    }
    match reach.running().await {
        Err(why) => found(false, "backend", why.to_string()),
        Ok(None) => found(true, "backend", "none runs; the first command starts one".into()),
        Ok(Some(client)) => match client.state(None).await {
            Err(why) => found(false, "backend", why.to_string()),
            Ok(state) => {
                found(true, "backend", about(&state.backend));
                for why in &state.live.wrong {
                    found(false, "readiness", why.clone());
                }
                found(
                    true,
                    "you",
                    format!("{}{}", state.you.name, if state.you.may_act { "" } else { ", watching only" }),
                );
                if state.you.may.contains(&Right::Release) {
                    found(true, "signing", signing(&state.you));
                }
                let skew_ms = state.live.now.since(Time::from(chrono::Utc::now()));
                let off = skew_ms.abs() > 2_000;
                let word = if skew_ms > 0 { "behind" } else { "ahead of" };
                let far = print::span(skew_ms.abs() as f64 / 1_000.0);
                let agree = "this host and the backend agree".to_owned();
                found(
                    !off,
                    "clock",
                    if off {
                        format!("this host is {far} {word} the backend: look at its time service")
                    } else {
                        agree
                    },
                );
                if let Some(broker) = &state.backend.broker {
                    found(broker.wrong.is_none(), "telemetry", shared(broker));
                }
                agents(&state, &mut found);
                if let Ok(runbook) = reach.runbook(None).await {
                    ready(&state, &runbook, &mut found);
                    drill_due(&state, &runbook, &mut found);
                    folder(settings, &state, &mut found);
                }
                armed(&state, &mut found);
                if let Ok(all) = client.get::<Vec<HookView>>(path::HOOKS).await {
                    hooks(&all, state.live.now, &mut found);
                }
                if let Ok(both) = client.get::<Both>(path::FIGURES).await {
                    found(true, "figures", figures(&both));
                }
            }
        },
    }
    if let Ok(Some(client)) = reach.running().await {
        let waiting = Outbox::in_folder(&settings.home.data).waiting(&client.target().place()).len();
        if waiting > 0 {
            findings.push(Finding {
                ok: true,
                what: "outbox".into(),
                detail: format!("{waiting} commands wait for the backend: `andon outbox`"),
            });
        }
    }
    reach.show(&findings, |findings| {
        findings.iter().try_for_each(|finding| {
            let sign = if finding.ok { "ok   " } else { "WRONG" };
            print::line(format!("{sign} {}: {}", finding.what, print::clean(&finding.detail)))
        })
    })?;
    if findings.iter().all(|finding| finding.ok) { Ok(()) } else { Err("something is wrong; see above".into()) }
}

/// TEAM.12: a hook that takes nothing for long.
fn hooks(all: &[HookView], now: Time, found: &mut impl FnMut(bool, &str, String)) {
    let wrong: Vec<String> = all.iter().filter_map(|hook| hook.wrong(now, super::hooks::LONG)).collect();
    if wrong.is_empty() && !all.is_empty() {
        found(true, "hooks", format!("{}, all well: `andon hook list`", all.len()));
    }
    wrong.into_iter().for_each(|why| found(false, "hook", why));
}

/// Whether what lifts a restraint is signed (protocol 4).
fn signing(you: &You) -> String {
    match you.signs {
        true => "releases, approvals and overrides are signed by a key of yours".into(),
        false => {
            "no SSH key of yours is known here: agents under your own uid are not kept from releasing; allowed_signers \
                  names people's keys"
                .into()
        }
    }
}

fn about(backend: &BackendInfo) -> String {
    let place = if backend.shared { "shared" } else { "only you" };
    let mut text = format!("andon {} on {} ({place})", backend.version, backend.host);
    if !backend.nodes.is_empty() {
        text.push_str(&format!(", one of several: {} too", backend.nodes.join(", ")));
    }
    for (what, value) in [("telemetry and interlock at", &backend.telemetry), ("log file", &backend.log_file)] {
        if let Some(value) = value {
            text.push_str(&format!(", {what} {value}"));
        }
    }
    text
}

/// How telemetry of several nodes stands at this one.
fn shared(broker: &BrokerInfo) -> String {
    let BrokerInfo { place, judged, partitions, lag, behind, missed, .. } = broker;
    let mut text = match &broker.wrong {
        Some(wrong) => format!("over NATS at {place}: {wrong}"),
        None => {
            format!("over NATS at {place}, {} of {partitions} partitions judged here, {lag} actions wait", judged.len())
        }
    };
    if *behind > 0 {
        text.push_str(&format!(", {behind} to be kept"));
    }
    if *missed > 0 {
        text.push_str(&format!(", {missed} were gone before this backend kept them"));
    }
    if broker.bytes_limit > 0 && broker.bytes > broker.bytes_limit / 10 * 9 {
        text.push_str("; the stream is nearly full, and refuses when it is");
    }
    text
}

/// DET.14: what agents call that their inventories do not list.
fn agents(state: &State, found: &mut impl FnMut(bool, &str, String)) {
    found(true, "agents", format!("{} declared, {} seen", state.world.agents.len(), state.live.agents.len()));
    for (name, agent) in state.live.agents.iter().filter(|(_, agent)| !agent.drift.is_empty()) {
        found(false, "drift", format!("{name} calls what its inventory does not list: {}", agent.drift.join(", ")));
    }
}

/// GOV.1–GOV.6: what is open before an incident.
fn ready(state: &State, runbook: &Runbook, found: &mut impl FnMut(bool, &str, String)) {
    let lines = readiness(state, runbook);
    let open: Vec<_> = lines.iter().filter(|line| line.state == Ready::Open).collect();
    let met = lines.len() - open.len();
    found(true, "readiness", format!("{met} of {} met; `andon readiness` shows them all", lines.len()));
    for line in open {
        found(true, "open", format!("{} {}: {}", line.code, line.what, line.detail));
    }
}

/// GOV.1: what this folder holds, and what is in force, may differ: somebody else brought another one.
fn folder(settings: &Settings, state: &State, found: &mut impl FnMut(bool, &str, String)) {
    let Ok(book) = settings.book() else { return };
    let in_force = state.upkeep.in_force.as_ref().and_then(|version| state.upkeep.versions.get(version));
    if !book.own.is_empty() && in_force.is_some_and(|version| version.digest != book.digest) {
        found(true, "runbook", "this folder's texts are not those in force: `andon runbook reload` takes them".into());
    }
}

/// TEAM.5: how incidents went so far.
fn figures(both: &Both) -> String {
    let real = &both.real;
    let took = |what: &str, measure: &Measure| {
        measure.median_s.map(|median| format!(", {what} {} (median of {})", print::span(median), measure.n))
    };
    let steps = [took("detected in", &real.detect), took("contained in", &real.contain)];
    let kept = format!(", budgets kept {} of {}", real.kept.met, real.kept.met + real.kept.missed);
    format!("{} incidents{}{kept}; `andon figures`", real.incidents, steps.into_iter().flatten().collect::<String>())
}

/// CON.5, CON.13: whether the switches would work now, and who could fire them.
fn armed(state: &State, found: &mut impl FnMut(bool, &str, String)) {
    let (live, now) = (&state.live, state.live.now);
    let age = |at: Time| print::span(now.since(at) as f64 / 1_000.0);
    match live.oldest_proof() {
        Some((agent, at)) => {
            found(true, "armed", format!("oldest proof that a switch reaches an agent: {agent}, {} ago", age(at)))
        }
        None => found(true, "armed", "no agent holds a lease or asks: no switch has anybody to reach yet".into()),
    }
    for (name, probe) in live.armed.probes.iter().filter(|(_, probe)| probe.why_not.is_none()) {
        found(true, "actuator", format!("{name} would work, probed {} ago", age(probe.at)));
    }
    for why in live.failing() {
        found(false, "actuator", why);
    }
    let beyond = live.beyond_reach();
    if !beyond.is_empty() {
        found(true, "reach", format!("no switch reaches {}: they are observed only", beyond.join(", ")));
    }
    let fewer =
        if live.armed.can_fire < 3 { "; three roles should: `andon token make NAME --role operator`" } else { "" };
    found(true, "who can fire", format!("{} identities{fewer}", live.armed.can_fire));
}

/// DRL.4: whether the quarterly drill is due.
fn drill_due(state: &State, runbook: &Runbook, found: &mut impl FnMut(bool, &str, String)) {
    let due = quarterly::due(&state.drills, &state.world, &runbook.drills);
    let last = due.and_then(|due| due.last).map(|at| print::span(state.live.now.since(at) as f64 / 1_000.0));
    let last = last.map_or_else(|| "none played to its end yet: `andon drill list`".into(), |age| format!("{age} ago"));
    let Some(due) = due else { return found(true, "last drill", last) };
    let by = due.at.to_chrono().format("%Y-%m-%d");
    let in_time = due.days_left(state.live.now) >= 0;
    let word = if in_time { "the next is due by" } else { "the next is overdue since" };
    found(in_time, "last drill", format!("{last}; {word} {by}"));
}
