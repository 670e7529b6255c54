//! The page of `--html` as a reader sees it: in a browser.
//!
//! Without Chromium these tests print that they are skipped, unless `ALBSCOPE_REQUIRE_BROWSER` is set: then they fail.
//! They leave screenshots in `tmp/screenshots` of the build's folder.

mod browser;
mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use albscope::Timestamp;
use albscope::classify::Outcome;
use albscope::kind::alb;
use albscope::report::chart::{ElapsedAxis, Look, Tick, TimeAxis};
use browser::{Browser, chromium};
use common::program::run;
use common::{Logs, line};
use serde_json::{Value, json};

/// A browser needs all cores for itself, most of all when time is measured.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A page in a browser.
struct Opened {
    browser: Browser,
    took: Duration,
    page: PathBuf,
    _folder: Logs,
    _turn: MutexGuard<'static, ()>,
}

/// Runs `analyze --html` on `input` and opens the page. `None` if there is no browser.
fn open(input: &Path, folder: Logs) -> Option<Opened> {
    open_with(input, folder, &[])
}

/// [`open`] with more options.
fn open_with(input: &Path, folder: Logs, options: &[&str]) -> Option<Opened> {
    let program = chromium()?;
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let page = analyze(input, folder.path(), options);
    let mut browser = Browser::start(&program);
    let took = browser.open(&page);
    Some(Opened { browser, took, page, _folder: folder, _turn: turn })
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-logs")
}

fn open_sample() -> Option<Opened> {
    open(&sample(), Logs::new())
}

/// Analyses the logs in `input` and writes the page into `folder`.
fn analyze(input: &Path, folder: &Path, options: &[&str]) -> PathBuf {
    let page = folder.join("page.html");
    let input = input.to_str().expect("UTF-8");
    let args = ["analyze", input, "--html", "page.html", "--format", "json", "--quiet"];
    let run = run(folder, &[&args, options].concat());
    // 2 means that an object could not be read to its end.
    assert!(matches!(run.code, Some(0 | 2)), "{run:?}");
    page
}

fn assert_is_quiet(browser: &mut Browser) {
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_page_opens_quickly_and_makes_no_network_requests() {
    let Some(mut opened) = open_sample() else { return };
    let Opened { browser, took, page, .. } = &mut opened;
    assert!(*took < Duration::from_secs(2), "{took:?}");
    let bytes = fs::metadata(page).expect("a file").len();
    assert!(bytes < 300_000, "{bytes} bytes");
    browser.assert("performance.getEntriesByType('resource').length === 0");
    assert_is_quiet(browser);
}

#[test]
fn what_broke_when_and_what_to_change_are_on_the_first_screen() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    for (what, cause, when, change) in [
        ("target 10.0.11.162:3000", "connect-timeout", "2026-11-18 08:40:14 to 08:55:02 UTC", "allow the target port"),
        ("target 10.0.10.36:3000", "keep-alive-race", "a trickle", "raise the server's keep-alive timeout"),
    ] {
        let summary = "[...document.querySelectorAll('.finding > summary')]";
        let script = format!("{summary}.find(summary => summary.innerText.includes({}))", json!(what));
        let text = browser.text(&format!("{script}.innerText"));
        for part in [cause, when, change] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        browser.assert(&format!("{script}.getBoundingClientRect().bottom <= innerHeight"));
    }
    assert_eq!(browser.text("document.querySelector('h1').innerText"), "1,207 of 40,066 requests failed (3.0 %)");
}

#[test]
fn the_causes_are_at_the_top_and_link_to_their_findings() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    assert_eq!(browser.count("#causes li"), 4);
    let text = browser.text("document.querySelector('#causes li').innerText");
    for part in [
        "connect-timeout",
        "high confidence",
        "at target 10.0.11.162:3000, 1,124 failures",
        "2026-11-18 08:40:14 to 08:55:02 UTC",
        "Fix allow the target port",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    browser.assert("document.querySelector('#causes').getBoundingClientRect().bottom < innerHeight / 2");
    browser.assert(
        "[...document.querySelectorAll('#causes a')].every(link => document.querySelector(`${link.getAttribute('href')} .why b`).innerText === link.innerText)",
    );
    browser.click("#causes li:nth-child(2) a");
    let finding = browser.text("document.querySelector('#causes li:nth-child(2) a').getAttribute('href')");
    browser.wait_for(&format!("document.querySelector('{finding}').open"));
    assert_is_quiet(browser);
}

