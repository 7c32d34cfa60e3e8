//! `andon interlock run`: any program under a lease stops at a halt and when blind, and dies with its runner (CON.7).

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Rig, read, rig, rig_in, until};

/// A program under `andon interlock run` as the looper, in the home of `rig` or over `url`.
fn under_lease(home: &Path, url: Option<&str>, flags: &[&str], program: &str) -> Child {
    agent_under_lease("looper", home, url, flags, program)
}

/// The same as any agent.
pub fn agent_under_lease(agent: &str, home: &Path, url: Option<&str>, flags: &[&str], program: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command.env("ANDON_HOME", home).env_remove("ANDON_URL").env_remove("ANDON_TOKEN");
    if let Some(url) = url {
        command.env("ANDON_URL", url);
    }
    command.args(["interlock", "run", "--agent", agent]).args(flags).args(["--", "sh", "-c", program]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A program with a child of its own that leaves its session, and both say who they are.
pub fn stubborn(folder: &Path) -> String {
    let place = folder.display();
    format!(
        "trap '' TERM; (setsid sh -c 'trap \"\" TERM; echo $$ > {place}/grandchild; while :; do sleep 0.05; done' &); \
         echo $$ > {place}/child; while :; do sleep 0.05; done"
    )
}

fn pid(folder: &Path, who: &str) -> Option<i32> {
    std::fs::read_to_string(folder.join(who)).ok()?.trim().parse().ok()
}

pub fn lives(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rfind(')').is_some_and(|end| !stat[end..].starts_with(") Z"))
}

pub async fn both_run(folder: &Path) -> [i32; 2] {
    until("both run", async || pid(folder, "child").is_some() && pid(folder, "grandchild").is_some()).await;
    [pid(folder, "child").unwrap(), pid(folder, "grandchild").unwrap()]
}

async fn halt(rig: &Rig) -> String {
    let engaged = rig.command("/v1/switches", json!({"scope": {"agent": "looper"}, "why": "loops"})).await;
    engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned()
}

async fn proof(rig: &Rig, switch: &str) -> Value {
    rig.get(&format!("/v1/switches/{switch}")).await.good()["halt"]["agents"][0].clone()
}

pub fn ended(mut child: Child) -> (Option<i32>, String) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the runner never ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code(), text)
}

/// CON.1, CON.7, CON.10: a halt ends the program and all it started, however stubborn; only then it is confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_ends_the_whole_tree_and_is_confirmed() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let runner = under_lease(rig.folder.path(), None, &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    let agents = rig.get("/v1/agents").await.good().clone();
    assert_eq!(agents[0]["reach"], "leased", "{agents}");
    // A neighbour of the same user says in its name that it obeys all there will be: it is not believed.
    let instance = format!("{}:{}", andon::backend::app::host_name(), runner.id());
    let forged = json!({"agent": "looper", "instance": instance, "version": 1, "on_blind": "stop"});
    read(rig.ask_tcp(Method::POST, "/v1/interlock/lease", None).json(&forged)).await.problem(409);
    let switch = halt(&rig).await;
    until("it is confirmed", async || proof(&rig, &switch).await["state"] == "confirmed").await;
    assert_eq!(pids.map(lives), [false; 2], "confirmed means gone");
    assert_eq!(proof(&rig, &switch).await["how"], "acknowledged");
    let (code, said) = ended(runner);
    assert!(code == Some(1) && said.contains("stopped: SW-1") && said.contains("loops"), "{code:?} {said}");
    // It is not started again while it is halted, and starts by itself once it may.
    let (code, said) = ended(under_lease(rig.folder.path(), None, &[], "true"));
    assert!(code == Some(1) && said.contains("not started"), "{said}");
    let waits = under_lease(rig.folder.path(), None, &["--wait"], "exit 7");
    rig.command(&format!("/v1/switches/{switch}/release"), json!({"why": "mended"})).await.good();
    assert_eq!(ended(waits).0, Some(7), "its own exit code");
}

