//! The signal that ends the stack's servers and background tasks.

use tokio::sync::watch;

pub(crate) struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::channel(false).0)
    }

    /// Tells all servers and tasks to end.
    pub(crate) fn start(&self) {
        self.0.send_replace(true);
    }

    /// Returns a future that ends when the shutdown starts, or this is dropped.
    pub(crate) fn started(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut started = self.0.subscribe();
        async move {
            // An error means that the sender was dropped.
            let _ = started.wait_for(|started| *started).await;
        }
    }
}
