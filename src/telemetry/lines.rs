//! Writing lines without ever waiting for their reader.

use std::{
    io::{self, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

/// Bytes of lines that wait to be written, at most. As many again may be on their way.
const MAX_WAITING: usize = 1024 * 1024;

/// How long the end of the program waits for its last lines to be written.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Lines on their way to a writer that may block, such as a pipe that nobody reads. A thread writes them. A line for
/// which there is no room is left out.
// `tracing-appender` does this too, but it limits the number of lines and not their size, and if its queue is full at the
// end, it prints, which waits for the reader.
#[derive(Debug)]
pub struct Lines {
    state: Mutex<State>,
    changed: Condvar,
    left_out: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    is_writing: bool,
}

impl Lines {
    /// Starts a thread that writes lines to `writer`, for as long as the program runs.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn to(writer: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let lines = Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            left_out: AtomicU64::new(0),
        });
        let for_thread = Arc::clone(&lines);
        thread::Builder::new()
            .name("lines".to_owned())
            .spawn(move || for_thread.write_to(writer))?;
        Ok(lines)
    }

    /// Waits until all lines are written, for a second at most.
    pub fn finish(&self) {
        let is_unfinished = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let state = self.state();
        drop(
            self.changed
                .wait_timeout_while(state, LAST_WAIT, is_unfinished),
        );
    }

    /// Lines that were left out, or could not be written.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Relaxed)
    }

    fn write_to(&self, mut writer: impl Write) {
        let mut batch = Vec::new();
        loop {
            self.next_batch(&mut batch);
            if writer
                .write_all(&batch)
                .and_then(|()| writer.flush())
                .is_err()
            {
                let lines = batch.split_inclusive(|&byte| byte == b'\n').count();
                self.left_out.fetch_add(lines as u64, Relaxed);
            }
        }
    }

    /// Waits for the next lines, which take the place of those that were written.
    fn next_batch(&self, batch: &mut Vec<u8>) {
        batch.clear();
        let mut state = self.state();
        state.is_writing = false;
        self.changed.notify_all();
        let waited = self
            .changed
            .wait_while(state, |state| state.waiting.is_empty());
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        mem::swap(batch, &mut state.waiting);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Lines {
    /// Takes a line, or leaves it out.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        if state.waiting.len() + line.len() <= MAX_WAITING {
            state.waiting.extend_from_slice(line);
            self.changed.notify_all();
        } else {
            self.left_out.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, sync::mpsc};

    use super::*;

    #[test]
    fn all_lines_are_written_in_order_before_the_end() {
        let (mut reader, writer) = io::pipe().unwrap();
        let reading = thread::spawn(move || {
            let mut read = vec![0; 600_000];
            reader.read_exact(&mut read).unwrap();
            read
        });
        let lines = Lines::to(writer).unwrap();
        let mut expected = Vec::new();
        for n in 0..100_000 {
            let line = format!("{n:05}\n");
            expected.extend_from_slice(line.as_bytes());
            (&*lines).write_all(line.as_bytes()).unwrap();
        }
        lines.finish();
        assert_eq!(lines.left_out(), 0);
        assert!(reading.join().unwrap() == expected);
    }

    #[test]
    fn lines_that_nobody_reads_are_left_out_and_counted_and_take_little_memory() {
        let (mut reader, writer) = io::pipe().unwrap();
        let lines = Lines::to(writer).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..10_000 {
            (&*lines).write_all(&line).unwrap();
        }
        let left_out = lines.left_out();
        assert!((7_000..9_000).contains(&left_out), "{left_out}");
        assert!(lines.state().waiting.capacity() <= 2 * MAX_WAITING);
        lines.finish();

        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut read = vec![0; (10_000 - usize::try_from(left_out).unwrap()) * line.len()];
            sender.send(reader.read_exact(&mut read)).unwrap();
        });
        let read = receiver.recv_timeout(Duration::from_mins(1)).unwrap();
        read.expect("all other lines are whole");
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let lines = Lines::to(writer).unwrap();
        (&*lines).write_all(b"one\n").unwrap();
        lines.finish();
        assert_eq!(lines.left_out(), 1);
    }
}
