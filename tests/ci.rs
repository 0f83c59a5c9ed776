//! The job of docs/ci.md: its steps run as written, by the shell that GitHub Actions uses.

use crate::process::available;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const PAGE: &str = include_str!("../docs/ci.md");

/// A job: its variables, and the commands of its steps by name.
struct Job {
    variables: BTreeMap<String, String>,
    steps: Vec<(String, String)>,
}

/// A handler that refuses everything.
const REFUSES: &str = "require('http').createServer((request, response) => {
  response.statusCode = 401
  request.resume().on('end', () => response.end())
}).listen(process.env.PORT, '127.0.0.1')";

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Reads the first YAML block, as far as the job uses YAML.
fn job(page: &str) -> Job {
    let yaml = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let (head, steps) = yaml.split_once("    steps:\n").unwrap();
    // GitHub refuses a workflow whose job-level variables use these.
    for context in ["runner", "steps", "env", "job"] {
        assert!(!head.contains(&format!("${{{{ {context}.")), "{context} is unknown here: {head}");
    }
    let variables = head.lines().skip_while(|line| line.trim() != "env:").skip(1);
    let variables = variables.map(|line| line.trim().split_once(": ").unwrap());
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut found = Vec::new();
    for step in steps.split("      - ").skip(1) {
        let name = step.lines().find_map(|line| line.trim().strip_prefix("name: "));
        let lines: Vec<_> = step.lines().collect();
        let Some(at) = lines.iter().position(|line| line.trim_start().starts_with("run: ")) else { continue };
        let commands = match lines[at].trim_start().strip_prefix("run: ").unwrap() {
            "|" => {
                let block = lines[at + 1..].iter().take_while(|line| indent(line) > indent(lines[at]));
                block.map(|line| format!("{}\n", &line[indent(lines[at]) + 2..])).collect()
            }
            only => only.to_owned(),
        };
        found.push((name.unwrap().to_owned(), commands));
    }
    Job { variables, steps: found }
}

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Runs a step as GitHub does, with ports that are free. Returns its status and output.
fn run(folder: &Path, job: &Job, commands: &str) -> (Option<i32>, String) {
    let (app, listener) = (free_port(), free_port());
    let commands = commands
        .replace("127.0.0.1:3000", &format!("127.0.0.1:{app}"))
        .replace("--port 4848", &format!("--port {listener}"));
    let script = folder.join("step.sh");
    std::fs::write(&script, commands).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_whtool")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut bash = Command::new("bash");
    bash.args(["-e", script.to_str().unwrap()]).current_dir(folder).env_clear().env("PATH", path).envs(&job.variables);
    bash.env("HOME", folder).env("PORT", &app).env("WHTOOL_TO", format!("http://127.0.0.1:{listener}"));
    let child =
        bash.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().unwrap();
    let group = child.id().to_string();
    let output = child.wait_with_output().unwrap();
    // As GitHub does, ends what the step has left running. It fails if there is nothing.
    let _ = Command::new("sh").args(["-c", "kill -KILL \"-$1\" 2>/dev/null", "sh", &group]).status();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn the_steps_of_the_job_run_as_written_and_fail_with_a_handler_that_refuses_everything() {
    if !available("node") || !available("bash") {
        return;
    }
    let job = job(PAGE);
    let names: Vec<_> = job.steps.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Install whtool", "Check the handler", "Receive, expect and forward events"]);
    let handler = include_str!("../examples/handlers/node-http.js");
    for (server, status) in [(handler, 0), (REFUSES, 1)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("server.js"), server).unwrap();
        for (name, commands) in &job.steps[1..] {
            let (ended, output) = run(folder.path(), &job, commands);
            let is_expected = if status == 0 { ended == Some(0) } else { ended != Some(0) };
            assert!(is_expected, "{name} ends with {ended:?}:\n{output}");
        }
        let upload = PAGE.split("path: |\n").nth(1).unwrap().split("```").next().unwrap();
        for file in upload.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(status != 0 || folder.path().join(file).exists(), "{file} is uploaded, and not written");
        }
    }
}