/// A log in which this many targets refuse connections, and another answers.
fn refusing(targets: u32) -> String {
    let ok = line().build() + "\n";
    let mut log = ok.repeat(400);
    for target in 0..targets {
        let address = format!("10.77.{}.{}:80", target / 200, target % 200 + 1);
        let failed = FAILED.into_iter().fold(line(), |line, (field, text)| line.field(field, text));
        // In a group of its own: at many targets of one group, it would be one finding.
        let group = format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/api/{target:016x}");
        let failed = failed.field(alb::TARGET, &address).field(alb::TARGET_GROUP_ARN, &group);
        log.push_str(&(failed.build() + "\n").repeat(12));
    }
    log
}

#[test]
fn equal_findings_are_folded_and_still_reached() {
    let logs = Logs::new();
    let input = logs.write("a.log", refusing(120).as_bytes());
    let Some(mut opened) = open(&input, logs) else { return };
    let Opened { browser, page, .. } = &mut opened;
    let bytes = fs::metadata(page).expect("a file").len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    let text = browser.text("document.querySelector('#causes').innerText");
    assert!(text.contains("at 120 targets, 1,440 failures, 120 findings"), "{text}");
    assert_eq!(browser.count("#causes li"), 1);
    assert_eq!(browser.count(".finding"), 120);
    assert_eq!(browser.count("#findings > .finding"), 3);
    assert_eq!(
        browser.text("document.querySelector('.more > summary').innerText"),
        format!("117 more findings of connection-refused with {} failures", "1,404")
    );
    let seen = "[...document.querySelectorAll('.finding')].filter(finding => finding.checkVisibility({contentVisibilityAuto: true})).length";
    assert_eq!(browser.eval(seen), 3);
    browser.screenshot("many-findings");
    // By a key.
    browser.eval("document.querySelector('.more > summary').focus()");
    browser.press("Enter");
    browser.wait_for("document.querySelector('.more').open");
    assert_eq!(browser.eval(seen), 120);
    browser.press("Enter");
    browser.wait_for("!document.querySelector('.more').open");
    // By a link.
    browser.eval("location.hash = '#finding-77'");
    browser.wait_for("document.querySelector('.more').open && document.querySelector('#finding-77').open");
    browser.eval("document.querySelector('.more').open = false");
    // On paper.
    browser.print();
    assert_eq!(browser.eval(seen), 120);
    assert_is_quiet(browser);
}

#[test]
fn pictures_have_data_and_follow_the_choice_of_a_target() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    assert_eq!(browser.count("#timing-chart > svg .failed"), 5, "a symbol for each outcome");
    assert_eq!(browser.count("#failures-chart [data-key]"), 5, "four causes, and what is in none");
    assert!(
        browser.number("document.querySelectorAll('#timing-chart .density')[3].getAttribute('d').length") > 1_000.0
    );
    for label in ["idle timeout 60 s, inferred", "connect timeout 10 s", "keep-alive 4.993 s, finding 2"] {
        let labels = "[...document.querySelectorAll('#timing-chart .label')].map(label => label.textContent)";
        browser.assert(&format!("{labels}.includes({})", json!(label)));
    }
    assert!(
        browser
            .text("document.querySelector('#against').innerText")
            .contains("42 requests reached the idle timeout of 60 s")
    );
    // Choose a target in the pictures' list.
    browser.eval("document.querySelector('#scope').focus()");
    browser.write("");
    for key in ["1", "0", ".", "0", ".", "1", "0", ".", "7", "1"] {
        browser.press(key);
    }
    browser.wait_for("document.querySelector('#failures-note').innerText.includes('10.0.10.71:8080')");
    assert!(
        browser.text("document.querySelector('#against').innerText").contains("22 requests reached the idle timeout")
    );
    assert_eq!(browser.count("#timing-chart > svg .failed"), 1);
    // Choose another by its name in the table.
    browser.click("#target-table tbody tr:first-child button");
    browser.assert("document.querySelector('#failures-note').innerText.includes('10.0.11.162:3000')");
    browser.assert("document.activeElement === document.querySelector('#timing-chart svg')");
    // Show the time that a finding is about.
    browser.click("#finding-5 > summary");
    browser.click("#finding-5 button[data-timing]");
    browser.assert("document.querySelector('#failures-note').innerText.includes('10.0.12.199:3000')");
    let axis =
        browser.text("[...document.querySelectorAll('#timing-chart text')].map(text => text.textContent).join(' ')");
    assert!(axis.contains("09:10") && !axis.contains("08:40"), "{axis}");
    assert_is_quiet(browser);
}

