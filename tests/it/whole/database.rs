//! A database that an agent deleted.

use serde_json::{Value, json};

use super::{POSTMORTEM, Room};

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
