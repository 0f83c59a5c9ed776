//! Reloads secrets while a listener runs: the registry twice a second, and every source before a
//! delivery is refused.
//!
//! Anybody can send requests that are refused, so the listener limits how often a source is read:
//! see `SecretSource` of `world` and `edge/listener/secret_refresh`.

use crate::command::Session;
use crate::command::shared::registry;
use crate::command::shared::secrets::{COMMAND_TIMEOUT, SecretArgs, Secrets, hidden_from_commands};
use crate::model::secret::{Secret, SecretOrigin};
use crate::model::signature::Key;
use crate::model::timestamp::{SignedDuration, Timestamp};
use crate::provider;
use crate::settings;
use crate::settings::registry::{Registry, SecretSource as StoredSource};
use crate::webhook::receive::{Rules, receive};
use crate::world::{CommandRunner, FileReader, SecretFileReader, SecretSource, VerifyFn};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Time between two looks at the registry.
pub(super) const INTERVAL: Duration = Duration::from_millis(500);

/// Least time between the starts of two reads of the files.
const FILE_PAUSE: Duration = Duration::from_millis(10);
/// Least time between the starts of two runs of the commands.
const COMMAND_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct SecretReloader {
    shared: Arc<SharedSecrets>,
    secrets: Secrets,
    /// Content of the registry when it was last read.
    registry: Option<Vec<u8>>,
    next_check: Timestamp,
    /// Number of changes of the keys that are known here.
    known_changes: u64,
}

/// The secrets in use, and where they are read from. Used on several threads.
struct SharedSecrets {
    rules: RwLock<Rules>,
    /// Number of changes of the keys.
    changes: Arc<AtomicU64>,
    /// Reads the registry. `None`: there is no data folder.
    registry: Option<SecretFileReader>,
    files: Vec<(PathBuf, FileReader)>,
    run_command: CommandRunner,
    /// True if the registry names a command, since it was last read.
    has_commands: AtomicBool,
}

/// A secret that was read again. Without a provider, it is for all of them.
struct Reloaded {
    provider: Option<&'static str>,
    origin: SecretOrigin,
    bytes: Vec<u8>,
}

impl SecretReloader {
    pub(super) fn new(secrets: &Secrets, args: &SecretArgs, tolerance: SignedDuration, session: &Session<'_>) -> Self {
        let rules = RwLock::new(Rules { keys: secrets.keys.clone(), tolerance: Some(tolerance) });
        let files = args.files().map(|path| (path.to_owned(), session.world.file_reader(path))).collect();
        let shared = SharedSecrets {
            rules,
            changes: Arc::default(),
            registry: registry::path(session).ok().map(|path| session.world.secret_file_reader(&path)),
            files,
            run_command: session.world.command_runner(),
            has_commands: AtomicBool::new(false),
        };
        let registry = registry::read_bytes(session).unwrap_or_default();
        let (shared, next_check) = (Arc::new(shared), session.world.now());
        Self { shared, secrets: secrets.clone(), registry, next_check, known_changes: 0 }
    }

    /// Returns a function that verifies with the current secrets.
    pub(super) fn verify_fn(&self) -> VerifyFn {
        let shared = Arc::clone(&self.shared);
        Arc::new(move |delivery, now| {
            receive(delivery, &shared.rules.read().unwrap_or_else(PoisonError::into_inner), now)
        })
    }

    /// Returns the sources that are read again before a delivery is refused: files first, since
    /// they take no time.
    pub(super) fn sources(&self) -> Vec<SecretSource> {
        let [files, has_commands, commands] = [(); 3].map(|()| Arc::clone(&self.shared));
        vec![
            SecretSource {
                is_used: Arc::new(|| true),
                reload: Arc::new(move || files.reload_files()),
                changes: Arc::clone(&self.shared.changes),
                pause: FILE_PAUSE,
            },
            SecretSource {
                is_used: Arc::new(move || has_commands.has_commands.load(Ordering::Acquire)),
                reload: Arc::new(move || commands.reload_commands()),
                changes: Arc::clone(&self.shared.changes),
                pause: COMMAND_PAUSE,
            },
        ]
    }

