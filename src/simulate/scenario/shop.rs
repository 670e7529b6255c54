//! The routes of the simulated applications.

use crate::simulate::plan::{ClientKind, PlannedGroup, PlannedRoute};
use crate::simulate::time::{MILLISECOND, Micros};

const EVERYONE: &[ClientKind] = &[
    ClientKind::Browser,
    ClientKind::App,
    ClientKind::Program,
    ClientKind::Edge,
    ClientKind::Gateway,
    ClientKind::Service,
];
const BROWSERS: &[ClientKind] = &[ClientKind::Browser];
const APPS: &[ClientKind] = &[ClientKind::App, ClientKind::Browser];
/// Everyone who waits for reports; apps have no screen for them.
const PATIENT: &[ClientKind] =
    &[ClientKind::Browser, ClientKind::Program, ClientKind::Edge, ClientKind::Gateway, ClientKind::Service];

/// A shop's JSON API: quick answers, some of them client errors.
pub(super) const SHOP_ROUTES: &[PlannedRoute] = &[
    route("GET", "/api/items/{}", 260, EVERYONE, (26, 0.7), (210, 1400), &[(200, 955), (404, 25), (304, 20)]),
    route("GET", "/api/items?page={}", 180, EVERYONE, (45, 0.6), (215, 5200), &[(200, 985), (304, 15)]),
    route("GET", "/api/search?q=term{}", 90, EVERYONE, (85, 0.8), (220, 3900), &[(200, 1)]),
    route("GET", "/api/session", 120, APPS, (9, 0.6), (260, 480), &[(200, 97), (401, 3)]),
    route("GET", "/api/alerts?since={}", 60, PATIENT, (14, 0.6), (240, 620), &[(200, 80), (304, 20)]),
    route("PUT", "/api/cart/{}", 70, APPS, (38, 0.6), (420, 900), &[(200, 98), (422, 2)]),
    route("POST", "/api/orders", 45, EVERYONE, (140, 0.7), (780, 760), &[(201, 96), (422, 3), (400, 1)]),
    route("GET", "/static/app.js", 70, BROWSERS, (3, 0.5), (190, 48_000), &[(200, 60), (304, 40)]),
];

/// Reports are listed and fetched quickly, and built slowly.
pub(super) const REPORT_ROUTES: &[PlannedRoute] = &[
    route("GET", "/reports", 30, PATIENT, (30, 0.6), (230, 2600), &[(200, 1)]),
    route("GET", "/reports/{}", 45, PATIENT, (120, 0.8), (230, 21_000), &[(200, 97), (404, 3)]),
    route("POST", "/reports/build", 22, PATIENT, (2600, 0.5), (640, 900), &[(200, 98), (422, 2)]),
];

/// The index of the slow route in [`REPORT_ROUTES`].
pub(super) const BUILD: usize = 2;

/// A row of a table of routes; the median is in milliseconds.
const fn route(
    method: &'static str,
    path: &'static str,
    weight: u32,
    callers: &'static [ClientKind],
    (median, sigma): (Micros, f64),
    bytes: (u32, u32),
    statuses: &'static [(u16, u32)],
) -> PlannedRoute {
    PlannedRoute {
        method,
        path,
        numbers: 5000,
        weight,
        callers,
        median: median * MILLISECOND,
        sigma,
        bytes,
        body: 0,
        statuses,
    }
}

/// The same route, with bodies of about this many bytes.
const fn with_body(body: u32, route: &PlannedRoute) -> PlannedRoute {
    PlannedRoute { body, ..*route }
}

/// Pages that keep a WebSocket open.
pub(super) const LIVE_ROUTES: &[PlannedRoute] = &[
    route("GET", "/live/rooms/{}", 20, APPS, (6, 0.6), (520, 129), &[(101, 96), (401, 4)]),
    route("GET", "/api/rooms/{}", 60, EVERYONE, (26, 0.7), (230, 1900), &[(200, 97), (404, 3)]),
    route("GET", "/api/rooms?page={}", 30, EVERYONE, (45, 0.6), (230, 5200), &[(200, 1)]),
    route("POST", "/api/messages", 25, APPS, (30, 0.6), (640, 380), &[(201, 98), (422, 2)]),
];

/// Documents and pictures are uploaded, listed and fetched.
pub(super) const UPLOAD_ROUTES: &[PlannedRoute] = &[
    with_body(700_000, &route("POST", "/documents", 26, EVERYONE, (60, 0.6), (900, 420), &[(201, 98), (422, 2)])),
    with_body(280_000, &route("PUT", "/avatars/{}", 14, APPS, (35, 0.6), (860, 310), &[(200, 99), (404, 1)])),
    with_body(1_400_000, &route("POST", "/films/{}/parts", 10, PATIENT, (80, 0.5), (930, 260), &[(201, 1)])),
    route("GET", "/documents/{}", 60, EVERYONE, (40, 0.7), (230, 26_000), &[(200, 96), (404, 4)]),
    route("GET", "/documents?page={}", 40, EVERYONE, (30, 0.6), (230, 4200), &[(200, 1)]),
];

pub(super) fn shop_api() -> PlannedGroup {
    PlannedGroup::new(("shop-api", "73e2d6bc24d8a067"), 3000, "api.shop.example.com", 100, SHOP_ROUTES)
}

pub(super) fn reports() -> PlannedGroup {
    PlannedGroup::new(("reports", "3bb63f11dfb0faf9"), 8080, "reports.shop.example.com", 200, REPORT_ROUTES)
}

/// Images are resized and films are cut while the client waits.
pub(super) const MEDIA_ROUTES: &[PlannedRoute] = &[
    route("POST", "/images/resize", 40, PATIENT, (900, 0.6), (52_000, 31_000), &[(200, 98), (422, 2)]),
    route("POST", "/films/{}/cut", 12, PATIENT, (3800, 0.5), (900, 1200), &[(200, 99), (404, 1)]),
    route("GET", "/images/{}", 40, EVERYONE, (60, 0.7), (230, 38_000), &[(200, 96), (404, 4)]),
];
