//! One incident worked by several people over several backends, in real terminals, while wires are cut and nodes die (CKP.2,
//! COM.5, laws 1–3, 6).

use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cockpit::Seat,
    database::database_by_socket,
    nodes::{Process, until},
    weather::Net,
};

/// The backends' hosts; those of people follow.
const FIRST: usize = 0;
const SECOND: usize = 1;

/// A dead line is noticed within seven seconds; this machine may be slow.
const SOON: Duration = Duration::from_secs(20);

/// Two nodes of one database, and an incident.
struct Team {
    net: Net,
    first: Option<Process>,
    second: Process,
    bases: [String; 2],
}

/// A person with a cockpit in a terminal.
struct Person {
    seat: Seat,
    host: usize,
    _home: tempfile::TempDir,
}

impl Team {
    async fn of(people: usize) -> Self {
        let (url, net) = (database_by_socket(), Net::of(2 + people));
        let start = async |host| Process::start_by(&net.on(host), &net.listening(host), &url).await;
        let (first, second) = (start(FIRST).await, start(SECOND).await);
        let base = async |process: &Process| {
            process.get("/v1/state").await["backend"]["telemetry"].as_str().unwrap().to_owned()
        };
        let bases = [base(&first).await, base(&second).await];
        first.post("/v1/incidents", json!({"id": Uuid::now_v7(), "command": {"title": "refunds paid twice"}})).await;
        until("the other node knows the incident", 20, || async {
            second.get("/v1/incidents").await.as_array().is_some_and(|all| all.len() == 1)
        })
        .await;
        Self { net, first: Some(first), second, bases }
    }

    async fn asks(&self, ask: Value) {
        let asked = json!({"id": Uuid::now_v7(), "command": ask});
        let answer = self.second.post("/v1/incidents/INC-1/commands", asked).await;
        assert!(answer["events"].is_array(), "{answer}");
    }

    /// Somebody at a host, who knows these backends.
    async fn seat(&mut self, name: &str, host: usize, backends: &[usize]) -> Person {
        let made = self.second.post("/v1/tokens", json!({"name": name, "role": "operator", "agent": null})).await;
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        let token = home.path().join("token");
        std::fs::write(&token, made["secret"].as_str().unwrap()).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut urls = Vec::new();
        for backend in backends {
            urls.push(self.net.way(host, &self.bases[*backend]).await);
        }
        let config = format!("url = {:?}\ntoken_file = {:?}\n", urls.join(", "), token.display().to_string());
        std::fs::write(home.path().join("config/config.toml"), config).unwrap();
        let seat = Seat::open_by(&self.net.on(host), home.path(), (80, 24), &[]);
        seat.sees("refunds paid twice");
        seat.sees("● live");
        Person { seat, host, _home: home }
    }

    /// The first backend's host loses its power: nobody is told.
    fn first_dies(&mut self) {
        self.net.cut(FIRST);
        drop(self.first.take());
    }

    async fn is_halted(&self) {
        until("the other leads, and nobody was left to stop", 20, || async {
            let halt = self.second.get("/v1/switches/SW-1").await;
            halt["state"] == "engaged" && halt["halt"]["counted"] == halt["halt"]["confirmed"]
        })
        .await;
    }
}

/// CKP.2, in real terminals: two backends of one database, a cockpit at each and one that names both; the first backend is
/// killed while it is watched: its cockpit says so, the third goes on with the other by itself, a halt fired at the second is
/// on every screen that has a backend, and proved.
#[tokio::test(flavor = "multi_thread")]
async fn a_cockpit_that_names_both_backends_outlives_one() {
    let mut team = Team::of(3).await;
    let at_first = team.seat("kim", 2, &[FIRST]).await;
    let mut at_second = team.seat("lee", 3, &[SECOND]).await;
    let at_both = team.seat("sam", 4, &[FIRST, SECOND]).await;
    drop(team.first.take());
    at_first.seat.sees("offline");
    at_second.seat.types("!");
    at_second.seat.sees("Stops");
    at_second.seat.fires();
    at_both.seat.sees("HALTED");
    at_both.seat.sees("● live");
    assert!(!at_first.seat.text().contains("HALTED"), "it says that it knows nothing newer");
    team.is_halted().await;
}

/// COM.5, CKP.2, laws 1–3, 6: three cockpits and two backends, each a host of its own; two people write in one draft, the link
/// of one goes down and he writes on, the host of a backend loses its power, the third halts. All end equal: the halt is
/// confirmed, the draft holds what both wrote.
#[tokio::test(flavor = "multi_thread")]
async fn one_is_cut_off_and_writes_one_halts_a_backend_dies_and_all_end_equal() {
    let mut team = Team::of(3).await;
    team.asks(json!({"type": "start-draft", "audience": "customer"})).await;
    let mut cut_off = team.seat("lee", 2, &[FIRST, SECOND]).await;
    let mut writer = team.seat("kim", 3, &[FIRST, SECOND]).await;
    let mut halts = team.seat("dana", 4, &[SECOND]).await;
    for person in [&mut cut_off, &mut writer] {
        person.seat.types("5");
        person.seat.sees("workflow");
        person.seat.types("\r");
        person.seat.sees("▸message");
    }
    writer.seat.types("We are sorry. ");
    cut_off.seat.until("what kim writes, and that she does", |text| {
        text.contains("We are sorry.") && text.contains("✎ kim in message")
    });

    let cut_at = Instant::now();
    team.net.cut(cut_off.host);
    cut_off.seat.sees("offline");
    assert!(cut_at.elapsed() < SOON, "nothing tells him: he notices by what does not come");
    cut_off.seat.types("\x05Written on a train. ");
    cut_off.seat.sees("Written on a train.");
    team.first_dies();
    halts.seat.types("!");
    halts.seat.sees("Stops");
    halts.seat.fires();
    writer.seat.types("Keep the payment. ");
    writer.seat.sees("HALTED");
    // He leaves the draft: what he wrote waits, and is shown as he left it when he comes back to it.
    cut_off.seat.types("\x1b");
    cut_off.seat.sees("1 wait");
    assert!(!cut_off.seat.text().contains("HALTED"), "he knows nothing newer, and his screen says so");

    team.net.mend(cut_off.host);
    team.is_halted().await;
    let whole = |text: &str| {
        ["We are sorry.", "Keep the payment.", "Written on a train."].iter().all(|part| text.contains(part))
    };
    until("the draft holds what both wrote", 30, || async {
        let draft = team.second.get("/v1/incidents/INC-1").await["drafts"][0].clone();
        whole(draft["fields"]["body"].as_str().unwrap())
    })
    .await;
    halts.seat.types("5");
    for person in [&cut_off, &writer, &halts] {
        person.seat.until("what both wrote, and the halt", |text| whole(text) && text.contains("HALTED"));
    }
    let draft = team.second.get("/v1/incidents/INC-1").await["drafts"][0].clone();
    let authors: Vec<&str> = draft["authors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(authors.contains(&"kim") && authors.contains(&"lee"), "{authors:?}");
}

/// CKP.2: the backend forgets somebody whose link went down, though nobody told it: the others do not count on them.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_is_soon_not_there_any_more() {
    let mut team = Team::of(1).await;
    let lee = team.seat("lee", 2, &[SECOND]).await;
    let present = async || team.second.get("/v1/state").await["live"]["present"].to_string().contains("lee");
    until("lee is there", 20, present).await;
    team.net.cut(lee.host);
    until("nobody counts on lee", 90, async || !present().await).await;
}