/// Law 6: killed with SIGKILL, the runner takes everything with it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_its_runner() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let mut runner = under_lease(rig.folder.path(), None, &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    runner.kill().unwrap();
    runner.wait().unwrap();
    until("all of it is gone", async || pids.map(lives) == [false; 2]).await;
    // Its guard as well, at one blow: the program itself is still bound to it.
    std::fs::remove_file(folder.path().join("child")).unwrap();
    let loops = format!("trap '' TERM; echo $$ > {}/child; while :; do sleep 0.05; done", folder.path().display());
    let mut runner = under_lease(rig.folder.path(), None, &[], &loops);
    until("it runs", async || pid(folder.path(), "child").is_some()).await;
    let program = pid(folder.path(), "child").unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{program}/stat")).unwrap();
    let guard = stat[stat.rfind(')').unwrap()..].split_whitespace().nth(2).unwrap().parse().unwrap();
    tell(&runner, rustix::process::Signal::STOP);
    let guard = rustix::process::Pid::from_raw(guard).unwrap();
    rustix::process::kill_process(guard, rustix::process::Signal::KILL).unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    until("it is gone", async || !lives(program)).await;
    assert_eq!(ended(under_lease(rig.folder.path(), None, &[], "kill -9 $$")).0, Some(137));
    let said = ended(under_lease(rig.folder.path(), None, &[], "exec no-such-program-here"));
    assert_eq!(said.0, Some(127), "{said:?}");
}

/// A wire between agent and backend that can be cut.
pub struct Wire {
    pub url: String,
    cut: Arc<AtomicBool>,
}

impl Wire {
    pub fn to(backend: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let cut = Arc::new(AtomicBool::new(false));
        let down = cut.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&backend) else { continue };
                let (near_end, far_end) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let (one, other) = (down.clone(), down.clone());
                std::thread::spawn(move || carry(near, far_end, &one));
                std::thread::spawn(move || carry(far, near_end, &other));
            }
        });
        Self { url, cut }
    }

    /// From now on nothing arrives any more, and nobody is told: as when a network goes.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, cut: &AtomicBool) {
    let mut buffer = [0; 4_096];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 {
            break;
        }
        if !cut.load(Ordering::SeqCst) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !cut.load(Ordering::SeqCst) {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

/// CON.7: with the network cut, the program stops by itself, 2 s before its lease is over; the backend, which halts it
/// behind the cut, says confirmed by expiry and not before.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_network_stops_it_and_expiry_proves_it() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::to(rig.running.info.tcp[0].clone());
    let runner = under_lease(rig.folder.path(), Some(&wire.url), &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    wire.cut();
    let switch = halt(&rig).await;
    assert_ne!(proof(&rig, &switch).await["state"], "confirmed");
    until("it stops by itself", async || pids.map(lives) == [false; 2]).await;
    assert_ne!(proof(&rig, &switch).await["state"], "confirmed", "it stopped well before its lease was over");
    until("expiry proves it", async || proof(&rig, &switch).await["state"] == "confirmed").await;
    assert_eq!(proof(&rig, &switch).await["how"], "expired");
    let (code, said) = ended(runner);
    assert!(code == Some(1) && said.contains("lease ran out"), "{said}");
}

/// CON.7: `on_blind = continue` goes on, and nothing proves that it stopped.
#[tokio::test(flavor = "multi_thread")]
async fn who_continues_when_blind_is_not_confirmed_by_expiry() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let wire = Wire::to(rig.running.info.tcp[0].clone());
    // As it is declared: nobody says otherwise on the command line.
    rig.post("/v1/agents", json!([{"id": "looper", "on_blind": "continue"}])).await.good();
    let mut runner = under_lease(rig.folder.path(), Some(&wire.url), &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    wire.cut();
    let switch = halt(&rig).await;
    until("its lease is over", async || rig.get("/v1/agents").await.good()[0]["reach"] != "leased").await;
    assert_eq!(pids.map(lives), [true; 2]);
    assert_eq!(proof(&rig, &switch).await["state"], "enforced");
    runner.kill().unwrap();
    runner.wait().unwrap();
    until("all of it is gone", async || pids.map(lives) == [false; 2]).await;
}

/// A restart of the backend ends no program and frees none; a halt from before it still counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_backend_neither_ends_nor_frees_anybody() {
    let rig = rig().await;
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    let runner = under_lease(rig.folder.path(), None, &[], &stubborn(folder));
    let pids = both_run(folder).await;
    let Rig { running, folder: home, .. } = rig;
    running.stop().await;
    let rig = rig_in(home).await;
    until("the lease is renewed", async || rig.get("/v1/agents").await.good()[0]["reach"] == "leased").await;
    assert_eq!(pids.map(lives), [true; 2]);
    let switch = halt(&rig).await;
    until("it is confirmed", async || proof(&rig, &switch).await["state"] == "confirmed").await;
    assert_eq!((pids.map(lives), ended(runner).0), ([false; 2], Some(1)));
}

