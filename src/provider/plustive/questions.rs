//! Open questions about Plustive's webhooks: the reference (<https://docs.plustiveimpact.com/webhooks>)
//! and the guide (<https://plustiveimpact.com/guides/webhooks-for-vtu-transactions>) contradict each
//! other.

use crate::provider::question::{
    CONTENT_TYPE, DocumentedReading, OpenQuestion, USER_AGENT, header_text, present_fields, text_field, type_name,
};

const REFERENCE: &str = "https://docs.plustiveimpact.com/webhooks";
const GUIDE: &str = "https://plustiveimpact.com/guides/webhooks-for-vtu-transactions";
const SCHEMA: &str = "https://docs.plustiveimpact.com/api/schemas/transactionresponse";
const GLOSSARY: &str = "https://plustiveimpact.com/glossary";

const fn reference(reading: &'static str) -> DocumentedReading {
    DocumentedReading { reading, page: REFERENCE }
}

const fn guide(reading: &'static str) -> DocumentedReading {
    DocumentedReading { reading, page: GUIDE }
}

const fn schema(reading: &'static str) -> DocumentedReading {
    DocumentedReading { reading, page: SCHEMA }
}

pub(super) static QUESTIONS: &[OpenQuestion] = &[
    OpenQuestion {
        code: "signature_form",
        subject: "signature value",
        documented: &[reference("sha256=HEX"), guide("bare hex")],
        observe: |request, _| {
            let value = header_text(request, super::SIGNATURE)?;
            let (prefix, hex) = value.split_once('=').unwrap_or(("", &value));
            let case = if hex.bytes().any(|byte| byte.is_ascii_uppercase()) { ", upper case" } else { "" };
            Some(if prefix.is_empty() { format!("bare hex{case}") } else { format!("{prefix}=HEX{case}") })
        },
    },
    OpenQuestion {
        code: "event_name",
        subject: "event names",
        documented: &[reference("transaction.success, transaction.failed"), guide("transaction.completed")],
        observe: |_, body| Some(body.get("event")?.as_str()?.to_owned()),
    },
    OpenQuestion {
        code: "product_field",
        subject: "field for the product",
        documented: &[reference("service"), guide("type")],
        observe: |_, body| present_fields(body, &["service", "type"]),
    },
    OpenQuestion {
        code: "phone_field",
        subject: "field for the phone number",
        documented: &[reference("mobileNumber"), guide("phone")],
        observe: |_, body| present_fields(body, &["mobileNumber", "phone"]),
    },
    OpenQuestion {
        code: "time_field",
        subject: "field for the time",
        documented: &[reference("completedAt"), schema("completedOn"), guide("timestamp")],
        observe: |_, body| present_fields(body, &["completedAt", "completedOn", "timestamp"]),
    },
    OpenQuestion {
        code: "network_fields",
        subject: "network and providerReference",
        documented: &[reference("providerReference"), guide("network")],
        observe: |_, body| present_fields(body, &["network", "providerReference"]),
    },
    OpenQuestion {
        code: "network_case",
        subject: "spelling of the network",
        documented: &[schema("upper case"), guide("lower case")],
        observe: |_, body| {
            let network = text_field(body, "network")?;
            let (upper, lower) = (network.to_uppercase(), network.to_lowercase());
            Some(
                if network == upper {
                    "upper case"
                } else if network == lower {
                    "lower case"
                } else {
                    "mixed case"
                }
                .to_owned(),
            )
        },
    },
    OpenQuestion {
        code: "end_states",
        subject: "statuses",
        documented: &[reference("Success, Failed"), guide("Success, Failed, Refunded")],
        observe: |_, body| Some(text_field(body, "status")?.to_owned()),
    },
    OpenQuestion {
        code: "services",
        subject: "values of the product field",
        documented: &[schema("Data, Airtime"), guide("also bills")],
        observe: |_, body| Some(text_field(body, "service").or_else(|| text_field(body, "type"))?.to_owned()),
    },
    OpenQuestion {
        code: "token",
        subject: "token in the payload",
        documented: &[reference("none"), guide("token")],
        observe: |_, body| present_fields(body, &["token"]),
    },
    OpenQuestion {
        code: "token_form",
        subject: "form of the token",
        documented: &[DocumentedReading { reading: "20 digits", page: GLOSSARY }, guide("16 digits in groups of 4")],
        observe: |_, body| {
            let token = text_field(body, "token").filter(|token| !token.is_empty())?;
            let digits = token.bytes().filter(u8::is_ascii_digit).count();
            let groups = token.split(['-', ' ']).count();
            let others = token.len() - digits - (groups - 1);
            let letters = if others > 0 { " and other characters" } else { "" };
            Some(format!(
                "{digits} digits{letters}{}",
                if groups > 1 { format!(" in {groups} groups") } else { String::new() }
            ))
        },
    },
    OpenQuestion {
        code: "reference_length",
        subject: "length of the reference",
        documented: &[schema("PLS- and 10 characters"), guide("PLS- and 6 or 7 characters")],
        observe: |_, body| {
            let reference = text_field(body, "reference")?;
            Some(match reference.strip_prefix("PLS-") {
                Some(rest) => format!("PLS- and {} characters", rest.chars().count()),
                None => "without PLS-".to_owned(),
            })
        },
    },
    OpenQuestion {
        code: "client_reference",
        subject: "clientReference",
        documented: &[],
        observe: |_, body| Some(body.get("clientReference").map_or_else(|| "missing".to_owned(), type_name)),
    },
    OpenQuestion {
        code: "amount_type",
        subject: "type of amount",
        documented: &[],
        observe: |_, body| Some(body.get("amount").map_or_else(|| "missing".to_owned(), type_name)),
    },
    USER_AGENT,
    CONTENT_TYPE,
];