#[test]
fn outcomes_have_their_colours_and_symbols_and_causes_their_patterns() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    let legend = browser.eval(
        "[...document.querySelectorAll('#timing-chart .legend button')].map(button => [button.innerText.split(' ')[0], button.querySelector('path').getAttribute('fill'), button.querySelector('path').getAttribute('d')])",
    );
    let legend: Vec<[String; 3]> = serde_json::from_value(legend).expect("names, colours and shapes");
    assert_eq!(legend.len(), 5);
    for [name, colour, shape] in &legend {
        let outcome = Outcome::ALL.iter().find(|outcome| outcome.id() == name).expect("an outcome");
        let look = Look::of(*outcome);
        assert_eq!(*colour, look.colour().hex(), "{name}");
        // The symbols in the picture have the legend's shape and colour.
        let corners = look.corners.len();
        assert_eq!(shape.matches(['M', 'L']).count(), corners, "{name}");
        let of_picture = format!("document.querySelector('#timing-chart > svg .failed[fill=\"{colour}\"]')");
        browser.assert(&format!("{of_picture} !== null"));
    }
    let shapes: std::collections::BTreeSet<&str> = legend.iter().map(|[.., shape]| shape.as_str()).collect();
    assert_eq!(shapes.len(), legend.len(), "no two differ in colour alone");
    let patterns = browser.eval(
        "[...document.querySelectorAll('#failures-chart .legend svg')].map(swatch => swatch.querySelector('path + path')?.getAttribute('fill') ?? 'plain')",
    );
    let patterns: Vec<String> = serde_json::from_value(patterns).expect("a list");
    let different: std::collections::BTreeSet<&String> = patterns.iter().collect();
    assert_eq!((patterns.len(), different.len()), (5, 5), "{patterns:?}");
    browser.assert("[...document.querySelectorAll('[fill^=\"url(#\"]')].every(path => document.querySelector(path.getAttribute('fill').slice(4, -1)))");
}

#[test]
fn names_of_lines_are_beside_the_picture_and_do_not_overlap() {
    // Three timeouts in the picture, two of them nearly the same.
    let Some(mut opened) = open_with(&sample(), Logs::new(), &["--idle-timeout", "5"]) else { return };
    let browser = &mut opened.browser;
    for (width, name) in [(1280, "keep-alive 4.993 s, finding "), (390, "4.993 s")] {
        browser.resize(width, 900);
        browser.wait_for(&format!("document.querySelector('#timing-chart svg').viewBox.baseVal.width <= {width}"));
        let labels = "[...document.querySelectorAll('#timing-chart .label')]";
        browser.assert(&format!(
            "{labels}.length === 3 && {labels}.some(label => label.textContent.startsWith('{name}'))"
        ));
        let boxes = format!("{labels}.map(label => label.getBBox())");
        browser.assert(&format!(
            "(() => {{ const end = Math.max(...[...document.querySelectorAll('#timing-chart .mark')].map(line => line.getBBox().x + line.getBBox().width)); const right = document.querySelector('#timing-chart svg').viewBox.baseVal.width; return {boxes}.every(box => box.x > end && box.x + box.width <= right); }})()"
        ));
        browser.assert(&format!(
            "(() => {{ const boxes = {boxes}.sort((a, b) => a.y - b.y); return boxes.slice(1).every((box, index) => box.y >= boxes[index].y + boxes[index].height - 2); }})()"
        ));
        // Nothing that is drawn for requests overlaps the names.
        browser.assert(&format!(
            "(() => {{ const begin = Math.min(...{boxes}.map(box => box.x)); return [...document.querySelectorAll('#timing-chart .density, #timing-chart > svg .failed')].every(path => path.getBBox().x + path.getBBox().width <= begin); }})()"
        ));
        // A name that is too long for the margin is in a list below.
        let names = browser.eval("[...document.querySelectorAll('.lines li')].map(name => name.innerText)");
        assert_eq!(names.as_array().expect("a list").len(), if width < 600 { 3 } else { 0 }, "{names}");
    }
    browser.screenshot("lines-390");
    assert_is_quiet(browser);
}

#[test]
fn the_picture_shows_timeouts_even_if_all_requests_are_slower() {
    let logs = Logs::new();
    let slow = line().field(alb::REQUEST_CREATION_TIME, "2026-11-22T07:36:20.123456Z").build() + "\n";
    let input = logs.write("a.log", slow.repeat(3).as_bytes());
    let Some(mut opened) = open(&input, logs) else { return };
    let names = "[...document.querySelectorAll('#timing-chart .label')].map(name => name.textContent).join()";
    assert_eq!(opened.browser.text(names), "idle timeout 60 s, default,connect timeout 10 s");
}

#[test]
fn names_beside_the_gaps_stay_inside_the_picture() {
    for idle_timeout in ["5", "7"] {
        let Some(mut opened) = open_with(&sample(), Logs::new(), &["--idle-timeout", idle_timeout]) else { return };
        let browser = &mut opened.browser;
        for width in [1280, 390] {
            browser.resize(width, 900);
            browser.eval("document.querySelectorAll('details').forEach(details => (details.open = true))");
            browser.wait_for("document.querySelector('.lags svg .label') !== null");
            browser.wait_for(&format!("document.querySelector('.lags svg').viewBox.baseVal.width <= {width}"));
            browser.assert(
                "[...document.querySelectorAll('.lags svg .label')].every(name => name.getBBox().x >= 0 && name.getBBox().x + name.getBBox().width <= name.ownerSVGElement.viewBox.baseVal.width)",
            );
        }
    }
}

