//! Every operation, once.

use schemars::{Schema, SchemaGenerator};

use crate::{
    api::{
        Accepted, AckFiring, ActionsAnswer, AnnotateSwitch, Ask, AskPreview, AutoPlan, BacktestView, Challenge,
        CheckAnswer, CheckRequest, CompareTripwires, DecideHold, DrillStarted, FreezeCheck, HoldView, HookTested,
        HookView, LeaseAnswer, LeaseRequest, LoggedIn, Login, MakeToken, PreviewAnswer, ProposeTripwires,
        RecordingView, ReleaseSwitch, RunbookView, SetAutoStage, StartDrill, Stop, Stopping, StoredBlob, TellWriting,
        TokenMade, Used,
    },
    incident::{
        AgentDeclaration, Command, Declare, Engage, Event, IncidentCommand, Token, containment::Switch, drilled::Steer,
        upkeep::TakeRunbook,
    },
    tripwire::Firing,
};

/// One method of one path.
pub struct Operation {
    /// In small letters.
    pub method: &'static str,
    /// With names in braces.
    pub path: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// What its query may say, and what that means.
    pub query: &'static [(&'static str, &'static str)],
    /// What it takes.
    pub body: Body,
    /// What it answers.
    pub answer: Answer,
}

/// What an answer is.
pub enum Answer {
    /// JSON of this shape.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Something of this media type, whose shape is not promised.
    Of(&'static str),
}

/// What a request brings.
pub enum Body {
    /// Nothing.
    None,
    /// JSON of this shape.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Something in a format of others, by media type.
    Raw(&'static [&'static str]),
}

const WORLD: (&str, &str) = ("world", "a drill's world, like DRILL-3; the real one where it is not given");
const AFTER: (&str, &str) = ("after", "what comes after this position");
const OPEN: (&str, &str) = ("open", "true: only what is open");
const FREEZE: (&str, &str) = ("freeze", "of which freeze");
const LIMIT: (&str, &str) = ("limit", "how many at most");
const RAW: (&str, &str) = ("raw", "true: with its secrets");
const RUN: (&str, &str) = ("run", "of which run");
const ALL: (&str, &str) = ("all", "true: decided ones too");
const WAIT_S: (&str, &str) = ("wait_s", "for how many seconds to wait for the decision");
const SINCE: (&str, &str) = ("since", "from this moment on");
const VERSION: (&str, &str) = ("version", "which version");
const AGENT: (&str, &str) = ("agent", "which agent");
const TICKET: (&str, &str) = ("ticket", "of one use, from the answer before");
const PAGE: (&str, &str) = ("page", "the page");
const TO: (&str, &str) = ("to", "to whom it went");
const UNTIL: (&str, &str) = ("until", "when the link ends");
const PROOF: (&str, &str) = ("proof", "what proves it");

const JSON: Answer = Answer::Of("application/json");
const TEXT: Answer = Answer::Of("text/plain");
const HTML: Answer = Answer::Of("text/html");
const SSE: Answer = Answer::Of("text/event-stream");
const BYTES: Answer = Answer::Of("application/octet-stream");

const fn of(
    (method, path): (&'static str, &'static str),
    summary: &'static str,
    query: &'static [(&'static str, &'static str)],
    body: Body,
    answer: Answer,
) -> Operation {
    Operation { method, path, summary, query, body, answer }
}

const fn json<T: schemars::JsonSchema>() -> Body {
    Body::Json(SchemaGenerator::subschema_for::<T>)
}

const fn gives<T: schemars::JsonSchema>() -> Answer {
    Answer::Json(SchemaGenerator::subschema_for::<T>)
}

const DONE: Answer = gives::<Accepted>();