    /// Reads the registry if it is due. Returns the secrets if they have changed. A registry that
    /// can't be read changes nothing.
    pub(super) fn reload_if_due(&mut self, now: Timestamp, session: &Session<'_>) -> Option<Secrets> {
        if now < self.next_check {
            return None;
        }
        self.next_check = now.checked_add(SignedDuration::try_from(INTERVAL).ok()?).ok()?;
        let changes = self.shared.changes.load(Ordering::SeqCst);
        let bytes = registry::read_bytes(session).ok()?;
        if bytes == self.registry && changes == self.known_changes {
            return None;
        }
        let mut secrets = self.secrets.with_keys(self.shared.keys());
        if bytes != self.registry {
            let registry = registry::read(session).ok()?;
            secrets = secrets.with_stored(&registry, session);
        }
        {
            let mut rules = self.shared.rules.write().unwrap_or_else(PoisonError::into_inner);
            // Commands take a while. What was read before a refusal meanwhile is newer.
            if self.shared.changes.load(Ordering::SeqCst) != changes {
                return None;
            }
            rules.keys.clone_from(&secrets.keys);
            self.known_changes = self.shared.changes.fetch_add(1, Ordering::SeqCst) + 1;
        }
        self.registry = bytes;
        let bytes_of = |secrets: &Secrets| secrets.bytes().map(<[u8]>::to_vec).collect::<Vec<_>>();
        if bytes_of(&secrets) == bytes_of(&self.secrets) {
            return None;
        }
        self.secrets = secrets.clone();
        Some(secrets)
    }
}

impl SharedSecrets {
    fn keys(&self) -> Vec<Key> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    fn read_registry(&self) -> Option<Registry> {
        let bytes = self.registry.as_ref()?().ok()?;
        Registry::parse(bytes.as_deref()).ok()
    }

    /// Reads the files of `--secret-file` and the registry. A file that can't be read, or is
    /// empty while it is written, changes nothing.
    fn reload_files(&self) {
        let mut reloaded: Vec<_> = self.files.iter().filter_map(|(path, read)| from_file(path, read)).collect();
        let mut has_commands = false;
        for (provider, stored) in self.read_registry().iter().flat_map(Registry::signing_secrets) {
            match stored.source() {
                StoredSource::Stored(bytes) => {
                    let origin = SecretOrigin::Stored(stored.name.clone());
                    reloaded.push(Reloaded { provider: Some(provider), origin, bytes });
                }
                StoredSource::Command(_) => has_commands = true,
            }
        }
        self.has_commands.store(has_commands, Ordering::Release);
        self.apply(&reloaded);
    }

    /// Runs the commands of the registry.
    fn reload_commands(&self) {
        let mut reloaded = Vec::new();
        for (provider, stored) in self.read_registry().iter().flat_map(Registry::signing_secrets) {
            let StoredSource::Command(command) = stored.source() else { continue };
            let Ok(bytes) = (self.run_command)(command, COMMAND_TIMEOUT, &hidden_from_commands()) else { continue };
            let bytes = settings::secret_from_file(provider, command, bytes).expose().to_vec();
            let origin = SecretOrigin::Stored(stored.name.clone());
            reloaded.push(Reloaded { provider: Some(provider), origin, bytes });
        }
        self.apply(&reloaded);
    }

    /// Replaces the keys of these origins, and adds those that are missing.
    fn apply(&self, reloaded: &[Reloaded]) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_changed = false;
        for Reloaded { provider, origin, bytes } in reloaded.iter().filter(|reloaded| !reloaded.bytes.is_empty()) {
            let is_wanted = |name: &str| provider.is_none_or(|provider| provider == name);
            for name in provider::ALL.iter().map(|provider| provider.name()).filter(|name| is_wanted(name)) {
                let of_origin = |key: &&mut Key| key.secret.provider == name && key.secret.origin == *origin;
                let key = || Key::new(Secret::new(name, origin.clone(), bytes.clone()));
                match rules.keys.iter_mut().find(of_origin) {
                    Some(known) if known.secret.expose() == bytes.as_slice() => continue,
                    Some(known) => *known = key(),
                    None => rules.keys.push(key()),
                }
                is_changed = true;
            }
        }
        self.changes.fetch_add(u64::from(is_changed), Ordering::SeqCst);
    }
}

fn from_file(path: &Path, read: &FileReader) -> Option<Reloaded> {
    let secret = settings::secret_from_file("", &path.display().to_string(), read().ok()?);
    Some(Reloaded { provider: None, origin: secret.origin.clone(), bytes: secret.expose().to_vec() })
}