#[test]
fn the_deepest_zoom_says_that_it_is_one() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    let said = "document.querySelector('#floor').innerText";
    assert_eq!(browser.text(said), "");
    for _ in 0..4 {
        browser.click("[data-zoom=in]");
        assert_eq!(browser.text(said), "", "there is more");
    }
    browser.click("[data-zoom=in]");
    let floor = "Maximum zoom: one column is 1 min. Requests are not counted in smaller steps; the log lines have the exact times.";
    assert_eq!(browser.text(said), floor);
    browser.click("[data-zoom=reset]");
    assert_eq!(browser.text(said), "");
    // If columns are wider, the text says that a shorter window has narrower ones.
    let logs = Logs::new();
    let day = |day: u32| line().field(alb::TIME, &format!("2026-11-{day}T07:41:20.123456Z")).build() + "\n";
    let input = logs.write("a.log", format!("{}{}", day(20), day(22)).as_bytes());
    drop(opened);
    let Some(mut opened) = open(&input, logs) else { return };
    let browser = &mut opened.browser;
    for _ in 0..8 {
        browser.click("[data-zoom=in]");
    }
    let text = browser.text(said);
    assert!(text.starts_with("Maximum zoom: one column is 32 min. A report of a shorter window"), "{text}");
}

/// Asserts that the script has the same ticks as the program. The script's positions are from the start of the whole
/// axis, the program's from that of the part, which begins at bin `from`.
fn assert_same_ticks(script: &Value, program: &[Tick], from: usize, what: &str) {
    let script: Vec<(f64, &str)> = script
        .as_array()
        .expect("a list")
        .iter()
        .map(|tick| (tick["at"].as_f64().expect("a number"), tick["label"].as_str().expect("a text")))
        .collect();
    let labels: Vec<&str> = script.iter().map(|(_, label)| *label).collect();
    assert_eq!(labels, program.iter().map(|tick| &tick.label).collect::<Vec<_>>(), "{what}");
    for ((at, label), tick) in script.iter().zip(program) {
        assert!((at - from as f64 - tick.at).abs() < 1e-6, "{what}: {label} is at {at}, not {}", tick.at);
    }
}

#[test]
fn the_script_labels_axes_of_every_scale_as_the_program_does() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    let mut cases = Vec::new();
    for start in ["2026-11-18T08:03:00Z", "2026-11-18T23:40:00Z", "2024-02-29T00:00:00Z", "1969-12-31T12:00:00Z"] {
        let start = Timestamp::parse(start.as_bytes()).expect("a time");
        // From minutes to 120 years.
        for (doublings, bins) in (0..20).flat_map(|doublings| [1, 7, 64, 128].map(|bins| (doublings, bins))) {
            let axis = TimeAxis { start, bin_seconds: 60 << doublings, bins };
            for part in [0..bins, bins / 4..bins / 2 + 1, bins.saturating_sub(4)..bins] {
                cases.extend([2, 5, 14].map(|most| (axis, part.clone(), most)));
            }
        }
    }
    let calls = cases.iter().map(|(axis, part, most)| {
        let start = axis.start.as_seconds();
        let axis = json!({ "start": start, "bin_seconds": axis.bin_seconds, "steps": axis.steps() });
        json!([axis, part.start, part.end, most])
    });
    let calls: Vec<Value> = calls.collect();
    let ticks = browser.eval(&format!("{}.map((call) => axes.timeTicks(...call))", Value::from(calls)));
    for ((axis, part, most), ticks) in cases.iter().zip(ticks.as_array().expect("a list")) {
        let expected = axis.ticks_of(part.clone(), *most);
        assert_same_ticks(ticks, &expected, part.start, &format!("{axis:?}, bins {part:?}, at most {most}"));
    }
    // Elapsed time: parts of the axis that the page itself has.
    let elapsed = "JSON.parse(document.querySelector('#data').textContent).elapsed";
    let edges: Vec<f64> = serde_json::from_value(browser.eval(&format!("{elapsed}.edges"))).expect("numbers");
    let bins = edges.len() - 1;
    let parts: Vec<(usize, usize)> = (0..bins)
        .flat_map(|low| [1, 6, 12, 28, bins].map(|wide| (low, low + wide)))
        .filter(|(_, high)| *high <= bins)
        .collect();
    let ticks = browser.eval(&format!("{}.map((part) => axes.elapsedTicks({elapsed}, ...part))", json!(parts)));
    for (&(low, high), ticks) in parts.iter().zip(ticks.as_array().expect("a list")) {
        let expected = ElapsedAxis::new(edges[low..=high].to_vec()).ticks();
        assert_same_ticks(ticks, &expected, low, &format!("elapsed-time bins {low} to {high}"));
    }
    // Counts.
    for (most, expected) in [
        (1, json!([0, 1])),
        (60, json!([0, 20, 40, 60])),
        (61, json!([0, 20, 40, 60, 80])),
        (1_124, json!([0, 500, 1_000, 1_500])),
    ] {
        let steps = "JSON.parse(document.querySelector('#data').textContent).count_steps";
        assert_eq!(browser.eval(&format!("axes.countTicks({steps}, {most}, 5)")), expected, "{most}");
    }
    assert_is_quiet(browser);
}

