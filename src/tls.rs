//! TLS by one provider, everywhere: ring, which builds with a C compiler alone.

/// Makes TLS ready; whoever builds an HTTP client calls it first. Asked again it does nothing.
pub fn ready() {
    // An error says that it is ready already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
