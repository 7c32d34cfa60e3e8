//! Mails that nobody asked for.

use serde_json::json;

use super::{POSTMORTEM, Room};

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
