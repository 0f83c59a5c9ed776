//! What can be bought. Real plans and prices are Plustive's; any other uuid stands for the first one here, so that an app with
//! the ids of its own account can be tried.

use super::purchases::Service;
use serde_json::{Value, json};

/// Something with a price.
pub(super) struct Plan {
    id: &'static str,
    pub name: &'static str,
    /// Empty for what is not sold for a network.
    pub network: &'static str,
    /// In kobo.
    pub price: i64,
}

const fn plan(id: &'static str, network: &'static str, name: &'static str, price: i64) -> Plan {
    Plan { id, name, network, price }
}

/// The first is the one of the example in <https://docs.plustiveimpact.com/api/schemas/transactionresponse>.
static DATA: [Plan; 4] = [
    plan("00000000-0000-4000-8000-0000000000d1", "MTN", "1.0GB", 27_000),
    plan("00000000-0000-4000-8000-0000000000d2", "AIRTEL", "2.0GB", 54_000),
    plan("00000000-0000-4000-8000-0000000000d3", "GLO", "5.0GB", 120_000),
    plan("00000000-0000-4000-8000-0000000000d4", "9MOBILE", "10.0GB", 250_000),
];
static CABLE: [Plan; 1] = [plan("00000000-0000-4000-8000-0000000000c1", "", "DStv Compact", 1_900_000)];
static EDUCATION: [Plan; 1] = [plan("00000000-0000-4000-8000-0000000000e1", "", "WAEC Result Checker", 350_000)];
static BROADBAND: [Plan; 1] = [plan("00000000-0000-4000-8000-0000000000b1", "", "Unlimited 30 days", 1_500_000)];
static ELECTRICITY: [Plan; 1] = [plan("00000000-0000-4000-8000-0000000000a1", "", "Prepaid", 0)];

fn sold(service: Service) -> &'static [Plan] {
    match service {
        Service::Cable => &CABLE,
        Service::Education => &EDUCATION,
        Service::Broadband => &BROADBAND,
        Service::Electricity => &ELECTRICITY,
        Service::Data | Service::Airtime => &DATA,
    }
}

/// The product of this id, or the first of the service.
pub(super) fn product(service: Service, id: &str) -> &'static Plan {
    let all = sold(service);
    all.iter().find(|plan| plan.id == id).unwrap_or(&all[0])
}

/// The data plan of this id, or the first.
pub(super) fn plan_of(id: &str) -> &'static Plan {
    product(Service::Data, id)
}

/// The network of this id, or the first: ids are those of the plans, with an `f` in place of the `d`.
pub(super) fn network(id: &str) -> &'static str {
    let place = DATA.iter().find(|plan| plan.id.replace("00d", "00f") == id);
    place.unwrap_or(&DATA[0]).network
}

/// The list of data plans; its path and shape are guessed.
pub(super) fn data_plans() -> Value {
    let line = |plan: &Plan| {
        json!({
            "planId": plan.id, "networkId": plan.id.replace("00d", "00f"), "network": plan.network, "name": plan.name,
            "priceKobo": plan.price,
        })
    };
    json!({"data": DATA.iter().map(line).collect::<Vec<_>>()})
}

/// What is sold for a bill; the shape is guessed. <https://docs.plustiveimpact.com/bill-payments>
pub(super) fn products(service: Service) -> Value {
    let line = |plan: &Plan| json!({"planId": plan.id, "name": plan.name, "priceKobo": plan.price});
    json!({"data": sold(service).iter().map(line).collect::<Vec<_>>()})
}
