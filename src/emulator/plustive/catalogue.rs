//! Products and prices. Any other UUID counts as the first product, so that an app works with the
//! ids of its own account.

use super::objects::Service;
use serde_json::{Value, json};

pub(super) struct Product {
    id: &'static str,
    pub name: &'static str,
    /// Empty for a product without a network.
    pub network: &'static str,
    /// In kobo.
    pub price: i64,
}

const fn plan(id: &'static str, network: &'static str, name: &'static str, price: i64) -> Product {
    Product { id, name, network, price }
}

/// The first is the example in <https://docs.plustiveimpact.com/api/schemas/transactionresponse>.
static DATA: [Product; 4] = [
    plan("00000000-0000-4000-8000-0000000000d1", "MTN", "1.0GB", 27_000),
    plan("00000000-0000-4000-8000-0000000000d2", "AIRTEL", "2.0GB", 54_000),
    plan("00000000-0000-4000-8000-0000000000d3", "GLO", "5.0GB", 120_000),
    plan("00000000-0000-4000-8000-0000000000d4", "9MOBILE", "10.0GB", 250_000),
];
static CABLE: [Product; 1] = [plan("00000000-0000-4000-8000-0000000000c1", "", "DStv Compact", 1_900_000)];
static EDUCATION: [Product; 1] = [plan("00000000-0000-4000-8000-0000000000e1", "", "WAEC Result Checker", 350_000)];
static BROADBAND: [Product; 1] = [plan("00000000-0000-4000-8000-0000000000b1", "", "Unlimited 30 days", 1_500_000)];
static ELECTRICITY: [Product; 1] = [plan("00000000-0000-4000-8000-0000000000a1", "", "Prepaid", 0)];

fn products_of(service: Service) -> &'static [Product] {
    match service {
        Service::Cable => &CABLE,
        Service::Education => &EDUCATION,
        Service::Broadband => &BROADBAND,
        Service::Electricity => &ELECTRICITY,
        Service::Data | Service::Airtime => &DATA,
    }
}

/// The product with this id, or the first of the service.
pub(super) fn product(service: Service, id: &str) -> &'static Product {
    let all = products_of(service);
    all.iter().find(|plan| plan.id == id).unwrap_or(&all[0])
}

/// The data plan with this id, or the first.
pub(super) fn data_plan(id: &str) -> &'static Product {
    product(Service::Data, id)
}

/// The network with this id, or the first. Network ids are plan ids with `f` in place of `d`.
pub(super) fn network(id: &str) -> &'static str {
    let plan = DATA.iter().find(|plan| plan.id.replace("00d", "00f") == id);
    plan.unwrap_or(&DATA[0]).network
}

/// The list of data plans; its path and shape are guessed.
pub(super) fn data_plans() -> Value {
    let line = |plan: &Product| {
        json!({
            "planId": plan.id, "networkId": plan.id.replace("00d", "00f"), "network": plan.network, "name": plan.name,
            "priceKobo": plan.price,
        })
    };
    json!({"data": DATA.iter().map(line).collect::<Vec<_>>()})
}

/// The products of a bill service; the shape is guessed.
/// <https://docs.plustiveimpact.com/bill-payments>
pub(super) fn products(service: Service) -> Value {
    let line = |plan: &Product| json!({"planId": plan.id, "name": plan.name, "priceKobo": plan.price});
    json!({"data": products_of(service).iter().map(line).collect::<Vec<_>>()})
}
