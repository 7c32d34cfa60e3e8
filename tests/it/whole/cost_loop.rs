//! Two agents that answered each other, through a real terminal.

use andon::terms::Time;
use serde_json::json;

use super::Room;
use crate::cockpit::Seat;

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
