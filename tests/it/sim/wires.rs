//! HTTP over the simulated network: whole requests of the real client, one connection each, and the real routes behind a
//! simulated listener.

use std::{net::SocketAddr, sync::Mutex};

use andon::{
    backend::{http::Peer, inside::Inside},
    client::{Carrier, Lost},
};
use axum::{Extension, extract::ConnectInfo};
use futures_util::{FutureExt, future::BoxFuture};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use reqwest::{Body, Request, Response};
use turmoil::net::{TcpListener, TcpStream};

use super::chance::Chance;

pub const HOST: &str = "backend";
pub const PORT: u16 = 7420;

/// Carries a person's requests.
#[derive(Debug)]
pub struct Wires(pub Mutex<Chance>);

impl Carrier for Wires {
    fn carry(&self, request: Request) -> BoxFuture<'static, Result<Response, Lost>> {
        let within = request.timeout().copied();
        // As reqwest has it, a request's time covers its answer's body.
        match within {
            None => send(request, false).boxed(),
            Some(within) => {
                let sent = tokio::time::timeout(within, send(request, true));
                async move { sent.await.map_err(|_| Lost::from("it took too long"))? }.boxed()
            }
        }
    }

    fn chance(&self) -> u8 {
        self.0.lock().unwrap().next().to_le_bytes()[0]
    }
}

async fn send(request: Request, whole: bool) -> Result<Response, Lost> {
    let mut request = axum::http::Request::<Body>::try_from(request)?;
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    *request.uri_mut() = path.parse()?;
    request.headers_mut().insert("host", format!("{HOST}:{PORT}").parse()?);
    let stream = TcpStream::connect((HOST, PORT)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    if whole {
        let body = body.collect().await?.to_bytes();
        connection.abort();
        return Ok(axum::http::Response::from_parts(parts, body).into());
    }
    Ok(axum::http::Response::from_parts(parts, Body::wrap(body)).into())
}

/// A listener of the simulated network.
struct Door {
    listener: TcpListener,
}

impl axum::serve::Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Ok((stream, peer)) = self.listener.accept().await {
                return (stream, peer);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves until the simulation ends it.
pub async fn serve(inside: &Inside) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let us = listener.local_addr()?;
    let door = Door { listener };
    // Everybody shows a token: where they come from says nothing.
    let peer = ConnectInfo(Peer::from_afar(us, us));
    axum::serve(door, inside.router().layer(Extension(peer))).await
}
