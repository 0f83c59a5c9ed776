//! The result of an attempt, as all stores keep it.

use crate::model::content_encoding::decoded_body;
use crate::model::exchange::Answer;
use crate::model::stored::Attempt;

/// Most bytes of the app's answer that are stored.
const MAX_ANSWER: usize = 4 * 1024;

/// Columns of an attempt.
pub(super) struct AttemptColumns {
    /// 0: the app gave no answer.
    pub status: u16,
    /// The start of the answer's body.
    pub said: Vec<u8>,
    /// The reason why there is no answer, or the `Location` of one that redirects.
    pub note: Option<String>,
}

impl AttemptColumns {
    pub fn new(attempt: &Attempt) -> Self {
        match &attempt.outcome {
            Ok(answer) => {
                let location = answer.headers.get("location").filter(|_| answer.status.is_redirect());
                let body = decoded_body(answer);
                Self {
                    status: answer.status.0,
                    said: body[..body.len().min(MAX_ANSWER)].to_vec(),
                    note: location.map(|value| String::from_utf8_lossy(value).into_owned()),
                }
            }
            Err(failure) => Self { status: 0, said: Vec::new(), note: Some(failure.clone()) },
        }
    }

    /// Returns the app's answer, or the reason why there is none.
    pub fn into_outcome(self) -> Result<Answer, String> {
        if self.status == 0 {
            return Err(self.note.unwrap_or_default());
        }
        let mut answer = Answer::new(self.status, self.said);
        // A value that was received can be written again.
        self.note.map(|location| answer.headers.push("location", location.as_bytes()));
        Ok(answer)
    }
}