/// The first and the last moment on the axis of the timing picture.
const AXIS: &str = "(() => { const times = [...document.querySelectorAll('#timing-chart text')].map(text => text.textContent).filter(text => /\\d\\d:\\d\\d$/.test(text)); \
                    return [times[0].slice(-5), times.at(-1).slice(-5)]; })()";

/// Chooses another entry of the pictures' list, without the pointer.
fn choose(browser: &mut Browser, index: usize) {
    browser.eval(&format!(
        "(() => {{ const list = document.querySelector('#scope'); list.value = '{index}'; list.dispatchEvent(new Event('change')); }})()"
    ));
}

#[test]
fn pictures_zoom_and_show_what_is_under_the_pointer() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    assert_eq!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    let (left, top, width, height) = browser.bounds_of("#timing-chart svg");
    let at = |across: f64, up: f64| (left + width * across, top + height * up);
    let (x, y) = at(0.4, 0.6);
    browser.mouse("mouseMoved", x, y);
    let tip = "document.querySelector('#timing-chart .tip')";
    browser.assert(&format!("!{tip}.hidden"));
    let text = browser.text(&format!("{tip}.innerText"));
    assert!(text.contains("2026-11-18 08:5") && text.contains(" ms\n") && text.contains(" request"), "{text}");
    // Dragging zooms into a part of time and of elapsed time.
    browser.drag(at(0.25, 0.1), at(0.5, 0.5));
    let axis = browser.eval(AXIS);
    assert!(axis[0].as_str() > Some("08:20") && axis[1].as_str() < Some("09:20"), "{axis}");
    browser.assert("![...document.querySelectorAll('#timing-chart text')].some(text => text.textContent === '2 ms')");
    browser.click("[data-zoom=reset]");
    assert_eq!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    browser.click("[data-zoom=in]");
    let axis = browser.eval(AXIS);
    assert_eq!(axis, json!(["08:30", "09:30"]));
    browser.click("[data-zoom=out]");
    assert_eq!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    // The tip was about the picture before, so it is hidden. The same script checks this, because the browser may then
    // report the resting pointer to the new picture.
    let chosen = "control.value = '1', control.dispatchEvent(new Event('change'))";
    for (selector, act, across) in [
        ("[data-zoom=in]", "control.click()", 0.4),
        ("[data-zoom=out]", "control.click()", 0.5),
        ("#scope", chosen, 0.6),
    ] {
        let (left, top, width, height) = browser.bounds_of("#timing-chart svg");
        browser.mouse("mouseMoved", left + width * across, top + height * 0.6);
        browser.assert(&format!("!{tip}.hidden"));
        browser.assert(&format!(
            "(() => {{ const control = document.querySelector('{selector}'); {act}; return {tip}.hidden; }})()"
        ));
    }
    // Choosing another entry resets the zoom: the part that was zoomed into may have nothing of it.
    browser.click("[data-zoom=in]");
    assert_ne!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    choose(browser, 0);
    assert_eq!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    // The picture below has the same time axis.
    let (left, top, width, height) = browser.bounds_of("#failures-chart svg");
    browser.drag((left + width * 0.3, top + height * 0.5), (left + width * 0.45, top + height * 0.5));
    let axis = browser.eval(AXIS);
    assert!(axis[0].as_str() > Some("08:20") && axis[1].as_str() < Some("09:05"), "{axis}");
    // What is switched off in the legend is not drawn.
    let failed = browser.count("#failures-chart [data-key]");
    browser.click("#failures-chart .legend button");
    assert_eq!(browser.count("#failures-chart [data-key]"), failed - 1);
    assert_is_quiet(browser);
}

