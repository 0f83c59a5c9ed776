//! A real Chromium, driven over the Chrome DevTools Protocol
//! (<https://chromedevtools.github.io/devtools-protocol/>).

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Longest wait for anything in the browser.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A browser with one page and a profile of its own.
pub struct Chromium {
    child: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    number: u64,
    /// What the page did, oldest first: requests, console messages, exceptions.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Chromium {
    pub fn start(arguments: &[&str]) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
            .args(["--remote-debugging-port=0", &format!("--user-data-dir={}", profile.path().display())])
            .args(arguments)
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.split_once("DevTools listening on ")?.1.to_owned()));
        // It may write more, and must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let (socket, _) = tungstenite::connect(address.expect("Chromium ended")).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        }
        let mut browser = Self { child, socket, session: None, number: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.resize(1280, 800);
        browser
    }

    /// Calls a method of the protocol, and returns its result.
    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut request = json!({"id": self.number, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string())).unwrap();
        loop {
            let message = self.read();
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().expect("Chromium does not answer") {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["method"].is_string() {
                    self.events.push(message.clone());
                }
                return message;
            }
        }
    }

    /// Opens an address, waits until it is loaded, and returns the status.
    pub fn open(&mut self, url: &str) -> u64 {
        let from = self.events.len();
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        while !self.events[from..].iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.read();
        }
        let documents = self.events[from..].iter().filter(|event| event["params"]["type"] == "Document");
        let status = documents.filter_map(|event| event["params"]["response"]["status"].as_u64()).next_back();
        status.unwrap_or_else(|| panic!("{url} has no status"))
    }

    /// Clicks at a place, and waits until the page that it leads to is loaded.
    pub fn click(&mut self, place: &Value) {
        let from = self.events.len();
        for kind in ["mousePressed", "mouseReleased"] {
            let at = json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", at);
        }
        while !self.events[from..].iter().any(|event| event["method"] == "Page.loadEventFired") {
            self.read();
        }
    }

    /// Evaluates an expression, and waits for it if it is a promise.
    pub fn eval(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call("Runtime.evaluate", parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until an expression is true. A page that is replaced meanwhile is asked again.
    pub fn wait(&mut self, condition: &str) {
        let expression = format!(
            "new Promise((resolve) => {{ const end = Date.now() + 20000; const look = () => {{
                let found = false; try {{ found = Boolean({condition}); }} catch {{}}
                if (found || Date.now() > end) resolve(found); else setTimeout(look, 20);
            }}; look(); }})"
        );
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        for _ in 0..20 {
            self.number += 1;
            let request = json!({"id": self.number, "method": "Runtime.evaluate", "params": parameters, "sessionId": self.session});
            self.socket.send(Message::text(request.to_string())).unwrap();
            let answer = loop {
                let message = self.read();
                if message["id"] == self.number {
                    break message;
                }
            };
            // The old page is gone: its promise is lost.
            if answer["error"].is_null() && answer["result"]["exceptionDetails"].is_null() {
                let page = "location.href + '\\n' + document.body.innerText.slice(0, 3000)";
                assert!(answer["result"]["result"]["value"] == true, "never: {condition}\n{}", self.eval(page));
                return;
            }
        }
        panic!("the page is always replaced: {condition}");
    }

    /// Presses keys: letters, or names such as `Enter`.
    pub fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            let (name, modifiers) = key.strip_prefix("Ctrl+").map_or((*key, 0), |name| (name, 2));
            let (text, code) = match name {
                "Enter" => ("\r", 13),
                "Escape" => ("", 27),
                "Tab" => ("", 9),
                letter => (letter, 0),
            };
            let mut down =
                json!({"type": "keyDown", "key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers});
            if modifiers == 0 && !text.is_empty() {
                down["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", down);
            let up = json!({"type": "keyUp", "key": name, "windowsVirtualKeyCode": code, "modifiers": modifiers});
            self.call("Input.dispatchKeyEvent", up);
        }
    }

    /// Types text where the focus is.
    pub fn type_text(&mut self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Sets a media feature, such as `prefers-color-scheme`.
    pub fn media(&mut self, feature: &str, value: &str) {
        let features = json!({"features": [{"name": feature, "value": value}]});
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// Returns the text of what a selector finds first.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Returns the URLs of all requests.
    pub fn requests(&mut self) -> Vec<String> {
        self.eval("1");
        let sent = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// Returns errors in the console, exceptions of scripts, and violations of the policy.
    pub fn faults(&mut self) -> Vec<String> {
        self.eval("1");
        let is_fault = |event: &&Value| match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => event["params"]["type"] != "log",
            "Log.entryAdded" => !["verbose", "info"].map(Value::from).contains(&event["params"]["entry"]["level"]),
            _ => false,
        };
        self.events.iter().filter(is_fault).map(|event| event["params"].to_string()).collect()
    }

    /// Returns a screenshot as PNG in base64.
    pub fn screenshot(&mut self) -> String {
        self.call("Page.captureScreenshot", json!({"format": "png"}))["data"].as_str().unwrap().to_owned()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
