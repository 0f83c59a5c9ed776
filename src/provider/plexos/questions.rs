//! Open questions about Plexos Pay's webhooks (<https://docs.pay.plexos.io/pages/webhooks>).

use crate::provider::question::{
    CONTENT_TYPE, DocumentedReading, OpenQuestion, USER_AGENT, header_text, text_field, type_name,
};

const WEBHOOKS: &str = "https://docs.pay.plexos.io/pages/webhooks";
const INTRODUCTION: &str = "https://docs.pay.plexos.io/pages/start/introduction";
const PAYMENT: &str = "https://docs.pay.plexos.io/pages/api/payments/reference";
const SETTLEMENTS: &str = "https://docs.pay.plexos.io/pages/api/settlements/list";

const fn read_on(page: &'static str, reading: &'static str) -> DocumentedReading {
    DocumentedReading { reading, page }
}

pub(super) static QUESTIONS: &[OpenQuestion] = &[
    OpenQuestion {
        code: "event_coverage",
        subject: "coverage of events",
        documented: &[read_on(WEBHOOKS, "twelve types"), read_on(INTRODUCTION, "one at each stage")],
        observe: |_, body| Some(body.get("type")?.as_str()?.to_owned()),
    },
    OpenQuestion {
        code: "data_size",
        subject: "number of fields in data",
        documented: &[read_on(WEBHOOKS, "6"), read_on(PAYMENT, "19")],
        observe: |_, body| Some(body.get("data")?.as_object()?.len().to_string()),
    },
    OpenQuestion {
        code: "amount_type",
        subject: "type of amount",
        documented: &[read_on(WEBHOOKS, "string"), read_on(PAYMENT, "integer")],
        observe: |_, body| body.get("data")?.get("amount").map(type_name),
    },
    OpenQuestion {
        code: "settlement_status",
        subject: "status in settlement.completed",
        documented: &[read_on(WEBHOOKS, "processed"), read_on(SETTLEMENTS, "COMPLETED")],
        observe: |_, body| {
            let is_settlement = body.get("type")?.as_str()?.starts_with("settlement.");
            if is_settlement { text_field(body, "status").map(str::to_owned) } else { None }
        },
    },
    OpenQuestion {
        code: "failure_codes",
        subject: "values of failureCode",
        documented: &[],
        observe: |_, body| text_field(body, "failureCode").map(str::to_owned),
    },
    OpenQuestion {
        code: "operator",
        subject: "values of operator",
        documented: &[read_on(INTRODUCTION, "UNITEL T+Mais"), read_on(PAYMENT, "UNITEL_TMAIS")],
        observe: |_, body| text_field(body, "operator").map(str::to_owned),
    },
    OpenQuestion {
        code: "livemode",
        subject: "mark of test events",
        documented: &[],
        observe: |_, body| {
            let names = ["livemode", "liveMode", "live", "test", "mode", "environment"];
            let found = names.iter().find(|name| body.get(**name).is_some());
            Some(found.map_or_else(|| "no such field".to_owned(), |name| (*name).to_owned()))
        },
    },
    OpenQuestion {
        code: "timestamp_unit",
        subject: "unit of X-Plexos-Timestamp",
        documented: &[],
        observe: |request, _| {
            let digits = header_text(request, super::TIMESTAMP)?;
            let unit = match digits.len() {
                13.. => "milliseconds",
                10..=12 => "seconds",
                _ => "something else",
            };
            Some(unit.to_owned())
        },
    },
    OpenQuestion {
        code: "signature_form",
        subject: "signature value",
        documented: &[read_on(WEBHOOKS, "hex")],
        observe: |request, _| {
            let value = header_text(request, super::SIGNATURE)?;
            Some(if value.bytes().any(|byte| byte.is_ascii_uppercase()) { "hex, upper case" } else { "hex" }.to_owned())
        },
    },
    USER_AGENT,
    CONTENT_TYPE,
];
