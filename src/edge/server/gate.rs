//! The gate: accepts connections, hands what clients send on to a server behind it, and keeps the clients' side at hand.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long accepting rests after an error, such as that there are no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// An open gate.
pub(super) struct Gate {
    address: SocketAddr,
    passages: Arc<Passages>,
}

/// The connections in the gate, by the address under which the server behind it knows them.
#[derive(Default)]
struct Passages {
    clients: Mutex<HashMap<SocketAddr, Arc<TcpStream>>>,
    is_closed: AtomicBool,
}

/// The client's side of a connection.
pub(super) struct Client(Arc<TcpStream>);

impl Client {
    /// What is written here reaches the client.
    pub fn stream(&self) -> &TcpStream {
        &self.0
    }

    /// Ends the connection; what was written still arrives.
    pub fn cut(&self) {
        // One that has ended already is as wanted.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Gate {
    /// Lets clients of `outer` through to the server at `behind`.
    pub fn open(outer: TcpListener, behind: SocketAddr) -> io::Result<Self> {
        let address = outer.local_addr()?;
        let passages = Arc::new(Passages::default());
        let gate = Self { address, passages: passages.clone() };
        thread::Builder::new().name("gate".to_owned()).spawn(move || accept(&outer, behind, &passages))?;
        Ok(gate)
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The client that the server behind knows by this address. It is known until it is taken.
    pub fn take(&self, address: SocketAddr) -> Option<Client> {
        self.passages.lock().remove(&address).map(Client)
    }

    /// Lets nobody through any more.
    pub fn close(&self) {
        self.passages.is_closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Passages {
    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<TcpStream>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(outer: &TcpListener, behind: SocketAddr, passages: &Arc<Passages>) {
    for client in outer.incoming() {
        if passages.is_closed.load(Ordering::Relaxed) {
            return;
        }
        match client {
            Ok(client) => {
                let passages = passages.clone();
                // Without a thread or a socket for it the client sees its connection closed.
                let pass = move || drop(pass(Arc::new(client), behind, &passages));
                drop(thread::Builder::new().spawn(pass));
            }
            Err(_) => thread::sleep(REST),
        }
    }
}

/// Copies both ways until both sides are done.
fn pass(client: Arc<TcpStream>, behind: SocketAddr, passages: &Passages) -> io::Result<()> {
    // The server behind gives each connection a thread of few, and may queue others behind it: a client that says nothing
    // is not let through.
    if client.peek(&mut [0])? == 0 {
        return Ok(());
    }
    let server = TcpStream::connect(behind)?;
    let name = server.local_addr()?;
    passages.lock().insert(name, client.clone());
    thread::scope(|scope| {
        // What the server says by itself: `100 Continue`, and its refusal of what is no HTTP.
        scope.spawn(|| {
            let _ = io::copy(&mut &server, &mut &*client);
            // The server has closed: by then the answer was written, or it refused.
            let _ = client.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &*client, &mut &server);
        let _ = server.shutdown(Shutdown::Write);
    });
    passages.lock().remove(&name);
    Ok(())
}