/// Protocol 4, CON.12: what was started under a runner is its agent and no person; double forks, a new session and a
/// runner by another name change nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_descendant_is_its_agent_and_releases_nothing() {
    let rig = rig().await;
    let other = rig.command("/v1/switches", json!({"scope": {"agent": "other"}})).await.good().clone();
    assert_eq!(other["events"][0]["data"]["switch"], "SW-1");
    let andon = env!("CARGO_BIN_EXE_andon");
    let program = format!(
        "{andon} release SW-1 --why over; {andon} token make mine --role operator; {andon} agents list; \
         (setsid {andon} release SW-1 --why over </dev/null &) | cat; \
         {andon} interlock run --agent other -- {andon} release SW-1 --why over; \
         {andon} interlock run --agent looper -- true"
    );
    let (code, said) = ended(under_lease(
        rig.folder.path(),
        None,
        &[],
        &format!("{{ {program}; }} 2>&1 | cat >&2; {andon} interlock run --agent looper -- sh -c 'exit 3'"),
    ));
    assert_eq!(code, Some(3), "its own lease it may take: {said}");
    assert_eq!(said.matches("role agent may not").count(), 4, "{said}");
    assert!(said.contains("speaks for looper, not for other"), "{said}");
    let switch = rig.get("/v1/switches/SW-1").await.good().clone();
    assert_eq!(switch["state"], "engaged");
    assert_eq!(rig.get("/v1/tokens").await.good(), &json!([]));
}

/// A backend that the runner started for itself serves others too, and goes on; so does what a service manager sends to
/// the program alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_a_runner_started_outlives_it() {
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let andon = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.env("ANDON_HOME", home.path()).env_remove("ANDON_URL").env_remove("ANDON_TOKEN").args(arguments);
        command.output().unwrap()
    };
    let runner = under_lease(home.path(), None, &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    let halted = andon(&["halt", "--agent", "looper", "--wait"]);
    assert!(halted.status.success(), "{halted:?}");
    assert_eq!(pids.map(lives), [false; 2]);
    assert_eq!(ended(runner).0, Some(1));
    assert!(andon(&["release", "SW-1", "--why", "mended"]).status.success(), "the same backend answers");
    // A signal to the runner reaches the program, which ends as it likes.
    let said = folder.path().join("said");
    let program = format!("trap 'exit 9' INT; touch {}; while :; do sleep 0.05; done", said.display());
    let runner = under_lease(home.path(), None, &[], &program);
    until("it runs", async || said.exists()).await;
    tell(&runner, rustix::process::Signal::INT);
    assert_eq!(ended(runner).0, Some(9));
    assert!(andon(&["serve", "--stop", "--force"]).status.success());
}