/// All of them, in the order of the routers.
pub static OPERATIONS: &[Operation] = &[
    of(("get", "/healthz"), "Whether it lives.", &[], Body::None, JSON),
    of(("get", "/readyz"), "Whether it can do its work, and why not.", &[], Body::None, JSON),
    of(("get", "/metrics"), "Figures for a monitoring system.", &[], Body::None, TEXT),
    of(("get", "/openapi.json"), "This document.", &[], Body::None, JSON),
    of(("get", "/ack"), "The page behind the link of a page.", &[PAGE, TO, UNTIL, PROOF], Body::None, HTML),
    of(
        ("post", "/ack"),
        "Acknowledges by such a link.",
        &[PAGE, TO, UNTIL, PROOF],
        Body::Raw(&["application/x-www-form-urlencoded"]),
        HTML,
    ),
    of(("get", "/v1/state"), "Everything a cockpit begins with.", &[WORLD], Body::None, JSON),
    of(
        ("get", "/v1/events"),
        "The log as it grows, as server-sent events; resumed by `Last-Event-ID`.",
        &[WORLD, AFTER],
        Body::None,
        SSE,
    ),
    of(("post", "/v1/commands"), "Asks any command by name.", &[WORLD], json::<Ask<Command>>(), DONE),
    of(("get", "/v1/incidents"), "Incidents.", &[WORLD, OPEN], Body::None, JSON),
    of(("post", "/v1/incidents"), "Declares one.", &[WORLD], json::<Ask<Declare>>(), DONE),
    of(("get", "/v1/incidents/{id}"), "One incident, with its clocks.", &[WORLD], Body::None, JSON),
    of(
        ("post", "/v1/incidents/{id}/commands"),
        "Asks something of it.",
        &[WORLD],
        json::<Ask<IncidentCommand>>(),
        DONE,
    ),
    of(
        ("get", "/v1/incidents/{id}/events"),
        "What happened in it.",
        &[WORLD, AFTER],
        Body::None,
        gives::<Vec<Event>>(),
    ),
    of(("get", "/v1/incidents/{id}/severity"), "What its severity should be, and why.", &[WORLD], Body::None, JSON),
    of(("get", "/v1/incidents/{id}/postmortem"), "Its post-mortem.", &[WORLD], Body::None, JSON),
    of(
        ("post", "/v1/incidents/{id}/postmortem/backtest"),
        "Tries tripwires over its own telemetry.",
        &[WORLD],
        json::<ProposeTripwires>(),
        JSON,
    ),
    of(
        ("post", "/v1/incidents/{id}/postmortem/tripwires"),
        "Proposes them, with what the backtest showed.",
        &[WORLD],
        json::<Ask<ProposeTripwires>>(),
        DONE,
    ),
    of(
        ("get", "/v1/incidents/{id}/evidence"),
        "Whether its frozen evidence is whole.",
        &[WORLD, FREEZE],
        Body::None,
        gives::<Vec<FreezeCheck>>(),
    ),
    of(
        ("get", "/v1/incidents/{id}/evidence/actions"),
        "Actions pinned by a freeze.",
        &[WORLD, FREEZE, AFTER, LIMIT],
        Body::None,
        JSON,
    ),
    of(
        ("get", "/v1/incidents/{id}/blobs/{digest}"),
        "What shows an item, its secrets masked.",
        &[WORLD, RAW],
        Body::None,
        BYTES,
    ),
    of(("get", "/v1/incidents/{id}/bundle"), "Its evidence in one archive.", &[WORLD], Body::None, BYTES),
    of(("get", "/v1/incidents/{id}/trace"), "What its agents did, step by step.", &[WORLD, RUN], Body::None, JSON),
    of(("get", "/v1/incidents/{id}/decision"), "What to do next, and why.", &[WORLD], Body::None, JSON),
    of(("get", "/v1/incidents/{id}/lookback"), "What its agents did before.", &[WORLD], Body::None, JSON),
    of(("get", "/v1/incidents/{id}/recipients"), "Whom its agents wrote to.", &[WORLD], Body::None, JSON),
    of(("get", "/v1/incidents/{id}/readers"), "Who read what they wrote.", &[WORLD], Body::None, JSON),
    of(
        ("post", "/v1/blobs"),
        "Keeps what shows an item of evidence.",
        &[],
        Body::Raw(&["application/octet-stream"]),
        gives::<StoredBlob>(),
    ),
    of(("get", "/v1/secrets"), "What counts as a secret.", &[], Body::None, JSON),
    of(("get", "/v1/switches"), "Switches.", &[WORLD], Body::None, gives::<Vec<Switch>>()),
    of(("post", "/v1/switches"), "Engages one.", &[WORLD], json::<Ask<Engage>>(), DONE),
    of(
        ("post", "/v1/switches/preview"),
        "What one would cover, and what is recommended.",
        &[WORLD],
        json::<AskPreview>(),
        gives::<PreviewAnswer>(),
    ),
    of(("get", "/v1/switches/{id}"), "One switch, with its proof.", &[WORLD], Body::None, gives::<Switch>()),
    of(
        ("post", "/v1/switches/{id}/release"),
        "Lifts it. From a person whose SSH key is known it is to be signed.",
        &[WORLD],
        json::<Ask<ReleaseSwitch>>(),
        DONE,
    ),
    of(
        ("post", "/v1/switches/{id}/annotate"),
        "Gives it its reason after firing.",
        &[WORLD],
        json::<Ask<AnnotateSwitch>>(),
        DONE,
    ),
    of(("get", "/v1/holds"), "Calls that wait for a person.", &[WORLD, ALL], Body::None, gives::<Vec<HoldView>>()),
    of(
        ("get", "/v1/holds/{id}"),
        "One call that waits; its client asks here.",
        &[WORLD, WAIT_S],
        Body::None,
        gives::<HoldView>(),
    ),
    of(("delete", "/v1/holds/{id}"), "Its client gives it up.", &[WORLD], Body::None, gives::<HoldView>()),
    of(
        ("post", "/v1/holds/{id}/decide"),
        "Approves or denies it. An approval is to be signed like a release.",
        &[WORLD],
        json::<Ask<DecideHold>>(),
        DONE,
    ),
    of(("get", "/v1/firings"), "Firings of tripwires.", &[WORLD, OPEN], Body::None, gives::<Vec<Firing>>()),
    of(("get", "/v1/firings/{id}"), "One firing.", &[WORLD], Body::None, gives::<Firing>()),
    of(("post", "/v1/firings/{id}/ack"), "Acknowledges it.", &[WORLD], json::<Ask<AckFiring>>(), DONE),
    of(("get", "/v1/tripwires"), "Tripwires, and what they would stop.", &[WORLD], Body::None, JSON),
    of(
        ("post", "/v1/tripwires/compare"),
        "Tries proposed tripwires over what is stored, beside those in force.",
        &[WORLD],
        json::<CompareTripwires>(),
        JSON,
    ),
    of(
        ("post", "/v1/tripwires/auto"),
        "Approves a switch that a tripwire engages by itself.",
        &[WORLD],
        json::<Ask<SetAutoStage>>(),
        DONE,
    ),
    of(
        ("post", "/v1/tripwires/auto/backtest"),
        "What such a switch would have done.",
        &[WORLD],
        json::<AutoPlan>(),
        gives::<BacktestView>(),
    ),
    of(("get", "/v1/agents"), "Agents, declared or seen.", &[WORLD], Body::None, JSON),
    of(("post", "/v1/agents"), "Declares agents.", &[WORLD], json::<Vec<AgentDeclaration>>(), DONE),
    of(("put", "/v1/agents"), "Declares agents.", &[WORLD], json::<Vec<AgentDeclaration>>(), DONE),
    of(("get", "/v1/agents/{id}"), "One agent.", &[WORLD], Body::None, JSON),
    of(("get", "/v1/agents/{id}/used"), "The tools it used.", &[WORLD], Body::None, gives::<Vec<Used>>()),
    of(("post", "/v1/login/challenge"), "Something to sign.", &[], Body::None, gives::<Challenge>()),
    of(("post", "/v1/login"), "A session for whoever signed it.", &[], json::<Login>(), gives::<LoggedIn>()),
    of(("delete", "/v1/login"), "Ends the session.", &[], Body::None, JSON),
    of(("get", "/v1/tokens"), "Tokens, without their secrets.", &[], Body::None, gives::<Vec<Token>>()),
    of(("post", "/v1/tokens"), "Makes one; its secret is told once.", &[], json::<MakeToken>(), gives::<TokenMade>()),
    of(("delete", "/v1/tokens/{id}"), "Revokes one.", &[], Body::None, DONE),
    of(("get", "/v1/figures"), "Figures over all incidents, drills apart.", &[SINCE], Body::None, JSON),
    of(
        ("post", "/v1/alerts/alertmanager"),
        "Alerts of Alertmanager (webhook version 4).",
        &[],
        Body::Raw(&["application/json"]),
        JSON,
    ),
    of(
        ("post", "/v1/alerts/{name}"),
        "Alerts of anything, by a mapping of the runbook.",
        &[],
        Body::Raw(&["application/json"]),
        JSON,
    ),
    of(("get", "/v1/hooks"), "Where events go by type.", &[], Body::None, gives::<Vec<HookView>>()),
    of(("post", "/v1/hooks/{name}/test"), "Tries one.", &[], Body::Raw(&["application/json"]), gives::<HookTested>()),
    of(
        ("get", "/v1/runbook"),
        "The runbook in force, or one of its versions.",
        &[VERSION],
        Body::None,
        gives::<RunbookView>(),
    ),
    of(("post", "/v1/runbook"), "Brings a team's own texts into force.", &[], json::<TakeRunbook>(), DONE),
    of(("get", "/v1/runbook/upkeep"), "Its versions, and what was reported of it.", &[], Body::None, JSON),
    of(("get", "/v1/drills"), "Drills.", &[], Body::None, JSON),
    of(
        ("post", "/v1/drills"),
        "Plays a recording in a world of its own.",
        &[],
        json::<Ask<StartDrill>>(),
        gives::<DrillStarted>(),
    ),
    of(
        ("get", "/v1/drills/recordings"),
        "Recordings that can be played.",
        &[],
        Body::None,
        gives::<Vec<RecordingView>>(),
    ),
    of(("delete", "/v1/drills/{id}"), "Ends one.", &[], Body::None, DONE),
    of(("post", "/v1/drills/{id}/steer"), "A facilitator's hand on it.", &[], json::<Ask<Steer>>(), DONE),
    of(("get", "/v1/drills/{id}/outline"), "What comes in it, for who leads it.", &[], Body::None, JSON),
    of(("get", "/v1/drills/{id}/score"), "What it came to.", &[], Body::None, JSON),
    of(("post", "/v1/writing"), "Tells the others where somebody writes.", &[WORLD], json::<TellWriting>(), JSON),
    of(("post", "/v1/stop"), "Stops the backend.", &[], json::<Stop>(), gives::<Stopping>()),
    of(
        ("post", "/v1/interlock/check"),
        "Whether a call may go ahead.",
        &[WORLD],
        json::<CheckRequest>(),
        gives::<CheckAnswer>(),
    ),
    of(
        ("post", "/v1/interlock/lease"),
        "Whether an agent may go on, for a while.",
        &[WORLD],
        json::<LeaseRequest>(),
        gives::<LeaseAnswer>(),
    ),
    of(
        ("get", "/v1/interlock/stream"),
        "Every change of a decision, as server-sent events.",
        &[WORLD, AGENT],
        Body::None,
        SSE,
    ),
    of(
        ("get", "/v1/interlock/authz"),
        "The same for a gateway, by its headers; any method.",
        &[WORLD],
        Body::None,
        JSON,
    ),
    of(
        ("get", "/v1/interlock/authz/{rest}"),
        "The same, with the path of the call behind it; any method.",
        &[WORLD],
        Body::None,
        JSON,
    ),
    of(
        ("post", "/ofrep/v1/evaluate/flags"),
        "The switches as OpenFeature's flags.",
        &[],
        Body::Raw(&["application/json"]),
        JSON,
    ),
    of(("post", "/ofrep/v1/evaluate/flags/{key}"), "One of them.", &[], Body::Raw(&["application/json"]), JSON),
    of(("get", "/ofrep/v1/stream"), "Changes of them, as server-sent events.", &[AGENT, TICKET], Body::None, SSE),
    of(("get", "/v1/actions"), "Actions that were taken lately.", &[WORLD, AGENT, AFTER, LIMIT], Body::None, JSON),
    of(
        ("post", "/v1/actions"),
        "Reports actions, one JSON object a line.",
        &[WORLD],
        Body::Raw(&["application/x-ndjson", "application/json"]),
        gives::<ActionsAnswer>(),
    ),
    of(
        ("post", "/v1/traces"),
        "Reports OTLP traces.",
        &[WORLD],
        Body::Raw(&["application/x-protobuf", "application/json"]),
        JSON,
    ),
];