#[test]
fn everything_works_by_keys_alone() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    // Tab leads to each finding, each control and each picture, and the focus is visible.
    browser.eval("document.activeElement.blur()");
    let mut met = Vec::new();
    for _ in 0..60 {
        browser.press("Tab");
        met.push(
            browser
                .text("(() => { const at = document.activeElement; return at.id || at.closest('[id]')?.id || ''; })()"),
        );
        if met.last().is_some_and(|id| id == "finding-2") {
            browser.assert("getComputedStyle(document.activeElement).outlineStyle !== 'none'");
        }
    }
    for id in ["theme", "finding-1", "finding-5", "scope", "timing-chart", "failures-chart", "outcomes"] {
        assert!(met.iter().any(|met| met == id), "{id} is not among {met:?}");
    }
    // A finding opens.
    browser.eval("document.querySelector('#finding-2 > summary').focus()");
    browser.press("Enter");
    browser.wait_for("document.querySelector('#finding-2').open");
    assert!(
        browser
            .text("document.querySelector('#finding-2').innerText")
            .contains("32 requests were closed within half a second")
    );
    browser.wait_for("document.querySelector('#finding-2 .lags svg path') !== null");
    // The idle timeout lies beyond the gaps that are shown, so the label has an arrow.
    browser.assert("document.querySelector('#finding-2 .lags svg').textContent.includes('idle timeout 60 s →')");
    // The pictures: move, hear a description, zoom, and reset.
    browser.eval("document.querySelector('#timing-chart svg').focus()");
    browser.press("ArrowRight");
    let said = browser.text("document.querySelector('#timing-chart [aria-live]').textContent");
    browser.press("ArrowUp");
    let then = browser.text("document.querySelector('#timing-chart [aria-live]').textContent");
    assert!(said.contains("UTC") && said != then, "{said} {then}");
    browser.press("+");
    assert_ne!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    browser.press("0");
    assert_eq!(browser.eval(AXIS), json!(["08:00", "10:00"]));
    // The colours.
    browser.eval("document.querySelector('#theme').focus()");
    let background = |browser: &mut Browser| browser.text("getComputedStyle(document.body).backgroundColor");
    browser.prefer("light");
    let light = background(browser);
    browser.press("Enter");
    browser.press("Enter");
    assert_ne!(background(browser), light);
    assert_is_quiet(browser);
}

#[test]
fn tables_are_sorted_and_filtered() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    let column = |table: &str, index: usize| {
        format!(
            "[...document.querySelectorAll('#{table} tbody tr')].filter(row => !row.hidden).map(row => row.cells[{index}].innerText)"
        )
    };
    let requests = column("route-table", 2);
    browser.click("#route-table th:nth-child(3) button");
    let numbers: Vec<u64> = as_numbers(&browser.eval(&requests));
    assert!(numbers.len() > 5 && numbers.is_sorted_by(|one, other| one >= other), "{numbers:?}");
    browser.click("#route-table th:nth-child(3) button");
    let numbers: Vec<u64> = as_numbers(&browser.eval(&requests));
    assert!(numbers.is_sorted(), "{numbers:?}");
    assert_eq!(
        browser.text("document.querySelector('#route-table th:nth-child(3)').getAttribute('aria-sort')"),
        "ascending"
    );
    browser.click("#target-table th:nth-child(1) button");
    let names: Vec<String> = serde_json::from_value(browser.eval(&column("target-table", 0))).expect("names");
    assert_eq!(names[..2], ["10.0.10.36:3000", "10.0.10.44:3000"], "text, with its numbers in order");
    // Rows must have all words, in any order.
    browser.eval("document.querySelector('[aria-controls=route-table]').focus()");
    browser.write("reports get");
    let routes: Vec<String> = serde_json::from_value(browser.eval(&column("route-table", 0))).expect("names");
    assert!(!routes.is_empty() && routes.iter().all(|route| route.starts_with("GET ")), "{routes:?}");
    let shown = browser.text("document.querySelector('.filter:has([aria-controls=route-table]) output').innerText");
    assert_eq!(shown, format!("{} of {} rows", routes.len(), numbers.len()));
    assert_is_quiet(browser);
}

fn as_numbers(texts: &Value) -> Vec<u64> {
    let texts = texts.as_array().expect("a list");
    texts.iter().map(|text| text.as_str().expect("text").replace(',', "").parse().expect("a number")).collect()
}

