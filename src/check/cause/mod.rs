//! What is wrong with a handler: one cause for all the probes that show it, in words, and what to change.
//!
//! Its words are in `words`; what to type for it in a framework is in `framework`.

mod words;

use super::probe::Topic;
use super::reply::Came;
use super::rewriter::Rewriter;

/// Why a probe did not pass. Each has a stable code, a sentence and advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no such page (404, 405, 410).
    WrongPath,
    /// Every good event is refused.
    RefusesAll,
    /// Every good event makes it fail.
    FailsAll,
    /// Nothing is answered in time.
    HangsAlways,
    /// Every connection is closed without an answer.
    ClosesAlways,
    /// Everything is redirected.
    RedirectsAll,
    /// A good answer took longer than the budget.
    Slow,
    /// Signatures are not looked at.
    NotChecked,
    /// A forgery was taken.
    ForgedTaken,
    /// A signature of unexpected length makes it fail.
    CrashOnShape,
    /// No signature makes it fail.
    CrashOnMissing,
    /// A wrong signature makes it fail.
    CrashOnForged,
    /// A bad timestamp makes it fail.
    CrashOnTimestamp,
    /// An old event was taken.
    StaleTaken,
    /// An event from the future was taken.
    AheadTaken,
    /// A timestamp that is no time was taken.
    TimestampTextTaken,
    /// An event without a timestamp was taken.
    TimestampMissingTaken,
    /// A timestamp that was not signed was taken.
    TimestampNotSigned,
    /// The signature is checked over something else than the bytes that came.
    Rewritten(Vec<Rewriter>),
    /// These values are refused, however they are spelled.
    ValuesRefused,
    /// An authentic event was refused.
    EventRefused,
    /// An authentic event makes it fail.
    EventCrash,
    /// What no page rules out makes it fail.
    OddCrash,
    /// One of the two forms of the signature was refused.
    FormRefused,
    /// Hex in the other case was refused.
    HexCaseRefused,
    /// Header names in another case were refused.
    NameCaseRefused,
    /// A large body was refused.
    LargeRefused,
    /// A repeated event was refused.
    AgainRefused,
    /// Events out of order were refused.
    OrderRefused,
    /// One of two at the same moment was refused.
    RaceRefused,
    /// Two at the same moment make it fail.
    RaceCrash,
    /// A signed body that is no event makes it fail.
    NonsenseCrash,
    /// It took no good event any more after this.
    Died,
    /// No answer came to this.
    Hung,
    /// The connection was closed without an answer to this.
    Closed,
    /// It was redirected.
    Redirected,
    /// It answers 429.
    RateLimited,
    /// The work was done twice.
    DoneTwice,
    /// The work was done for a wrong amount.
    AmountIgnored,
}

impl Cause {
    /// The cause of an answer that is not as it should be.
    pub(super) fn of(topic: Topic, came: Came) -> Self {
        match (came, topic) {
            (Came::Hung, _) => Self::Hung,
            (Came::Closed | Came::Gone, _) => Self::Closed,
            (Came::Redirected, _) => Self::Redirected,
            (Came::Failed, topic) => Self::of_crash(topic),
            (Came::Refused, topic) => Self::of_refusal(topic),
            (Came::Taken, topic) => Self::of_taking(topic),
        }
    }

    fn of_crash(topic: Topic) -> Self {
        match topic {
            Topic::Missing => Self::CrashOnMissing,
            Topic::Shape | Topic::Form | Topic::HexCase => Self::CrashOnShape,
            Topic::Forged => Self::CrashOnForged,
            Topic::Stale | Topic::Ahead | Topic::TimestampText | Topic::TimestampMissing | Topic::TimestampChanged => {
                Self::CrashOnTimestamp
            }
            Topic::Nonsense => Self::NonsenseCrash,
            Topic::Race => Self::RaceCrash,
            Topic::Undocumented => Self::OddCrash,
            Topic::Event | Topic::NameCase | Topic::Large | Topic::Again | Topic::Order => Self::EventCrash,
        }
    }

    fn of_refusal(topic: Topic) -> Self {
        match topic {
            Topic::Form => Self::FormRefused,
            Topic::HexCase => Self::HexCaseRefused,
            Topic::NameCase => Self::NameCaseRefused,
            Topic::Large => Self::LargeRefused,
            Topic::Again => Self::AgainRefused,
            Topic::Order => Self::OrderRefused,
            Topic::Race => Self::RaceRefused,
            _ => Self::EventRefused,
        }
    }

    fn of_taking(topic: Topic) -> Self {
        match topic {
            Topic::Stale => Self::StaleTaken,
            Topic::Ahead => Self::AheadTaken,
            Topic::TimestampText => Self::TimestampTextTaken,
            Topic::TimestampMissing => Self::TimestampMissingTaken,
            Topic::TimestampChanged => Self::TimestampNotSigned,
            _ => Self::ForgedTaken,
        }
    }

    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        self.words().0
    }

    /// What is wrong, in a sentence.
    pub fn sentence(&self) -> String {
        let Self::Rewritten(rewriters) = self else { return self.words().1.to_owned() };
        let names: Vec<_> = rewriters.iter().take(3).map(|rewriter| rewriter.name()).collect();
        match (names.as_slice(), rewriters.first()) {
            ([], _) => "it does not check the signature over the bytes that came: what it hashes is spelled otherwise, by nothing that whtool knows".to_owned(),
            (_, Some(Rewriter::Trimmed | Rewriter::Misread)) => format!("the body is changed before it is hashed, by {}", names.join(" or ")),
            _ => format!("the body is parsed and written again before it is hashed, by {}", names.join(" or ")),
        }
    }

    /// What to change.
    pub fn fix(&self) -> &'static str {
        self.words().2
    }
}
