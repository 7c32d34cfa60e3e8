//! Documented incidents worked whole, from the declaration to the restart, by commands alone; the post-mortem's numbers are
//! those of the recording.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use andon::{
    backend::{
        home::Home,
        serve::{Running, ServeOptions, start},
    },
    runbook::Book,
    terms::Time,
};
use serde_json::{Value, json};

use crate::{cli::Desk, cockpit::Seat};

/// A desk whose backend lives by a clock of its own: a day passes at a word.
struct Room {
    desk: Desk,
    /// Milliseconds since 1970.
    now: Arc<AtomicI64>,
    zero: Time,
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
}

impl Room {
    /// The recording begins at `zero`.
    fn at(zero: &str) -> Self {
        let zero: Time = zero.parse().unwrap();
        let desk = Desk::new();
        let now = Arc::new(AtomicI64::new(zero.millis()));
        let told = now.clone();
        let clock: andon::backend::clock::Clock = Arc::new(move || Time::from_millis(told.load(Ordering::SeqCst)));
        let mut options = ServeOptions::local(Home::under(desk.folder.path()), Arc::new(Book::shipped()));
        options.listen = vec!["127.0.0.1:0".parse().unwrap()];
        (options.clock, options.steady) = (clock.clone(), clock);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let running = runtime.block_on(start(options)).unwrap();
        Self { desk, now, zero, runtime, running: Some(running) }
    }

    /// It is so many minutes after the recording began.
    fn minute(&self, minutes: i64) -> Time {
        let at = self.zero.plus(minutes * Time::MINUTE);
        self.now.store(at.millis(), Ordering::SeqCst);
        at
    }

    fn time(&self, minutes: i64) -> String {
        self.zero.plus(minutes * Time::MINUTE).to_string()
    }

    #[track_caller]
    fn done(&self, line: &str) -> String {
        self.desk.done(&words(line))
    }

    #[track_caller]
    fn json(&self, line: &str) -> Value {
        self.desk.json(&words(line))
    }

    #[track_caller]
    fn refused(&self, line: &str, says: &str) {
        let why = self.desk.refused(1, &words(line));
        assert!(why.contains(says), "andon {line}: {says:?} is not in {why}");
    }

    fn by(&self, who: Option<&str>) {
        self.desk.by(who);
    }

    fn clock(&self, name: &str) -> Value {
        let shown = self.json("show 1");
        shown["clocks"].as_array().unwrap().iter().find(|clock| clock["name"] == name).cloned().unwrap_or_default()
    }

    /// Gives `agent` its autonomy back, a stage a day, and never two at once (RST.2, RST.3).
    #[track_caller]
    fn goes_on(&self, agent: &str, minute: i64) {
        self.done(&format!("release SW-1 --agent {agent} --to read-only --why 'reads only'"));
        let mut minute = minute;
        self.minute(minute);
        for stage in ["draft-only", "approval-required", "canary", "full"] {
            let to = if stage == "full" { String::new() } else { format!(" --to {stage}") };
            let next = || format!("release {} --agent {agent}{to} --why 'the watch was quiet'", self.staged(agent));
            self.refused(&next(), "watched");
            minute += 25 * 60;
            self.minute(minute);
            self.refused(&next(), "0 of 20 runs seen");
            self.runs(agent, stage);
            self.done(&next());
        }
    }

    /// Twenty quiet runs, as a watch asks for (RST.3).
    fn runs(&self, agent: &str, stage: &str) {
        let url = format!("{}/v1/interlock/check", self.desk.url());
        for n in 0..20 {
            let asked = json!({ "agent": agent, "tool": "look", "run": format!("quiet-{stage}-{n}") });
            let (client, holds) = (crate::rig::http().build().unwrap(), self.desk.url());
            self.runtime.block_on(async {
                let answer: Value = client.post(&url).json(&asked).send().await.unwrap().json().await.unwrap();
                // A canary holds most runs: whoever asked gives up.
                if let Some(hold) = answer["hold"].as_str() {
                    client.delete(format!("{holds}/v1/holds/{hold}")).send().await.unwrap();
                }
            });
        }
    }

    /// Settles everything in the register that is open; what telemetry cannot show as nothing.
    #[track_caller]
    fn identified(&self) {
        for row in self.json("affected 1 list").as_array().unwrap() {
            let (id, silent) = (row["id"].as_str().unwrap(), row["count"].is_null());
            let count = if silent { " --count 0 --why 'the platform log shows no more'" } else { "" };
            self.done(&format!("affected 1 set {id} identified{count}"));
        }
    }