#[test]
fn everything_is_printed() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    let hidden = "[...document.querySelectorAll('.finding .body, .finding .body details > :not(summary)')].filter(element => !element.checkVisibility({contentVisibilityAuto: true})).length";
    assert!(browser.number(hidden) > 5.0, "findings are closed at first");
    browser.print();
    assert_eq!(browser.eval(hidden), 0);
    browser.assert("!document.querySelector('.bar').checkVisibility()");
    // The causes and the pictures come before the findings.
    let tops = browser.eval(
        "['#causes', '#timing', '#findings', '#endings'].map(part => document.querySelector(part).getBoundingClientRect().top)",
    );
    let tops: Vec<f64> = serde_json::from_value(tops).expect("numbers");
    assert!(tops.is_sorted(), "{tops:?}");
    // A sheet of A4 is 1,123 pixels high.
    browser.assert("document.querySelector('#timing-chart').getBoundingClientRect().bottom - document.body.getBoundingClientRect().top < 1123");
    // Even if it is printed from a phone, all names are beside the picture.
    browser.resize(390, 900);
    let names = "[...document.querySelectorAll('#timing-chart .label')].map(name => name.textContent).join()";
    let on_paper = "idle timeout 60 s, inferred,connect timeout 10 s,keep-alive 4.993 s, finding 2";
    browser.wait_for(&format!("{names} !== {}", json!(on_paper)));
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.text(names), on_paper);
    browser.eval("dispatchEvent(new Event('afterprint'))");
    assert_ne!(browser.text(names), on_paper);
    browser.resize(1280, 900);
    let pdf = browser.call("Page.printToPDF", &json!({"printBackground": true}));
    assert!(pdf["data"].as_str().is_some_and(|pdf| pdf.starts_with("JVBERi")), "a PDF");
    browser.screenshot("print");
}

#[test]
fn pages_without_failures_or_requests_open_too() {
    for (log, headline, pictures) in [
        ((line().build() + "\n").repeat(3), "None of 3 requests failed", 2),
        ("no line of a log\n".to_owned(), "No requests", 0),
    ] {
        let logs = Logs::new();
        let input = logs.write("a.log", log.as_bytes());
        let Some(mut opened) = open(&input, logs) else { return };
        let browser = &mut opened.browser;
        assert_eq!(browser.text("document.querySelector('h1').innerText"), headline);
        assert_eq!(browser.count("figure.chart svg[tabindex]"), pictures, "{headline}");
        let account = browser.text("document.querySelector('#input').innerText");
        assert_eq!(account.contains("1 line: line with too few fields"), pictures == 0, "{account}");
        assert_is_quiet(browser);
    }
}

#[test]
fn the_page_fits_a_phone_and_a_screen_by_day_and_by_night() {
    let Some(mut opened) = open_sample() else { return };
    let browser = &mut opened.browser;
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        for width in [1280, 390] {
            browser.resize(width, 900);
            let wide = browser.number("document.documentElement.scrollWidth");
            assert!(wide <= f64::from(width), "{wide} of {width}");
            browser.wait_for(&format!("document.querySelector('#timing-chart svg').viewBox.baseVal.width <= {width}"));
            let png = browser.screenshot(&format!("{scheme}-{width}"));
            assert!(png.len() > 20_000, "{} bytes", png.len());
        }
    }
    browser.resize(1280, 900);
    browser.click("#open-all");
    browser.screenshot("dark-open");
    browser.prefer("light");
    browser.screenshot("light-open");
    browser.resize(390, 900);
    browser.screenshot("light-open-390");
    assert_is_quiet(browser);
}

/// Text that a stranger may write to have it run as code. Each would set `hit` if it ran.
fn payloads() -> Vec<String> {
    let mut payloads: Vec<String> = [
        "<script>hit=1</script>",
        "</script><script>hit=1</script>",
        "<!--<script>hit=1",
        "--></style></script></details><img src=x onerror=hit=1>",
        "'><svg/onload=hit=1>",
        "' onmouseover='hit=1' autofocus onfocus='hit=1",
        "javascript:hit=1",
        "&lt;img src=x onerror=hit=1&gt;&#x3c;script&#x3e;hit=1",
        "{{hit=1}}${hit=1}<%=hit=1%>",
        "\u{1b}[2J\u{1b}]0;hit\u{7}\u{9b}31m",
        "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}\u{2028}",
        "<a href=javascript:hit=1>click</a><base href=//evil.example/>",
        "<meta http-equiv=refresh content=0;url=//evil.example/><link rel=stylesheet href=//evil.example/>",
        "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
        "漢字é\u{301}\u{301}\u{301}",
    ]
    .map(str::to_owned)
    .into();
    payloads.push(format!("<b>{}", "A".repeat(65_536)));
    payloads
}

/// What a line has if its target refused the connection.
const FAILED: [(usize, &str); 6] = [
    (alb::ELB_STATUS_CODE, "502"),
    (alb::TARGET_STATUS_CODE, "-"),
    (alb::REQUEST_PROCESSING_TIME, "-1"),
    (alb::TARGET_PROCESSING_TIME, "-1"),
    (alb::RESPONSE_PROCESSING_TIME, "-1"),
    (alb::TARGET_STATUS_CODE_LIST, "\"-\""),
];