/// CON.10: a switch over a part of what an agent does is none that a whole program can keep to: it is not confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_cannot_keep_to_is_not_acknowledged() {
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let runner = under_lease(rig.folder.path(), None, &["--on-blind", "continue"], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    let engaged = rig.command("/v1/switches", json!({"scope": {"agent": "looper", "subject": "user-7"}})).await;
    let partly = engaged.good()["events"][0]["data"]["switch"].as_str().unwrap().to_owned();
    let whole = halt(&rig).await;
    until("the whole is confirmed", async || proof(&rig, &whole).await["state"] == "confirmed").await;
    assert_eq!((pids.map(lives), ended(runner).0), ([false; 2], Some(1)));
    // Gone, it keeps to the narrow one as well; one that never goes blind again is confirmed too.
    until("the part is confirmed", async || proof(&rig, &partly).await["state"] == "confirmed").await;
    let (first, second) = (proof(&rig, &partly).await["at"].clone(), proof(&rig, &whole).await["at"].clone());
    assert_eq!(first, second, "not before it was gone");
}

fn tell(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rfind(')').is_some_and(|end| stat[end..].starts_with(") T"))
}

/// CON.7: a suspended job goes on only under a renewed lease; what was halted meanwhile does not go on at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_job_goes_on_only_under_a_lease() {
    use rustix::process::Signal;
    let rig = rig().await;
    let folder = tempfile::tempdir().unwrap();
    let runner = under_lease(rig.folder.path(), None, &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    let everything = [pids[0], pids[1], i32::try_from(runner.id()).unwrap()];
    let reach = async || rig.get("/v1/agents").await.good()[0]["reach"].clone();
    for halted in [false, true] {
        tell(&runner, Signal::TSTP);
        until("all of it is stopped", async || everything.map(is_stopped) == [true; 3]).await;
        let switch = if halted { Some(halt(&rig).await) } else { None };
        until("its lease is over", async || reach().await != "leased").await;
        if let Some(switch) = switch {
            until("it is confirmed", async || proof(&rig, &switch).await["state"] == "confirmed").await;
            assert_eq!(proof(&rig, &switch).await["how"], "expired");
        }
        assert_eq!(everything.map(is_stopped), [true; 3]);
        tell(&runner, Signal::CONT);
        if !halted {
            until("it goes on", async || everything.map(is_stopped) == [false; 3]).await;
            assert_eq!(reach().await, "leased", "not before it holds a lease");
        }
    }
    let (code, said) = ended(runner);
    assert!(code == Some(1) && said.contains("loops"), "{said}");
    assert_eq!(pids.map(lives), [false; 2]);
}

/// A backend that hangs, or is killed, is a blind one; what it had engaged is there again before its door opens.
#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_hangs_or_is_killed_frees_nobody() {
    use rustix::process::Signal;
    let home = tempfile::tempdir().unwrap();
    let serve = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("ANDON_HOME", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let andon = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command.env("ANDON_HOME", home.path()).env_remove("ANDON_URL").env_remove("ANDON_TOKEN").args(arguments);
        command.output().unwrap()
    };
    let place = andon::backend::home::Home::under(home.path());
    let mut backend = serve();
    until("it answers", async || andon::backend::local::running(&place).await.is_some()).await;
    let folder = tempfile::tempdir().unwrap();
    let runner = under_lease(home.path(), None, &[], &stubborn(folder.path()));
    let pids = both_run(folder.path()).await;
    let hung = Instant::now();
    tell(&backend, Signal::STOP);
    until("it stops by itself", async || pids.map(lives) == [false; 2]).await;
    assert!(hung.elapsed() < Duration::from_secs(4), "long before its lease is over: {:?}", hung.elapsed());
    let (code, said) = ended(runner);
    assert!(code == Some(1) && said.contains("lease ran out"), "{said}");
    tell(&backend, Signal::CONT);

    assert!(andon(&["halt", "--agent", "looper"]).status.success());
    backend.kill().unwrap();
    backend.wait().unwrap();
    let mut backend = serve();
    until("it answers again", async || andon::backend::local::running(&place).await.is_some()).await;
    let (code, said) = ended(under_lease(home.path(), None, &[], "true"));
    assert!(code == Some(1) && said.contains("not started"), "{said}");
    backend.kill().unwrap();
    backend.wait().unwrap();
}