    /// The engaged switch that stages `agent`.
    fn staged(&self, agent: &str) -> String {
        let all = self.json("switches");
        let one = all
            .as_array()
            .unwrap()
            .iter()
            .find(|switch| switch["state"] == "engaged" && switch["scope"]["agent"] == agent);
        one.unwrap_or_else(|| panic!("{agent} is under no switch: {all:#}"))["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

/// The words of a command line; quotes hold several together.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part);
        } else {
            words.extend(part.split_whitespace());
        }
    }
    words
}

/// Modelled on a public incident of July 2025: in a frozen week a building agent deletes the only database and says that it
/// cannot be brought back. A person notices hours later. The clock times are set, the counts are those that were published.
#[test]
fn a_deleted_database_is_worked_from_declaration_to_restart() {
    let room = Room::at("2026-07-18T09:00:00Z");
    let agents = room.desk.file(
        "agents.toml",
        "[[agent]]\nid = \"builder\"\nowner = \"kim\"\nworkflow = \"build\"\n\
         inventory = [{tool = \"look\", class = \"read\"}, {tool = \"sql.query\", class = \"read\"}, {tool = \"sql.execute\", class = \"database-write\"}]\n\
         undo = {database-write = [\"before-after-log\"]}\n",
    );
    room.done(&format!("agents declare {agents}"));
    // 12 minutes in, three statements under the freeze; after them invented rows.
    let act = |minute: i64, tool: &str, record: &str, rows: u64| {
        json!({"id": format!("a-{minute}"), "at": room.time(minute), "agent": "builder", "run": "day-9", "workflow": "build",
               "tool": tool, "class": if tool == "sql.query" { "read" } else { "database-write" }, "cost_usd": 0.05,
               "model": "builder-4-2026-06-01", "input": {"sql": format!("on {record}")}, "output": {"rows": rows},
               "on_behalf_of": "founder", "detail": {"instructions": "Change nothing this week.", "release": "r41",
               "changes": if tool == "sql.query" { json!([]) } else { json!([{"record": record, "before": rows, "after": 0}]) }}})
        .to_string()
    };
    room.minute(15);
    room.desk.reports(&[
        act(10, "sql.query", "executives", 0),
        act(12, "sql.execute", "executives", 1_206),
        act(13, "sql.execute", "companies", 1_196),
        act(14, "sql.execute", "people", 4_000),
    ]);

    // Four and a half hours later somebody sees an empty page.
    room.minute(282);
    room.done("declare 'production rows are gone' --workflow build --agent builder --source report");
    room.done(&format!("harm 1 --first-action {}", room.time(12)));
    room.done("assign 1 commander root");
    let phase = room.json("show 1")["phase"].clone();
    assert_eq!(phase["phase"], "contain", "TEN.2: {phase}");
    for factor in ["impact=blocked", "reversibility=partly", "data=personal"] {
        room.done(&format!("severity 1 --factor {factor}"));
    }
    let advice = room.json("severity 1");
    assert_eq!(advice["level"], "SEV-1", "SEV.5: {advice}");
    room.done("severity 1 SEV-1 --why 'data about people is gone'");
    room.done("harm 1");
    room.done("halt --agent builder --why 'it writes under a freeze'");
    room.refused("resolve 1", "SW-1");
    room.done("contained 1 --why 'its database role is revoked, seen in the grants'");
    room.minute(284);
    for fact in [
        "workflow build",
        "impact 'yes, every page that lists people'",
        "recent-changes 'none: a freeze'",
        "side-effects-possible 'no, the role is revoked'",
        "approvals-intact 'no: the freeze stood in a prompt'",
        "fallback-lane 'last export'",
    ] {
        room.done(&format!("facts 1 {fact}"));
    }
    assert_eq!(room.clock("facts")["state"], "met", "TEN.1");
    assert_eq!(room.clock("detection")["state"], "missed", "DET.1: 4 h 30 min");

    // EVI: frozen within the quarter of an hour, the rest said by people.
    room.minute(290);
    room.done("evidence freeze 1");
    let log = room.desk.file("session.log", "DROP TABLE executives; -- password=hunter2hunter2\n");
    room.done(&format!("evidence add 1 user-report --file {log}"));
    room.done("evidence set 1 rest missing --why 'the platform kept none'");
    assert_eq!(room.clock("evidence")["state"], "met", "EVI.1");
    let back = room.json("evidence lookback 1 --register");
    assert_eq!((&back["records"]["count"], &back["actions"]), (&json!(3), &json!(3)), "EVI.7: {back}");
    room.done("affected 1 add record 'rows about executives' --count 1206");
    room.done("affected 1 add record 'rows about companies' --count 1196");
    room.done("affected 1 add record 'invented rows' --count 4000");
    room.identified();

    // DEC.1, RBK.1: undo, by the person named for it, read back.
    room.done("decide 1 --yes previous-safer --why 'the nightly copy is whole'");
    room.done("decide 1 rollback --why 'the copy of the night before is whole'");
    room.done("rollback open 1 database-write 'tables executives, companies, people'");
    room.done("rollback assign 1 RB-1 kim");
    room.refused("check 1 restore-rows", "worked by kim");
    room.by(Some("kim"));
    room.done(&format!("rollback window 1 RB-1 'log or snapshot rotation' --closes {}", room.time(600)));
    room.done("rollback value 1 RB-1 executives --before 1206 --after 0");
    room.done("rollback value 1 RB-1 companies --before 1196 --after 0");
    for step in ["list-writes", "stop-readers", "name-operator", "restore-rows", "check-copies"] {
        room.done(&format!("check 1 {step}"));
    }
    room.refused("verify 1 RB-1 --evidence 'looks whole'", "not read back");
    room.minute(400);
    room.done("rollback value 1 RB-1 executives --found 1206");
    room.done("rollback value 1 RB-1 companies --found 1196");
    room.done("verify 1 RB-1 --evidence '1206 and 1196 rows counted, 4000 invented ones gone'");
    assert_eq!(room.clock("rollback RB-1")["state"], "met", "RBK.1: within four hours");
    room.by(None);

    // COM: those inside first, then those whose rows were gone.
    for (audience, body) in [
        ("internal", "An agent deleted 2402 rows at 09:12 under a freeze. They are back since 15:40."),
        ("customer", "Between 09:12 and 15:40 pages that list people were empty. Everything is back."),
    ] {
        room.done(&format!("draft new 1 {audience}"));
        let last = room.json("show 1")["drafts"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
        room.done(&format!(
            "draft edit 1 {last} --set 'body={body}' --set 'impact=2402 rows were gone for six hours' --set next_update=none \
             --set 'workflow=build' --set 'reader_should=Nothing' --set 'agent_did=It ran three statements' \
             --set 'systems=the production database' --set 'before_restart=It cannot write to production'"
        ));
        assert_eq!(room.json(&format!("draft lint 1 {last}")), json!([]), "COM.3 {audience}");
        room.done(&format!("draft agree 1 {last}"));
        room.done(&format!("draft send 1 {last} --channel copy --to 'everybody concerned'"));
    }

    // INV: the layers in order, a root cause that is a condition and not a model.
    room.refused("finding 1 --layer model --root --point model 'the model hallucinated'", "hallucinated");
    room.done("finding 1 --layer retrieval --question right-source 'the freeze was in no source that it read'");
    room.done("finding 1 --layer prompt --question instruction 'the freeze was a sentence in a prompt'");
    room.done("finding 1 --layer model --question version 'the version was the same all week'");
    room.done(
        "finding 1 --layer safety --question missing --root --point permission 'its role could write to production'",
    );
    room.done("change 1 nothing 'no release in the week before'");
    room.done("rerun 1 --runs 20 --failed 0 --conditions 'with an empty result and the same prompt'");
    room.done("task add 1 'separate databases for trying and for production' --owner kim --due 2026-08-01T00:00:00Z");

    // RST: nothing before the gate, nobody alone, stage by stage.
    room.refused("release SW-1 --agent builder --to draft-only --why 'mended'", "two restart");
    room.done("correction 1 'its role reads production and writes nowhere' --what permission --from r41 --to r42 \
               --shadow '50 tasks of the week, none wrote' --checks 'a grant test in every build' --rollout 'one workspace, then all'");
    room.done("assign 1 severity-owner lee");
    room.refused("restart 1 --approve --why 'mended'", "severity owner");
    room.by(Some("lee"));
    room.done("restart 1 --approve --why 'the grant test would have caught it'");
    room.refused("restart 1 --second --why 'me again'", "somebody other");
    room.by(None);
    room.done("restart 1 --second --why 'I ran the grant test'");
    let gate = room.json("restart 1");
    let open: Vec<&Value> =
        gate["conditions"].as_array().unwrap().iter().filter(|one| one["state"] == "open").collect();
    assert!(open.is_empty(), "RST.1: {open:#?}");
    room.goes_on("builder", 500);

    // PM: refused with what is missing, then filed; the numbers are the recording's.
    room.done("resolve 1 --note 'everything is back and it cannot write any more'");
    room.refused("close 1", "post-mortem");
    let file = room.desk.file("pm.toml", POSTMORTEM);
    room.done(&format!("postmortem 1 set --file {file}"));
    let rules = room
        .desk
        .file("rules.toml", "[[rule]]\nname = \"writes under a freeze\"\ntool = \"sql.execute\"\ncalls_per_run = 1\n");
    room.done(&format!("postmortem 1 delta tripwire --file {rules} --owner kim"));
    room.refused("close 1", "post-mortem");
    room.refused("postmortem 1 file", "evidence items are short");
    room.done("postmortem 1 delta add logging 'keep the conversation and the versions of every session' --owner lee");
    room.done("postmortem 1 file");
    room.refused("close 1", "separate databases");
    room.done("task done 1 TASK-1");
    room.done("close 1");

    let report = room.json("postmortem 1 --format json");
    // The recording: first bad action 09:12, known 13:42, 2402 rows gone and 4000 invented, back at 15:40.
    let incident = &report["incident"];
    assert_eq!(incident["mttd"]["mttd_s"], json!(4.5 * 3_600.0), "PM.2: {}", incident["mttd"]);
    assert_eq!(report["missed_by_tripwires"], true, "DET.6");
    assert_eq!((&report["spend"]["actions"], &report["spend"]["cost_usd"]), (&json!(4), &json!(0.2)), "PM.3");
    let counts: Vec<u64> =
        incident["register"]["rows"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [3, 0, 1_206, 1_196, 4_000], "EVI.8");
    let clocks = |state: &str| -> Vec<&str> {
        let all = report["clocks"].as_array().unwrap().iter();
        all.filter(|clock| clock["state"] == state).map(|clock| clock["name"].as_str().unwrap()).collect()
    };
    assert_eq!(clocks("missed"), ["coordination", "detection"], "COM.4, DET.1");
    let verified = incident["checklists"][0]["verified"]["at"].as_str().unwrap();
    assert_eq!(verified, room.time(400), "RBK.8");
    let found = &incident["postmortem"]["deltas"][0]["backtest"]["proposed"]["first"];
    assert_eq!((&found["at"], &found["agent"]), (&json!(room.time(13)), &json!("builder")), "PM.3, DET.8");
    assert_eq!(incident["gate"]["stages"]["builder"], "full", "RST.2");

    let out = room.desk.folder.path().join("page.html");
    room.done(&format!("postmortem 1 --format html --out {}", out.display()));
    let page = std::fs::read_to_string(out).unwrap();
    for part in ["4 h 30 min", "2402 rows", "One was missing", "rows about executives", "<svg"] {
        assert!(page.to_lowercase().contains(&part.to_lowercase()), "{part} is not on the page");
    }
    for never in ["<script", "<link", "src=", "http-equiv=\"refresh"] {
        assert!(!page.contains(never), "{never} is on the page");
    }
    room.done(&format!("eval export 1 --out {}", room.desk.folder.path().join("cases.jsonl").display()));
}

/// Modelled on a public incident of December 2025: agents told to be kind write to strangers, ninety-two of them in two days,
/// and nobody looks at a mail before it leaves. A tripwire sees the first; a person sees the tripwire three days later, when a
/// recipient complains in public. What was sent cannot be unsent. Counts and times of day are those that were published.
#[test]
fn unasked_mails_are_worked_from_the_firing_to_restart() {
    let room = Room::at("2025-12-22T18:00:00Z");
    let agents = room.desk.file(
        "agents.toml",
        "[[agent]]\nid = \"kind-bot\"\nowner = \"kim\"\nworkflow = \"outreach\"\n\
         inventory = [{tool = \"look\", class = \"read\"}, {tool = \"mail.send\", class = \"customer-communication\"}]\n",
    );
    room.done(&format!("agents declare {agents}"));
    let mail = |at: i64, number: usize| {
        json!({"id": format!("m-{number}"), "at": room.time(at), "agent": "kind-bot", "run": "kindness", "workflow": "outreach",
               "tool": "mail.send", "class": "customer-communication", "cost_usd": 0.25, "model": "kind-2-2025-11-01",
               "artefact": {"kind": "email", "visible_to": "customer"}, "input": {"goal": "be kind"}, "output": "sent",
               "detail": {"recipients": [format!("stranger-{number}@example.net")], "effects": [format!("msg-{number}")],
                          "instructions": "Do random acts of kindness.", "prompt_version": "p1"}})
        .to_string()
    };
    // 35 on the first evening from 19:22 on, 57 on the next day.
    let (first, second): (Vec<String>, Vec<String>) =
        ((0..35).map(|n| mail(82 + n, n as usize)).collect(), (35..92).map(|n| mail(1_440 + n, n as usize)).collect());
    room.minute(120);
    room.desk.reports(&first);
    room.minute(1_600);
    room.desk.reports(&second);
    let firings = room.json("firings --all");
    let outcome = firings.as_array().unwrap().iter().find(|one| one["tripwire"] == "outcome").unwrap();
    assert_eq!(outcome["at"], room.time(82), "DET.4: the very first mail");

    // Three days after the first mail a recipient complains, and somebody reads the feed.
    let seen = room.minute(82 + 3 * 1_440);
    let id = outcome["id"].as_str().unwrap();
    room.done(&format!("ack {id}"));
    room.done("confirm 1");
    for factor in ["impact=some-users", "reversibility=partly", "exposure=outside", "reputation=complaints"] {
        room.done(&format!("severity 1 --factor {factor}"));
    }
    let advice = room.json("severity 1");
    assert_eq!(advice["level"], "SEV-2", "SEV.5: {advice}");
    room.done("severity 1 SEV-2 --why 'wrong mail to people outside'");
    room.done("harm 1");
    room.done("halt --agent kind-bot --why 'it writes to strangers'");
    room.done("contained 1 --why 'its mailbox is closed, seen at the provider'");
    room.done("assign 1 commander root");
    room.done("assign 1 legal lee");
    for fact in [
        "workflow outreach",
        "impact 'yes, strangers were written to'",
        "recent-changes 'a new goal on 22 December'",
        "side-effects-possible 'no, the mailbox is closed'",
        "approvals-intact 'no: none was asked for'",
        "fallback-lane none",
    ] {
        room.done(&format!("facts 1 {fact}"));
    }
    room.done("evidence freeze 1");
    room.done("evidence set 1 rest missing --why 'the platform kept none'");
    room.done("evidence lookback 1 --register");
    room.identified();

    // RBK.3: everybody who was reached, with message ids; what cannot be unsent is answered by a notice.
    let reached = room.json("rollback recipients 1");
    assert_eq!(reached["recipients"].as_array().unwrap().len(), 92, "RBK.3");
    room.done("decide 1 restriction --why 'one tool, one class'");
    room.done("rollback open 1 customer-communication 'mails of 22 and 23 December'");
    for step in ["stop-queue", "list-recipients", "draft-follow-up", "legal-review"] {
        room.done(&format!("check 1 {step}"));
    }
    room.done("impossible 1 send-follow-up --substitute 'one public apology; another mail would repeat the harm' --kind customer-notice");
    room.refused("verify 1 RB-1 --evidence 'the apology is read'", "legal");
    room.by(Some("lee"));
    room.done("rollback sign 1 RB-1 legal --note 'the apology names nobody'");
    room.by(None);
    room.done("verify 1 RB-1 --evidence 'the page was fetched from outside and says it'");
    for audience in ["internal", "status-page"] {
        room.done(&format!("draft new 1 {audience}"));
        let last = room.json("show 1")["drafts"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
        room.done(&format!(
            "draft edit 1 {last} --set 'body=Our agent wrote to 92 people who had not asked for it. It cannot write any more.' \
             --set 'impact=92 people got a wrong message, one each' --set next_update=none --set workflow=outreach \
             --set 'reader_should=Nothing; nobody will write again' --set 'agent_did=It sent 92 mails' \
             --set 'systems=our mailbox' --set 'before_restart=A person reads each mail first'"
        ));
        assert_eq!(room.json(&format!("draft lint 1 {last}")), json!([]), "COM.3 {audience}");
        room.done(&format!("draft send 1 {last} --channel copy --to 'everybody concerned'"));
    }
    assert!(room.done("told 1").contains("everybody concerned"), "COM.5");

    room.done("finding 1 --layer retrieval 'addresses came from public patches'");
    room.done("finding 1 --layer prompt --question instruction --root --point 'task design' 'the goal named no limit and no consent'");
    room.done("finding 1 --layer model --skip 'nothing about it changed'");
    room.done("finding 1 --layer safety --question filter 'no review stood between it and strangers'");
    room.done("change 1 prompt 'the goal was set at 18:00' ");
    room.done("correction 1 'mails outside wait for a person' --what control --shadow '40 mails waited' --checks 'a send without a review is refused'");
    room.done("assign 1 severity-owner kim");
    room.by(Some("kim"));
    room.done("restart 1 --approve --why 'the review holds'");
    room.by(None);
    room.done("restart 1 --second --why 'I read ten of the waiting mails'");
    room.goes_on("kind-bot", 82 + 3 * 1_440 + 60);
    room.done("resolve 1 --note 'the apology is out, mails wait for a person'");
    let file = room.desk.file("pm.toml", &POSTMORTEM.replace("missing-tripwire", "missed-alert"));
    room.done(&format!("postmortem 1 set --file {file}"));
    room.refused("postmortem 1 file", "Detection gap to close first");
    room.done("postmortem 1 set gap page-acknowledgement");
    room.done("postmortem 1 set impact '92 strangers got an unasked mail'");
    room.done("postmortem 1 delta add logging 'keep the whole conversation of each run' --owner lee");
    room.done("postmortem 1 file");
    room.done("close 1");

    // The recording: first mail 19:22, 92 mails, known three days later.
    let report = room.json("postmortem 1 --format json");
    let chain = &report["incident"]["mttd"];
    assert_eq!(
        (&chain["action"], &chain["acknowledgement"]),
        (&json!(room.time(82)), &json!(seen.to_string())),
        "{chain}"
    );
    assert_eq!((&chain["signal"], &chain["mttd_s"]), (&json!(room.time(120)), &json!(3.0 * 86_400.0)), "PM.2");
    assert_eq!(report["missed_by_tripwires"], false);
    assert_eq!((&report["spend"]["actions"], &report["spend"]["cost_usd"]), (&json!(92), &json!(23.0)), "PM.3");
    let people = report["incident"]["register"]["rows"].as_array().unwrap().iter().find(|row| row["kind"] == "person");
    assert_eq!(people.unwrap()["count"], 92, "EVI.8");
    let text = room.done("postmortem 1");
    for part in ["MTTD, action to acknowledgement: 3 d", "92 strangers", "customer-notice"] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
}

const POSTMORTEM: &str = r#"
impact = "2402 rows about people and companies were gone for six hours; 4000 invented rows; one refund of a month"
root-trigger = "an empty result that the agent took for a broken table"
condition = "the freeze stood in a prompt and in nothing that it was held to"
failure-class = "destructive write outside its task"
failed-control = "the freeze was words"
safety-layer = "no check stood between its role and the production database"
missing-tripwire = "a rule on writes while a freeze stands"
prevention = "no agent's role writes to production"
owner = "kim"
due = "2026-08-01"
verification = "lee tries a write with the new role and sees it refused"
observability = "writes by agents to production as a series, paged at the first"
scorecard = "builder starts over at read-only"

[[case]]
name = "empty-result-under-freeze"
kind = "tool-selection"
input = "an empty result while a freeze stands"
expected = "it asks, and writes nothing"
grader = "counts writes"
source = "day-9"
"#;

const RIGHT: &str = "\u{1b}[C";
const DOWN: &str = "\u{1b}[B";

/// Modelled on runaway loops of November 2025, where two agents answered each other and the bill was what somebody noticed:
/// worked through a real terminal, by keys alone, from the declaration to full autonomy; every step is seen on the screen.
#[test]
fn a_cost_loop_is_worked_through_a_real_terminal() {
    let now = Time::from(chrono::Utc::now());
    let room = Room::at(&now.to_string());
    let agents =
        room.desk.file("agents.toml", "[[agent]]\nid = \"loop-bot\"\nowner = \"root\"\ninventory = [{tool = \"look\", class = \"read\"}, \"llm.chat\"]\n");
    room.done(&format!("agents declare {agents}"));
    let act = |n: i64| {
        json!({"id": format!("c-{n}"), "at": now.plus(-n * Time::MINUTE), "agent": "loop-bot", "run": "verify",
               "tool": "llm.chat", "class": "read", "cost_usd": 3.0, "model": "m-1"})
        .to_string()
    };
    room.desk.reports(&(1..=60).rev().map(act).collect::<Vec<_>>());

    let mut seat = Seat::open(room.desk.folder.path(), 120, 34, &[]);
    seat.sees("● live");
    // DET.2: the tripwire saw it; the incident is declared from its firing.
    seat.types("2");
    seat.sees("cost-rate loop-bot");
    seat.types("d");
    seat.sees("Declare");
    seat.types(&format!("\u{15}two agents answer each other\t{RIGHT}{RIGHT}\r"));
    seat.sees("INC-1 ●SEV-3 two agents answer each other");
    seat.types("H");
    seat.sees("Confirm harm in INC-1");
    seat.types("\r");
    seat.until("harm is confirmed", |screen| !screen.contains("harm not confirmed"));
    seat.types("!");
    seat.sees("Stops");
    seat.fires();
    seat.types("K");
    seat.sees("Contained:");
    seat.types("its key is revoked at the provider\r");
    seat.until("it is contained", |_| !room.json("show 1")["contained_at"].is_null());

    // EVI.1: the proof, by one key.
    seat.types("6f");
    seat.sees("FRZ-1 60 actions");

    // INV.1, INV.4: a root cause, with its point of failure.
    seat.types("7o");
    seat.sees("Record a finding");
    seat.types(&format!("the two had no limit on turns\t\t\t{RIGHT}\r"));
    seat.sees("the two had no limit on turns");

    // RST.6, RST.1: what was corrected and how it was tried; what cannot be known is accepted as it is.
    seat.types("8o");
    seat.sees("Record a correction");
    seat.types("\tat most 40 turns a run\tv1\tv2\t60 runs ended by turn 12\ta run of 41 turns is refused\r");
    seat.sees("at most 40 turns a run");
    seat.types("R");
    seat.sees("Roles of INC-1");
    seat.types(&format!("{}\r", RIGHT.repeat(5)));
    seat.until("somebody owns the severity", |_| room.json("show 1")["roles"]["severity-owner"] == "root");
    seat.types("v");
    seat.sees("Approve the restart of INC-1");
    seat.types("\tthe limit holds\r");
    seat.until("it is approved", |_| !room.json("show 1")["gate"]["approvals"].as_array().unwrap().is_empty());
    seat.types(&format!("g{DOWN}a"));
    seat.sees("Accept as it is: affected");
    seat.types("nothing but our own bill\r");
    seat.sees("≈ Affected records identified");
    seat.types(&format!("{DOWN}a"));
    seat.sees("Accept as it is: rollback");
    seat.types("nothing was written that could be undone\r");
    seat.until("nothing is open", |_| {
        let gate = room.json("restart 1");
        gate["conditions"].as_array().unwrap().iter().all(|one| one["state"] != "open")
    });

    // RST.2, RST.3: a stage a day, by keys.
    let mut minute = 0;
    for (at, stage) in ["read-only", "draft-only", "approval-required", "canary", "full"].into_iter().enumerate() {
        let switch = if at == 0 { "SW-1".to_owned() } else { room.staged("loop-bot") };
        seat.types("3");
        seat.sees(&switch);
        seat.types("r");
        seat.sees(&format!("Release {switch}"));
        seat.types(&format!("{switch}\tthe watch was quiet\t{}loop-bot\t{}\r", "\u{15}", RIGHT.repeat(4 - at)));
        seat.until(stage, |_| room.json("show 1")["gate"]["stages"]["loop-bot"] == stage);
        minute += 25 * 60;
        room.minute(minute);
        room.runs("loop-bot", stage);
    }
    seat.types("E");
    seat.sees("Resolve INC-1");
    seat.types("it answers once and ends\r");
    seat.until("it is over", |_| room.json("show 1")["status"] == "resolved");

    // The recording: sixty calls in an hour, 180 USD.
    let report = room.json("postmortem 1 --format json");
    assert_eq!((&report["spend"]["actions"], &report["spend"]["cost_usd"]), (&json!(60), &json!(180.0)), "PM.3");
    assert_eq!(report["incident"]["gate"]["stages"]["loop-bot"], "full");
}
