//! Lines that die without a word, in time that passes as it is waited for.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use reqwest::{Body, Request, Response};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Carrier, Client, ClientError, Heard, Lost, Target};
use crate::{
    api::HEARTBEAT_HEADER,
    incident::{Command, Declare},
};

const BEAT: Duration = Duration::from_secs(2);

/// Answers with streams that beat some times, as they say or do not say, and then never again; takes commands and is silent.
#[derive(Debug)]
struct Dying {
    beats: u32,
    says: bool,
    asked: Mutex<Vec<String>>,
}

impl Carrier for Dying {
    fn carry(&self, request: Request) -> BoxFuture<'static, Result<Response, Lost>> {
        self.asked.lock().unwrap().push(request.url().host_str().unwrap_or_default().to_owned());
        if let Some(within) = request.timeout() {
            let silent = tokio::time::sleep(*within);
            return async move {
                silent.await;
                Err("it took too long".into())
            }
            .boxed();
        }
        let beats = stream::unfold(self.beats, |left| async move {
            if left == 0 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(BEAT).await;
            Some((Ok::<_, std::io::Error>(":\n\n"), left - 1))
        });
        let mut response = axum::http::Response::new(Body::wrap_stream(beats));
        if self.says {
            response.headers_mut().insert(HEARTBEAT_HEADER, 2_000.into());
        }
        async move { Ok(response.into()) }.boxed()
    }

    fn chance(&self) -> u8 {
        0
    }
}

fn client(beats: u32, says: bool) -> (Client, Arc<Dying>) {
    let line = Arc::new(Dying { beats, says, asked: Mutex::default() });
    let target = Target::Url { url: "http://one, http://two".into(), token: None, authority: None };
    (Client::new(target).unwrap().over(line.clone()), line)
}

/// CKP.2, protocol 4: a line that is dead and says nothing is noticed within some of the server's beats, not before, and the
/// next backend is asked; a server that does not say how often it beats is given its time.
#[tokio::test(start_paused = true)]
async fn a_dead_line_is_noticed_and_the_next_backend_asked() {
    for (says, longest) in [(true, Duration::from_secs(7)), (false, Duration::from_secs(25))] {
        let (client, line) = client(5, says);
        let mut events = pin!(client.events(None, 1, 0));
        assert_eq!(events.next().await, Some(Heard::Connected));
        let began = Instant::now();
        assert!(matches!(events.next().await, Some(Heard::Lost(why)) if why.contains("silent")));
        assert_eq!(began.elapsed().as_secs(), (5 * BEAT + longest).as_secs());
        assert_eq!(events.next().await, Some(Heard::Connected));
        assert_eq!(*line.asked.lock().unwrap(), ["one", "two"]);
    }
}

/// CON.1: a halt over such a line is asked again in seconds, elsewhere.
#[tokio::test(start_paused = true)]
async fn a_command_is_asked_again_before_a_person_gives_up() {
    let (client, line) = client(0, true);
    let asked = client.submit(None, Uuid::from_u128(1), Command::Declare(Declare::default()));
    let second = async {
        while line.asked.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Instant::now()
    };
    let began = Instant::now();
    let (answer, second) = tokio::join!(asked, second);
    assert!(matches!(answer, Err(ClientError::Unreachable { .. })), "{answer:?}");
    assert!(second - began < Duration::from_secs(5), "{:?}", second - began);
    assert_eq!(*line.asked.lock().unwrap(), ["one", "two", "one"]);
}