/// Failed requests with each payload in each field, twelve of each to get findings, and 400 ordinary requests.
fn hostile_log() -> String {
    let failed = FAILED.into_iter().fold(line(), |line, (field, text)| line.field(field, text));
    let mut log = String::new();
    for payload in payloads() {
        for field in 0..36 {
            let quoted = format!("\"{payload}\"");
            let of_url = format!("\"GET https://{payload}:443/{payload}?{payload} HTTP/1.1\"");
            let text = match field {
                alb::REQUEST_LINE => of_url.as_str(),
                alb::TARGET_GROUP_ARN | alb::ELB | alb::CLIENT | alb::TARGET => payload.as_str(),
                _ => quoted.as_str(),
            };
            let line = failed.clone().field(field, text).build();
            // Blanks would end a field that has no quotes.
            let line =
                if text == payload { failed.clone().field(field, &payload.replace(' ', "/")).build() } else { line };
            for _ in 0..12 {
                log.push_str(&line);
                log.push('\n');
            }
        }
    }
    for _ in 0..400 {
        log.push_str(&line().build());
        log.push('\n');
    }
    log
}

#[test]
fn text_of_strangers_stays_text() {
    let logs = Logs::new();
    let input = logs.path().join("in");
    logs.write("in/<img src=x onerror=hit=1>'\u{202e}\u{1b}[2J.log", hostile_log().as_bytes());
    logs.write("in/</script><script>hit=1</script>.log.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00");
    let Some(mut opened) = open(&input, logs) else { return };
    let Opened { browser, page, .. } = &mut opened;
    // Code in the text gets its chance to run: everything is opened, chosen, clicked and met by the pointer.
    browser.click("#open-all");
    browser.eval(
        "(() => { for (const option of document.querySelectorAll('#scope option')) { const list = option.closest('select'); list.value = option.value; list.dispatchEvent(new Event('change')); } \
         document.querySelectorAll('button:not(#theme)').forEach(button => button.click()); \
         document.querySelectorAll('*').forEach(element => { for (const name of ['mouseover', 'focus', 'load', 'error', 'click']) { if (element.tagName !== 'A') element.dispatchEvent(new Event(name)); } }); })()",
    );
    browser.click("#timing-chart svg");
    browser.assert("typeof hit === 'undefined'");
    // The text has added no elements.
    browser
        .assert("document.querySelectorAll('script').length === 2 && document.querySelectorAll('style').length === 1");
    let elements =
        browser.eval("[...new Set([...document.querySelectorAll('body, body *')].map(element => element.localName))]");
    let known = [
        "a", "b", "body", "button", "caption", "code", "dd", "defs", "details", "div", "dl", "dt", "em", "figure",
        "h1", "h2", "h3", "h4", "header", "input", "label", "li", "main", "nav", "noscript", "ol", "optgroup",
        "option", "output", "p", "path", "pattern", "pre", "rect", "script", "section", "select", "span", "strong",
        "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "tr", "tspan", "ul",
    ];
    for element in elements.as_array().expect("a list") {
        assert!(known.contains(&element.as_str().expect("a name")), "{element}");
    }
    browser.assert("![...document.querySelectorAll('*')].some(element => [...element.attributes].some(attribute => attribute.name.startsWith('on') || /^\\s*javascript:/i.test(attribute.value)))");
    browser.assert("[...document.querySelectorAll('[href], [src]')].every(element => /^(#|data:,|https:\\/\\/docs\\.aws\\.amazon\\.com\\/)/.test(element.getAttribute('href') ?? ''))");
    browser.assert("document.querySelectorAll('base, iframe, img, object, embed, form').length === 0 && document.querySelectorAll('meta').length === 5");
    // It is shown as text, with invisible characters spelled out.
    let text = browser.text("document.body.innerText");
    for part in [
        "<script>hit=1</script>",
        "<img/src=x/onerror=hit=1>",
        "&lt;img",
        "\\u{1b}[2J",
        "\\u{202e}gpj.exe\\u{2066}\\u{200b}",
        "漢字",
    ] {
        assert!(text.contains(part), "{part} is not shown");
    }
    let is_bad = |character: char| {
        (character.is_control() && character != '\n' && character != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&character)
            || ('\u{2066}'..='\u{2069}').contains(&character)
    };
    let found = browser
        .text("document.documentElement.outerHTML.replace(/[\\u0000-\\u0008]/g, 'control')")
        .chars()
        .find(|character| is_bad(*character));
    assert_eq!(found, None);
    // Long text is cut, and says so.
    assert!(text.contains(" more characters)"), "no cut is told");
    browser.assert("!/A{2000}/.test(document.documentElement.textContent)");
    let bytes = fs::metadata(page).expect("a file").len();
    assert!(bytes < 1_000_000, "{bytes} bytes");
    let wide = browser.number("document.documentElement.scrollWidth");
    assert!(wide <= 1280.0, "{wide}");
    browser.screenshot("hostile");
    assert_is_quiet(browser);
}
