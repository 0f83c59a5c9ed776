//! The meaning of status words in order lists: those of the user, of the provider, and common ones.

use super::columns::without_accent;
use crate::provider::Provider;
use crate::provider::record::{RecordState, RecordStatus};
use std::collections::BTreeMap;
use std::str::FromStr;

/// The meaning that a user gives to a word, such as `fulfilled=paid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusWordArg {
    pub word: String,
    /// `None`: the word says nothing about the payment.
    pub meaning: Option<RecordState>,
}

impl FromStr for StatusWordArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str = "expected WORD=MEANING, such as fulfilled=paid";
        // The word itself may contain `=`.
        let (word, meaning) = text.rsplit_once('=').ok_or(EXPECTED)?;
        if normalize(word).is_empty() {
            return Err(EXPECTED.to_owned());
        }
        let meaning = match normalize(meaning).as_str() {
            "ignore" => None,
            common => Some(common_word(common).ok_or_else(|| {
                format!(
                    "`{}` is no meaning; use open, paid, failed, expired, canceled, refunded, partly_refunded or ignore",
                    meaning.trim()
                )
            })?),
        };
        Ok(Self { word: word.trim().to_owned(), meaning })
    }
}

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// The list has none, or one that says nothing about the payment.
    Missing,
    Unrecognized,
    Known(RecordStatus),
}

/// Meanings given by the user, in addition to the known words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusWords {
    meanings: BTreeMap<String, Option<RecordState>>,
}

impl StatusWords {
    pub fn from_args<'a>(args: impl IntoIterator<Item = &'a StatusWordArg>) -> Self {
        Self { meanings: args.into_iter().map(|arg| (normalize(&arg.word), arg.meaning)).collect() }
    }

    /// Reads the status of an order: a word of the user's, one of the provider's, or a common one.
    pub fn parse(&self, provider: &dyn Provider, word: Option<&str>) -> OrderStatus {
        let Some(word) = word.map(str::trim).filter(|word| !word.is_empty()) else { return OrderStatus::Missing };
        let known = |state| OrderStatus::Known(RecordStatus::new(state, 0));
        match self.meanings.get(&normalize(word)) {
            Some(Some(state)) => return known(*state),
            Some(None) => return OrderStatus::Missing,
            None => {}
        }
        let parsed = provider.parse_status(word);
        if parsed.state != RecordState::Unknown && !is_ambiguous(provider, word) {
            return OrderStatus::Known(parsed);
        }
        common_word(&normalize(word)).map_or(OrderStatus::Unrecognized, known)
    }
}

/// Removes case and accents, and makes separators alike.
fn normalize(word: &str) -> String {
    let letters = word.trim().chars().flat_map(char::to_lowercase).map(without_accent);
    letters.map(|letter| if matches!(letter, ' ' | '-' | '\u{a0}') { '_' } else { letter }).collect()
}

/// Returns true for `processing`, which is an open payment at most providers and a paid order in
/// WooCommerce and Magento. A wrong guess would send an event to an app that has booked it. In capitals
/// it is the status of a refund at Plexos; at Plustive, `Processing` is that of every purchase.
fn is_ambiguous(provider: &dyn Provider, word: &str) -> bool {
    provider.name() == "plexos" && normalize(word) == "processing" && word != "PROCESSING"
}

