//! `/ack`: somebody who was paged follows the link in the page (TEAM.12). Following it shows what it is about; only the button
//! acknowledges, for programs that look at mail follow every link.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    api::Problem,
    backend::{
        app::Backend,
        identity::Identity,
        links::{Judged, Link},
        outward::{Page, Subject},
        rights::Standing,
    },
    report::answer::{self, Answer},
    terms::Author,
};

/// Nothing but this page's own text and form; it is kept nowhere and shown in no other page. Its own address goes nowhere else,
/// and the browser says of the form where it is from.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ),
];

type Asked = Result<Query<Link>, QueryRejection>;

/// What the link is about, and the button.
pub async fn show(State(backend): State<Arc<Backend>>, link: Asked) -> Response {
    answered(look(&backend, link).await.map(|found| found.answer()))
}

/// The button.
pub async fn acknowledge(State(backend): State<Arc<Backend>>, identity: Identity, link: Asked) -> Response {
    if identity.standing == Standing::Agent {
        return Problem::forbidden("an agent acknowledges nothing; a person does").into_response();
    }
    answered(press(&backend, link).await)
}

fn answered(answer: Result<Answer, Answer>) -> Response {
    let (answer, held) = match answer {
        Ok(answer) => (answer, true),
        Err(answer) => (answer, false),
    };
    let status = match &answer {
        Answer::Forged => StatusCode::FORBIDDEN,
        Answer::Expired { .. } => StatusCode::GONE,
        Answer::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        _ if !held => StatusCode::CONFLICT,
        _ => StatusCode::OK,
    };
    (status, HEADERS, answer::page(&answer)).into_response()
}

/// A link that holds, and its page.
struct Found {
    subject: Subject,
    to: String,
    page: Page,
    /// Who has it already.
    by: Option<String>,
    over: bool,
}

impl Found {
    fn answer(&self) -> Answer {
        let summary = self.page.summary.clone();
        match (&self.by, self.over) {
            (Some(by), _) => Answer::Known { summary, by: by.clone() },
            (None, true) => Answer::Over { summary },
            (None, false) => Answer::Asks { summary, detail: self.page.detail.clone() },
        }
    }
}

async fn look(backend: &Backend, link: Asked) -> Result<Found, Answer> {
    let Ok(Query(link)) = link else { return Err(Answer::Forged) };
    let worlds = backend.core.worlds();
    let subject: Subject = link.page.parse().map_err(|()| Answer::Forged)?;
    let standing = subject.standing(&worlds.real).ok_or(Answer::Forged)?;
    let judged = backend.links.judge(&backend.core, &link, standing.since, (backend.clock)()).await;
    let instead = || Page::of(subject, None, &worlds.real).map(|page| page.instead()).unwrap_or_default();
    match judged {
        Err(problem) => return Err(Answer::Unreachable { why: problem.detail }),
        Ok(Judged::Forged) => return Err(Answer::Forged),
        Ok(Judged::Expired) => return Err(Answer::Expired { instead: instead() }),
        Ok(Judged::Holds) => {}
    }
    let page = Page::of(subject, None, &worlds.real).ok_or(Answer::Forged)?;
    let by = standing.acknowledged.as_ref().map(|(at, by)| format!("{} at {at}", by.words()));
    Ok(Found { subject, to: link.to, page, by, over: standing.over })
}

async fn press(backend: &Backend, link: Asked) -> Result<Answer, Answer> {
    let found = look(backend, link).await?;
    if found.by.is_some() || found.over {
        return Ok(found.answer());
    }
    let by = Author::Link(found.to.clone());
    let asked = backend.core.submit(None, Uuid::now_v7(), by, found.subject.acknowledge()).await;
    match asked {
        Ok(_) => Ok(Answer::Done { summary: found.page.summary }),
        Err(problem) => Err(Answer::Unreachable { why: problem.detail }),
    }
}
