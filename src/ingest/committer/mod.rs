//! The group commit: one thread takes all updates that wait, commits them together, and then answers each.

mod worker;

use std::{
    fmt,
    future::pending,
    io,
    sync::{
        Arc,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    task::spawn_blocking,
};

use self::worker::Worker;
use super::{Reservation, counts::Counts, readiness::Readiness};
use crate::{
    database::{Cause, Database, DatabaseError},
    memory,
    metrics::{DatabaseMetrics, Gauge},
    run::{Dialect, Merged, Run},
    store::Store,
};

/// Updates that can wait, beside those that are being committed: as many as there are connections by default.
const QUEUE: usize = 1024;

/// Why an update was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDurable {
    /// Too many others wait.
    QueueFull,
    /// The database cannot be written.
    Failing(Cause),
    /// The service shuts down.
    Closed,
}

impl fmt::Display for NotDurable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str("too many updates wait for the database; try again"),
            Self::Failing(cause) => write!(f, "the database cannot be written: {cause}; try again"),
            Self::Closed => f.write_str("the service is shutting down"),
        }
    }
}

/// An update that waits to be committed.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What it says.
    pub(super) said: Run,
    /// What of it is left out already.
    pub(super) left_out: Merged,
    pub(super) dialect: Dialect,
    pub(super) _reservation: Reservation,
    pub(super) answer: oneshot::Sender<Result<(), NotDurable>>,
}

impl Waiting {
    /// It is durable.
    fn accept(self) {
        // Its client may be gone.
        let _ = self.answer.send(Ok(()));
    }

    /// It was not written.
    fn reject(self, cause: Cause) {
        let _ = self.answer.send(Err(NotDurable::Failing(cause)));
    }
}

/// The answer to an update, once it is known.
#[derive(Debug)]
pub struct Commit(pub(super) oneshot::Receiver<Result<(), NotDurable>>);

impl Commit {
    /// Waits until the update is durable.
    ///
    /// # Errors
    /// When it was not written.
    pub async fn durable(self) -> Result<(), NotDurable> {
        self.0.await.unwrap_or(Err(NotDurable::Closed))
    }
}

/// What the thread is told.
#[derive(Debug)]
enum Message {
    Update(Waiting),
    Close,
}

/// Says when the store is filled, or why it cannot be. Where it is dropped, the store is filled no further.
pub type Restored = oneshot::Receiver<Result<(), DatabaseError>>;

/// The way to the thread that commits.
#[derive(Debug)]
pub(super) struct Committer {
    queue: SyncSender<Message>,
    queue_length: Gauge,
    /// Its sender is dropped when the thread has closed the database.
    readiness: watch::Receiver<Readiness>,
}

impl Committer {
    /// Starts the thread. It fills the store first.
    pub(super) fn start(
        database: Database,
        store: Arc<Store>,
        counts: Arc<Counts>,
        metrics: DatabaseMetrics,
        retention: Duration,
    ) -> io::Result<(Self, Restored)> {
        let (queue, messages) = sync_channel(QUEUE);
        let (readiness_sender, readiness) = watch::channel(Readiness::Restoring);
        let (restored_sender, restored) = oneshot::channel();
        let queue_length = metrics.queue_length.clone();
        let worker = Worker::new(
            database,
            store,
            counts,
            metrics,
            messages,
            readiness_sender,
            retention,
        );
        let thread = thread::Builder::new().name("committer".to_owned());
        thread.spawn(move || {
            // It would allocate in an arena of its own.
            memory::share_arena();
            worker.run(restored_sender);
        })?;
        let committer = Self {
            queue,
            queue_length,
            readiness,
        };
        Ok((committer, restored))
    }

    /// Lets an update wait for its commit.
    pub(super) fn send(&self, update: Waiting) -> Result<(), NotDurable> {
        self.queue_length.inc();
        let sent = self.queue.try_send(Message::Update(update));
        sent.map_err(|error| {
            self.queue_length.dec();
            match error {
                TrySendError::Full(_) => NotDurable::QueueFull,
                TrySendError::Disconnected(_) => NotDurable::Closed,
            }
        })
    }

    pub(super) fn readiness(&self) -> Readiness {
        *self.readiness.borrow()
    }

    /// Waits until the store is filled.
    pub(super) async fn restored(&self) {
        let mut readiness = self.readiness.clone();
        let restored = readiness.wait_for(|&now| now != Readiness::Restoring);
        if restored.await.is_err() {
            // The thread has ended, and the service is about to.
            pending::<()>().await;
        }
    }

    /// Waits until the thread has closed the database.
    pub(super) async fn ended(&self) {
        let mut readiness = self.readiness.clone();
        while readiness.changed().await.is_ok() {}
    }

    /// Lets the thread commit what waits and close the database, and waits until it has.
    pub(super) async fn close(&self) {
        let queue = self.queue.clone();
        // It waits while the queue is full. It fails if the thread has ended.
        let _ = spawn_blocking(move || queue.send(Message::Close).is_ok()).await;
        self.ended().await;
    }
}
