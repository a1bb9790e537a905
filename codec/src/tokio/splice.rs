//! Sends a piece whose bytes are still in a socket: they go to the other socket through a pipe, and never enter the
//! program. If there is no pipe, they are read and written as any others.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::Interest;
use tokio::time::Sleep;

use super::pipe::Pipe;
use super::poll::impatient;
use super::socket::WriteHalf;
use crate::Cause;
use crate::body::Promise;
use crate::patience::Patience;

/// What is not in the pipe yet.
struct Unsent<'a> {
    before: &'a [u8],
    promise: &'a dyn Promise,
    /// The number of promised bytes that are still in the socket.
    left: usize,
    after: &'a [u8],
}

impl WriteHalf<'_> {
    /// Sends the promised bytes with what precedes and follows them, and waits as long as `patience` allows. Callers box
    /// it, so that an exchange with short bodies stays small.
    pub(super) async fn write_promised(
        &mut self,
        promise: &dyn Promise,
        [before, after]: [&[u8]; 2],
        patience: Patience<'_>,
    ) -> Result<(), Cause> {
        // A peer that accepts nothing for now holds no pipe.
        self.writable(patience).await?;
        if let Some(mut pipe) = Pipe::take() {
            let mut unsent = Unsent { before, promise, left: promise.length(), after };
            match unsent.fill(&mut pipe) {
                Ok(()) => return self.splice(unsent, pipe, patience).await,
                // The system cannot splice this socket, or the socket has failed. What the pipe holds is dropped with it, so
                // only bytes that are still in the socket are copied.
                Err(_) => Pipe::pause(),
            }
        }
        let bytes = promise.bytes();
        if bytes.len() < promise.length() {
            return Err(Cause::Io(ErrorKind::UnexpectedEof.into()));
        }
        self.write_all([before, bytes, after], patience).await
    }

    /// Sends what the pipe holds, and then what is unsent. If this is dropped, the pipe is closed.
    async fn splice(
        &mut self,
        mut unsent: Unsent<'_>,
        mut pipe: Pipe,
        patience: Patience<'_>,
    ) -> Result<(), Cause> {
        while !pipe.is_empty() {
            self.writable(patience).await?;
            let stream = self.stream.as_ref();
            // A process whose `main` is Rust's ignores SIGPIPE, so a peer that is gone is an error here.
            match stream.try_io(Interest::WRITABLE, || pipe.drain_to(stream)) {
                Ok(()) => patience.progressed(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(Cause::Io(error)),
            }
            if pipe.is_empty() {
                unsent.fill(&mut pipe)?;
            }
        }
        pipe.give_back();
        Ok(())
    }

    /// Waits until the socket accepts bytes, as long as `patience` allows.
    fn writable(&mut self, patience: Patience<'_>) -> impl Future<Output = Result<(), Cause>> {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(move |cx| {
            patience.check()?;
            if let Poll::Ready(ready) = self.stream.as_ref().poll_write_ready(cx) {
                return Poll::Ready(ready.map_err(Cause::Io));
            }
            Poll::Ready(Err(ready!(impatient(&mut timer, patience, cx))))
        })
    }
}

