//! A target behind the proxy that lies, and before a next hop that does.

use super::Target;
use crate::{authority::Authority, error::Error, lie::Lie, proxy::Proxy, verdict::Step};

/// A target whose every word passes the proxy.
pub struct Proxied {
    /// The target as a session sees it.
    pub target: Target,
    proxy: Proxy,
}

impl Proxied {
    /// Puts a proxy with a certificate of its own authority before `target`, and tells the lies.
    ///
    /// # Errors
    /// [`Error::Target`] where nobody can listen, [`Error::Certificates`].
    pub fn new(mut target: Target, lies: &[Lie]) -> Result<Proxied, Error> {
        let authority = Authority::new().map_err(|e| Error::Certificates(e.to_string()))?;
        let host = target
            .host
            .clone()
            .unwrap_or_else(|| "localhost".to_owned());
        let proxy = Proxy::start(&target.listeners, &authority, &host, lies)?;
        if let Some(hop) = &target.next_hop {
            hop.lie(lies);
        }
        target.listeners = proxy.listeners().to_vec();
        target.trust = authority.roots();
        target.observer = Some(proxy.observer());
        Ok(Proxied { target, proxy })
    }

    /// Whether a lie touched this step.
    pub fn touched(&self, step: &Step) -> bool {
        match step {
            Step::Delivery => self
                .target
                .next_hop
                .as_ref()
                .is_some_and(|hop| hop.touched()),
            step => self.proxy.touched(step),
        }
    }
}
