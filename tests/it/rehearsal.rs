//! A facilitator and two participants live through one scenario twice, in three real terminals on one backend (DRL.1–DRL.3).

use std::{
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    cockpit::Seat,
    rig::{Rig, rig, until},
};

/// A person with a cockpit in a terminal of their own.
struct Person {
    seat: Seat,
    home: tempfile::TempDir,
}

impl Person {
    async fn sits(rig: &Rig, name: &str, size: (u16, u16)) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("config")).unwrap();
        let token = home.path().join("token");
        std::fs::write(&token, rig.token(name, "operator", None).await).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!("url = {:?}\ntoken_file = {:?}\n", rig.base(), token.display().to_string());
        std::fs::write(home.path().join("config/config.toml"), config).unwrap();
        let seat = Seat::open(home.path(), size.0, size.1, &[]);
        seat.sees("● live");
        Self { seat, home }
    }

    /// Enters the newest drill.
    fn enters(&mut self, drill: &str) {
        self.seat.types("W");
        self.seat.sees("Drills");
        self.seat.types("\r");
        self.seat
            .until(drill, |text| text.contains(drill) && text.contains("● live") && !text.contains("enter choose"));
    }

    /// Reads what was heard from outside, until these words are among it.
    fn hears(&mut self, words: &str) {
        let start = Instant::now();
        loop {
            self.seat.types("J");
            self.seat.sees("heard in");
            let heard = self.seat.text().contains(words);
            self.seat.types("q");
            self.seat.until("the list is closed", |text| !text.contains("heard in"));
            if heard {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "never heard: {words}");
        }
    }

    /// Stops everything: two keys.
    fn halts(&mut self) {
        self.seat.types("!");
        self.seat.sees("Stops");
        self.seat.fires();
    }

    /// Seeks in the console; it is there once the playhead says so.
    fn seeks(&mut self, to: &str, shows: &str) {
        self.seat.types("s");
        self.seat.sees("Seek in");
        self.seat.types(&format!("{to}\r"));
        self.seat.until(shows, |text| text.contains(shows) && !text.contains("Seek in"));
    }

    /// `andon … --json`, as this person; none where it is refused.
    fn asks(&self, args: &[&str]) -> Option<Value> {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_andon"));
        command.args(args).arg("--json").env("ANDON_HOME", self.home.path());
        let output = command.env_remove("ANDON_URL").env_remove("ANDON_TOKEN").output().unwrap();
        serde_json::from_slice(&output.stdout).ok().filter(|_| output.status.success())
    }
}

/// DRL.1, DRL.3: dana leads, kim and lee take part. The first time they stop the agents late; dana takes the drill back, every
/// cockpit goes along, and the second time they stop them early: the score tells how much harm that spared. Nobody but dana sees
/// what comes.
#[tokio::test(flavor = "multi_thread")]
async fn one_scenario_is_lived_through_twice_slow_and_fast() {
    let rig = rig().await;
    let mut dana = Person::sits(&rig, "dana", (120, 34)).await;
    let mut kim = Person::sits(&rig, "kim", (80, 24)).await;
    let mut lee = Person::sits(&rig, "lee", (44, 30)).await;
    dana.seat.types("P");
    dana.seat.sees("refunds-twice");
    dana.seat.types("refunds-twice\r");
    dana.seat.until("she is in the drill", |text| text.contains("DRILL-1") && text.contains("● live"));
    dana.seat.types("0");
    dana.seat.sees("only who leads sees this");
    dana.seat.types(" ");
    dana.seat.sees("‖ held");
    for person in [&mut kim, &mut lee] {
        person.enters("DRILL-1");
        person.seat.types("0");
        assert_eq!(person.asks(&["drill", "outline", "DRILL-1"]), None, "what comes is not theirs to see");
    }
    dana.seat.until("who is there", |text| text.contains("kim") && text.contains("lee"));

    // Slow: forty minutes go by before anybody stops anything.
    dana.seeks("40:00", "40:00 of");
    kim.hears("A customer writes");
    kim.halts();
    lee.seat.sees("HALTED");
    dana.seeks("1:00:00", "■ over");

    // Fast: taken back to the beginning, held as it was; everybody is led along.
    dana.seeks("0:00", "DRILL-2");
    for person in [&kim, &lee] {
        person.seat.until("led to the next take", |text| text.contains("DRILL-2") && !text.contains("HALTED"));
    }
    dana.seat.until("the next take is held", |text| text.contains("‖ held") && text.contains("0:00 of"));
    dana.seeks("9:00", "9:00 of");
    lee.halts();
    kim.seat.sees("HALTED");
    dana.seeks("1:00:00", "■ over");

    until("both are scored", || async {
        let scores = dana.asks(&["drill", "history"]).unwrap();
        scores.as_array().unwrap().iter().all(|score| score["over"] == true)
    })
    .await;
    let score = |of: &str| lee.asks(&["drill", "score", of]).unwrap();
    let (slow, fast) = (score("DRILL-1"), score("DRILL-2"));
    assert!(dana.asks(&["drill", "outline", "DRILL-2"]).is_some());
    let people = |score: &Value, of: &str| score["harm"][of]["people"].as_u64().unwrap_or_default();
    assert_eq!((people(&slow, "course"), slow["name"].as_str()), (people(&fast, "course"), fast["name"].as_str()));
    assert!(people(&slow, "done") > 3 * people(&fast, "done").max(1), "{slow}\n{fast}");
    assert!(people(&fast, "prevented") > people(&slow, "prevented"), "{slow}\n{fast}");
    assert!(fast["spared"].as_f64() > slow["spared"].as_f64(), "{slow}\n{fast}");
    for score in [&slow, &fast] {
        assert_eq!(people(score, "done") + people(score, "prevented"), people(score, "course"), "{score}");
    }
    assert_eq!(rig.get("/v1/switches").await.good(), &json!([]), "nobody real was stopped");
    let spoiled = |person: &Person| person.seat.text().contains("only who leads");
    assert!(!spoiled(&kim) && !spoiled(&lee));
}
