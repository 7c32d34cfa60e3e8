//! TLS before the doors: each connection is decrypted into a socket pair, so that everything behind it stays as it is on the
//! Unix socket. Certificates are read anew when their files change.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, mpsc},
    time::{interval, timeout},
};
use tokio_rustls::TlsAcceptor;

use super::listen::ends_when_unheard;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections at once; others wait at the door.
const CONNECTIONS: usize = 8_192;
/// How often it is looked whether a certificate was renewed.
const LOOK: Duration = Duration::from_secs(5);

/// A connection that came over TLS.
#[derive(Debug)]
pub struct Guest {
    /// Its decrypted side.
    pub socket: UnixStream,
    /// Its address.
    pub peer: SocketAddr,
    /// Ours.
    pub us: SocketAddr,
}

/// A certificate that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the certificate {certificate} with the key {key} cannot be used: {why}. Give both as PEM files that belong together"
)]
pub struct CertificateError {
    certificate: PathBuf,
    key: PathBuf,
    why: String,
}

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate {
    files: (PathBuf, PathBuf),
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// Files that are none, or do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Arc<Self>, CertificateError> {
        let files = (certificate.to_owned(), key.to_owned());
        let current = ArcSwap::from_pointee(certified(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// Reads it anew whenever its files change, as long as it is polled. One that cannot be used leaves the old one in force.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = interval(LOOK);
        let mut seen = self.changed_at();
        loop {
            ticks.tick().await;
            let now = self.changed_at();
            if now == seen {
                continue;
            }
            seen = now;
            match certified(&self.files) {
                Ok(renewed) => {
                    self.current.store(Arc::new(renewed));
                    tracing::info!("the certificate was read anew");
                }
                Err(why) => tracing::error!(%why, "the old certificate stays in force"),
            }
        }
    }

    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.files.0, &self.files.1].map(|file| std::fs::metadata(file).and_then(|meta| meta.modified()).ok())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn certified((certificate, key): &(PathBuf, PathBuf)) -> Result<CertifiedKey, CertificateError> {
    let wrong = |why: String| CertificateError { certificate: certificate.clone(), key: key.clone(), why };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|why| wrong(why.to_string()))?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().map_err(|why| wrong(why.to_string()))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|why| wrong(why.to_string()))?;
    let signing = any_supported_type(&private).map_err(|why| wrong(why.to_string()))?;
    let whole = CertifiedKey::new(chain, signing);
    whole.keys_match().map_err(|why| wrong(why.to_string()))?;
    Ok(whole)
}

/// Lets in whoever comes to `listener` and speaks TLS, as long as it is polled.
pub async fn serve(listener: TcpListener, certificate: Arc<Certificate>, door: mpsc::Sender<Guest>) {
    let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (acceptor, room) = (TlsAcceptor::from(Arc::new(config)), Arc::new(Semaphore::new(CONNECTIONS)));
    loop {
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(why) => {
                // A lack of files passes.
                tracing::warn!(%why, "a TLS connection was not accepted");
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        let (acceptor, door) = (acceptor.clone(), door.clone());
        tokio::spawn(async move {
            if let Err(why) = carry(stream, peer, &acceptor, &door).await {
                tracing::debug!(%why, "a TLS connection ended");
            }
            drop(place);
        });
    }
}

async fn carry(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: &TlsAcceptor,
    door: &mpsc::Sender<Guest>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    ends_when_unheard(&stream);
    let us = stream.local_addr()?;
    let mut tls = timeout(HANDSHAKE, acceptor.accept(stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    let (mut ours, theirs) = UnixStream::pair()?;
    if door.send(Guest { socket: theirs, peer, us }).await.is_err() {
        return Ok(());
    }
    copy_bidirectional(&mut tls, &mut ours).await.map(drop)
}
