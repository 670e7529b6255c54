//! A headless Chromium, driven by its `DevTools` protocol over a pipe.
//!
//! The protocol reports network requests and errors of the page as they happen. The pipe needs neither a driver besides
//! the browser nor a port. A message is JSON that ends with a zero byte.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

/// The names of Chromium's program.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// An environment variable that makes a missing Chromium fail the tests instead of skipping them.
const REQUIRED: &str = "ALBSCOPE_REQUIRE_BROWSER";

/// No answer takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    /// What happened in the page since it was opened.
    events: Vec<Value>,
    session: Option<String>,
    last_id: u64,
    profile: tempfile::TempDir,
}

/// The path of Chromium. `None` if there is none, which is printed; if [`REQUIRED`] is set, it panics instead.
pub(super) fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    let found = found.into_iter().find(|program| program.is_file());
    if found.is_none() {
        assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and there is no Chromium in PATH");
        // `eprintln!` would be captured by the test harness.
        let _ = writeln!(std::io::stderr(), "skipped: there is no Chromium in PATH to open the page in");
    }
    found
}

impl Browser {
    /// Starts a browser with a new profile and one empty page.
    pub(super) fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        // Chromium reads the protocol from file descriptor 3 and writes it to 4; a shell connects the pipes to them.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#])
            .arg(program)
            .args(["--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-US"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            // What it leaves behind when it is killed is deleted with the profile.
            .env("TMPDIR", profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(profile.path().join("stderr")).expect("a file"))
            .spawn()
            .expect("there is a shell");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in output.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("the protocol speaks JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser = Self { child, input, messages, events: Vec::new(), session: None, last_id: 0, profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &target);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.resize(1280, 900);
        browser
    }

    /// Calls a method of the protocol and waits for its result.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).expect("the browser runs");
        loop {
            let message = self.next(method);
            if message["id"] == self.last_id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn next(&mut self, waiting_for: &str) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let stderr = fs::read_to_string(self.profile.path().join("stderr")).unwrap_or_default();
            panic!("{waiting_for}: {error}\n{stderr}");
        })
    }