impl Unsent<'_> {
    /// Fills an empty pipe. It stays empty only if nothing is unsent.
    fn fill(&mut self, pipe: &mut Pipe) -> io::Result<()> {
        pipe.put(&mut self.before)?;
        if self.left > 0 {
            let moved = pipe.fill_from(&self.promise.socket(), self.left)?;
            self.promise.moved(moved);
            self.left -= moved;
        }
        if self.left == 0 {
            pipe.put(&mut self.after)?;
        }
        match pipe.is_empty() && self.left > 0 {
            // The socket has failed, although it held the bytes.
            true => Err(ErrorKind::UnexpectedEof.into()),
            false => Ok(()),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail.

    use std::fs::File;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener as StdListener, TcpStream as StdStream};
    use std::time::Duration;

    use socket2::SockRef;
    use tokio::net::TcpStream;
    use tokio::sync::{Mutex, MutexGuard};
    use tokio::time::timeout;

    use super::super::pipe::{MAX_PIPES, Pipe, admit_piece, free};
    use super::super::socket::Socket;
    use crate::body::Promise;
    use crate::patience::Patience;
    use crate::{Cause, Limits, Wait};

    const LONG: Duration = Duration::from_secs(20);

    /// The pipes belong to the process, so these tests run one by one.
    async fn alone() -> MutexGuard<'static, ()> {
        static ALONE: Mutex<()> = Mutex::const_new(());
        ALONE.lock().await
    }

    /// A socket, and its peer.
    async fn socket() -> (Socket, StdStream) {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(LONG)).unwrap();
        (Socket::new(stream, &Limits::DEFAULT), peer)
    }

    /// A socket that holds these bytes.
    async fn holding(bytes: &[u8]) -> (Socket, StdStream) {
        let (socket, mut peer) = socket().await;
        peer.write_all(bytes).unwrap();
        while super::super::pipe::received(&socket.stream) < bytes.len() as u64 {
            tokio::task::yield_now().await;
        }
        (socket, peer)
    }

    fn read(mut peer: &StdStream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        peer.read_exact(&mut bytes).unwrap();
        bytes
    }

    #[tokio::test]
    async fn promised_bytes_pass_through_a_pipe_and_are_never_read() {
        let _alone = alone().await;
        let sent = vec![b'x'; 40_000];
        let ((mut from, _from), (mut to, peer)) = (holding(&sent).await, socket().await);
        let ((mut from, _), (_, mut to)) = (from.split(), to.split());
        assert_eq!(from.promise(u64::MAX), Some(sent.len()));
        let patience = Patience::For(LONG);
        to.write_promised(&from, [b"9c40\r\n", b"\r\n"], patience).await.unwrap();
        assert!(!from.is_read());
        assert_eq!(read(&peer, sent.len() + 8), [b"9c40\r\n", &sent[..], b"\r\n"].concat());
        assert!(free() > 0, "the empty pipe is available again");
    }

    #[tokio::test]
    async fn a_pipe_that_may_hold_bytes_is_never_used_again() {
        let _alone = alone().await;
        let ((mut from, mut feeding), (mut to, _peer)) = (socket().await, socket().await);
        let ((mut from, _), (_, mut to)) = (from.split(), to.split());
        let sent = vec![b'x'; 40_000];
        // The peer reads nothing, so a write waits in the end, and its pipe holds bytes.
        let waits = loop {
            feeding.write_all(&sent).unwrap();
            from.stream.readable().await.unwrap();
            let Some(length) = from.promise(u64::MAX) else { continue };
            let patience = Patience::For(Duration::from_millis(50));
            if let Err(waits) = to.write_promised(&from, [&[], &[]], patience).await {
                assert!(length > 0);
                break waits;
            }
        };
        assert!(matches!(waits, Cause::TimedOut(Wait::Write)));
        // The free ones are empty: nothing but what is put in comes out.
        while free() > 0 {
            let mut pipe = Pipe::take().unwrap();
            let (mut other, peer) = socket().await;
            pipe.put(&mut &b"!"[..]).unwrap();
            let (_, to) = other.split();
            pipe.drain_to(to.stream.as_ref()).unwrap();
            assert_eq!(read(&peer, 1), b"!");
        }
    }

    #[tokio::test]
    async fn a_writer_that_is_dropped_closes_its_pipe() {
        let _alone = alone().await;
        let ((mut from, mut feeding), (mut to, _peer)) = (socket().await, socket().await);
        let ((mut from, _), (_, mut to)) = (from.split(), to.split());
        drop(std::iter::from_fn(|| (free() > 0).then(Pipe::take)).collect::<Vec<_>>());
        loop {
            feeding.write_all(&[b'x'; 40_000]).unwrap();
            from.stream.readable().await.unwrap();
            if from.promise(u64::MAX).is_some() {
                let write = to.write_promised(&from, [&[], &[]], Patience::For(LONG));
                if timeout(Duration::from_millis(50), write).await.is_err() {
                    break;
                }
            }
        }
        assert_eq!(free(), 0);
    }

    #[tokio::test]
    async fn no_more_pipes_are_opened_than_the_bound() {
        let _alone = alone().await;
        let pipes: Vec<_> = std::iter::from_fn(Pipe::take).take(MAX_PIPES + 1).collect();
        assert_eq!(pipes.len(), MAX_PIPES);
        assert!(admit_piece(), "all are in use, which is no failure");
        pipes.into_iter().for_each(Pipe::give_back);
        assert_eq!(free(), MAX_PIPES);
    }

    #[tokio::test]
    async fn without_a_pipe_promised_bytes_are_copied() {
        let _alone = alone().await;
        let pipes: Vec<_> = std::iter::from_fn(Pipe::take).collect();
        let sent = vec![b'x'; 40_000];
        let ((mut from, _from), (mut to, peer)) = (holding(&sent).await, socket().await);
        let ((mut from, _), (_, mut to)) = (from.split(), to.split());
        assert!(from.promise(u64::MAX).is_some());
        to.write_promised(&from, [b"9c40\r\n", b"\r\n"], Patience::For(LONG)).await.unwrap();
        assert_eq!(read(&peer, sent.len() + 8), [b"9c40\r\n", &sent[..], b"\r\n"].concat());
        drop(pipes);
    }

    /// Bytes of something that cannot be spliced.
    struct Unspliceable(File);

    impl Promise for Unspliceable {
        fn length(&self) -> usize {
            5
        }

        fn bytes(&self) -> &[u8] {
            b"hello"
        }

        fn is_read(&self) -> bool {
            false
        }

        fn socket(&self) -> SockRef<'_> {
            SockRef::from(&self.0)
        }

        fn moved(&self, _: usize) {
            panic!("nothing can be moved");
        }
    }

    #[tokio::test]
    async fn a_socket_that_the_system_cannot_splice_is_copied_and_no_other_is_tried_for_a_while() {
        let _alone = alone().await;
        let (mut to, peer) = socket().await;
        let (_, mut to) = to.split();
        // Splicing from a directory is EINVAL.
        let promise = Unspliceable(File::open("/").unwrap());
        to.write_promised(&promise, [b"5\r\n", b"\r\n"], Patience::For(LONG)).await.unwrap();
        assert_eq!(read(&peer, 10), b"5\r\nhello\r\n");
        let pieces = (0..).take_while(|_| !admit_piece()).count();
        assert_eq!(pieces, 1000);
    }
}