/// Finds the meaning of a word that many shops use, in English, Portuguese and French, without
/// accents. Words with the prefix `wc_` are from the database of WooCommerce.
fn common_word(word: &str) -> Option<RecordState> {
    const MEANINGS: [(RecordState, &[&str]); 7] = [
        (
            RecordState::Open,
            &[
                "open",
                "new",
                "created",
                "pending",
                "unpaid",
                "awaiting_payment",
                "pending_payment",
                "payment_pending",
                "on_hold",
                "wc_pending",
                "wc_on_hold",
                "aberto",
                "aberta",
                "novo",
                "nova",
                "pendente",
                "em_processamento",
                "em_curso",
                "em_andamento",
                "em_espera",
                "por_pagar",
                "nao_pago",
                "nao_paga",
                "aguardando",
                "aguardando_pagamento",
                "aguarda_pagamento",
                "a_aguardar_pagamento",
                "ouvert",
                "ouverte",
                "en_attente",
                "en_attente_de_paiement",
                "en_cours",
                "impaye",
                "impayee",
                "non_paye",
                "non_payee",
                "a_payer",
            ],
        ),
        (
            RecordState::Succeeded,
            &[
                "success",
                "successful",
                "succeeded",
                "paid",
                "settled",
                "complete",
                "completed",
                "delivered",
                "wc_processing",
                "wc_completed",
                "pago",
                "paga",
                "liquidado",
                "liquidada",
                "concluido",
                "concluida",
                "completo",
                "completa",
                "sucesso",
                "com_sucesso",
                "entregue",
                "paye",
                "payee",
                "regle",
                "reglee",
                "reussi",
                "reussie",
                "termine",
                "terminee",
                "livre",
                "livree",
                "acquitte",
                "acquittee",
            ],
        ),
        (
            RecordState::Failed,
            &[
                "failed",
                "failure",
                "declined",
                "error",
                "rejected",
                "wc_failed",
                "falhou",
                "falhado",
                "falhada",
                "falha",
                "recusado",
                "recusada",
                "rejeitado",
                "rejeitada",
                "erro",
                "echoue",
                "echouee",
                "echec",
                "refuse",
                "refusee",
                "rejete",
                "rejetee",
                "erreur",
            ],
        ),
        (RecordState::Expired, &["expired", "expirado", "expirada", "expirou", "expire", "expiree"]),
        (
            RecordState::Cancelled,
            &[
                "cancelled",
                "canceled",
                "voided",
                "wc_cancelled",
                "cancelado",
                "cancelada",
                "anulado",
                "anulada",
                "annule",
                "annulee",
            ],
        ),
        (
            RecordState::Refunded,
            &[
                "refunded",
                "wc_refunded",
                "reembolsado",
                "reembolsada",
                "devolvido",
                "devolvida",
                "estornado",
                "estornada",
                "rembourse",
                "remboursee",
            ],
        ),
        (
            RecordState::PartlyRefunded,
            &[
                "partially_refunded",
                "partly_refunded",
                "parcialmente_reembolsado",
                "parcialmente_reembolsada",
                "partiellement_rembourse",
                "partiellement_remboursee",
            ],
        ),
    ];
    MEANINGS.iter().find(|(_, words)| words.contains(&word)).map(|(state, _)| *state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    fn parse(words: &StatusWords, name: &str, word: &str) -> Option<RecordState> {
        match words.parse(provider::by_name(name).unwrap(), Some(word)) {
            OrderStatus::Known(status) => Some(status.state),
            OrderStatus::Missing | OrderStatus::Unrecognized => None,
        }
    }

    #[test]
    fn words_of_the_provider_and_of_shops_are_known() {
        let words = StatusWords::default();
        for (word, state) in [
            ("DEBITED", RecordState::Succeeded),
            ("paid", RecordState::Succeeded),
            (" Partially Refunded ", RecordState::PartlyRefunded),
            ("awaiting-payment", RecordState::Open),
            ("Pago", RecordState::Succeeded),
            ("Payée", RecordState::Succeeded),
            ("wc-processing", RecordState::Succeeded),
            ("PROCESSING", RecordState::Open),
        ] {
            assert_eq!(parse(&words, "plexos", word), Some(state), "{word}");
        }
        assert_eq!(parse(&words, "plustive", "processing"), Some(RecordState::Open));
    }

    #[test]
    fn a_word_with_two_meanings_is_not_guessed() {
        let plexos = provider::by_name("plexos").unwrap();
        for word in ["processing", "Processing", "shipped", "chargeback"] {
            assert_eq!(StatusWords::default().parse(plexos, Some(word)), OrderStatus::Unrecognized, "{word}");
        }
        assert_eq!(StatusWords::default().parse(plexos, Some("  ")), OrderStatus::Missing);
        assert_eq!(StatusWords::default().parse(plexos, None), OrderStatus::Missing);
    }

    #[test]
    fn the_users_meaning_comes_first() {
        let args: Vec<StatusWordArg> =
            ["Fulfilled=paid", "on hold=ignore", "paid=open", "a=b=failed"].map(|text| text.parse().unwrap()).to_vec();
        let words = StatusWords::from_args(&args);
        assert_eq!(parse(&words, "plexos", "FULFILLED"), Some(RecordState::Succeeded));
        assert_eq!(parse(&words, "plexos", "Paid"), Some(RecordState::Open));
        assert_eq!(parse(&words, "plexos", "a=b"), Some(RecordState::Failed));
        let plexos = provider::by_name("plexos").unwrap();
        assert_eq!(words.parse(plexos, Some("On-Hold")), OrderStatus::Missing);
    }

    #[test]
    fn a_meaning_that_does_not_exist_is_refused() {
        for text in ["fulfilled", "=paid", " =paid", "fulfilled=", "fulfilled=shipped"] {
            assert!(text.parse::<StatusWordArg>().is_err(), "{text}");
        }
    }

    #[test]
    fn words_in_portuguese_and_french_are_known_in_any_spelling() {
        let words = StatusWords::default();
        for (word, state) in [
            ("Concluído", RecordState::Succeeded),
            ("Concluido", RecordState::Succeeded),
            ("Payée", RecordState::Succeeded),
            ("Não pago", RecordState::Open),
            ("En cours", RecordState::Open),
            ("On hold", RecordState::Open),
            ("Recusado", RecordState::Failed),
            ("ÉCHEC", RecordState::Failed),
            ("Anulada", RecordState::Cancelled),
            ("Estornado", RecordState::Refunded),
            ("Parcialmente reembolsado", RecordState::PartlyRefunded),
        ] {
            assert_eq!(parse(&words, "plexos", word), Some(state), "{word}");
        }
    }
}