    /// Opens a file and waits until the page says that it is ready. Returns how long that took.
    pub(super) fn open(&mut self, path: &Path) -> Duration {
        self.events.clear();
        let begun = Instant::now();
        self.call("Page.navigate", &json!({"url": format!("file://{}", path.display())}));
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next("load");
            self.events.push(event);
        }
        self.wait_for("document.documentElement.dataset.ready !== undefined");
        begun.elapsed()
    }

    /// The value of an expression in the page.
    pub(super) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    pub(super) fn number(&mut self, expression: &str) -> f64 {
        let value = self.eval(expression);
        value.as_f64().unwrap_or_else(|| panic!("{expression} is {value}"))
    }

    /// How many elements match the selector.
    pub(super) fn count(&mut self, selector: &str) -> u64 {
        let count = self.eval(&format!("document.querySelectorAll({}).length", json!(selector)));
        count.as_u64().expect("a length")
    }

    pub(super) fn text(&mut self, expression: &str) -> String {
        let value = self.eval(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    pub(super) fn assert(&mut self, expression: &str) {
        let value = self.eval(expression);
        assert_eq!(value, true, "{expression}");
    }

    /// Waits until an expression is true.
    pub(super) fn wait_for(&mut self, expression: &str) {
        let begun = Instant::now();
        while self.eval(expression) != true {
            assert!(begun.elapsed() < PATIENCE, "{expression} did not come true");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The console messages, errors, dialogs and network requests of the page since it was opened.
    pub(super) fn complaints(&mut self) -> Vec<String> {
        // Events come in order, so everything that happened before this answer is here.
        self.eval("0");
        let complaint = |event: &Value| {
            let (method, params) = (event["method"].as_str()?, &event["params"]);
            match method {
                "Runtime.consoleAPICalled" => Some(format!("console: {}", params["args"])),
                "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
                "Log.entryAdded" => Some(format!("log: {}", params["entry"]["text"])),
                "Page.javascriptDialogOpening" => Some(format!("dialog: {}", params["message"])),
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().unwrap_or_default();
                    let is_page = params["type"] == "Document" && url.starts_with("file://");
                    (!is_page && !url.starts_with("data:,")).then(|| format!("request: {url:.200}"))
                }
                _ => None,
            }
        };
        self.events.iter().filter_map(complaint).collect()
    }

    /// Sets the size of the window, in pixels.
    pub(super) fn resize(&mut self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &params);
        self.settle();
    }

    /// Waits two frames, so that changes are drawn.
    fn settle(&mut self) {
        self.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))");
    }

    /// Shows the page as on a device set to `scheme`, which is `light` or `dark`.
    pub(super) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({"features": features}));
        self.settle();
    }

    /// Shows the page as it is printed.
    pub(super) fn print(&mut self) {
        self.call("Emulation.setEmulatedMedia", &json!({"media": "print"}));
        self.settle();
    }

    pub(super) fn mouse(&mut self, kind: &str, x: f64, y: f64) {
        let is_down = kind != "mouseReleased";
        let button = if kind == "mouseMoved" { "none" } else { "left" };
        let params = json!({"type": kind, "x": x, "y": y, "button": button, "buttons": i32::from(is_down && button == "left"), "clickCount": 1});
        self.call("Input.dispatchMouseEvent", &params);
    }

    /// Presses the left button at one point and releases it at another.
    pub(super) fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.mouse("mouseMoved", from.0, from.1);
        self.mouse("mousePressed", from.0, from.1);
        let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        for (x, y) in [middle, to] {
            self.call(
                "Input.dispatchMouseEvent",
                &json!({"type": "mouseMoved", "x": x, "y": y, "button": "left", "buttons": 1}),
            );
        }
        self.mouse("mouseReleased", to.0, to.1);
    }

    /// Clicks on the middle of an element, wherever it is on the page.
    pub(super) fn click(&mut self, selector: &str) {
        let (left, top, width, height) = self.bounds_of(selector);
        let (x, y) = (left + width / 2.0, top + height / 2.0);
        self.mouse("mouseMoved", x, y);
        self.mouse("mousePressed", x, y);
        self.mouse("mouseReleased", x, y);
    }

    /// Scrolls an element into view, and returns its left, top, width and height there, in pixels.
    pub(super) fn bounds_of(&mut self, selector: &str) -> (f64, f64, f64, f64) {
        let element = format!("document.querySelector({})", json!(selector));
        self.eval(&format!("{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})"));
        self.settle();
        let bounds = self.eval(&format!(
            "(() => {{ const box = {element}.getBoundingClientRect(); return [box.left, box.top, box.width, box.height]; }})()"
        ));
        let at = |number: usize| bounds[number].as_f64().unwrap_or_else(|| panic!("{selector} is not on the page"));
        (at(0), at(1), at(2), at(3))
    }

    /// Presses and releases a key. `key` is its name as in `KeyboardEvent.key`.
    pub(super) fn press(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "+" => 187,
            "-" => 189,
            _ => i32::from(key.as_bytes()[0]),
        };
        let text = match key {
            "Enter" => "\r",
            key if key.len() == 1 => key,
            _ => "",
        };
        let down = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code, "text": text});
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Writes text into the focused element.
    pub(super) fn write(&mut self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// A screenshot of the whole page as PNG, also written to the folder `screenshots` of the tests' temporary files.
    pub(super) fn screenshot(&mut self, name: &str) -> Vec<u8> {
        let answer = self.call("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true}));
        let png = BASE64_STANDARD.decode(answer["data"].as_str().expect("a picture")).expect("it is Base64");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(format!("{name}.png")), &png).expect("a file");
        png
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
