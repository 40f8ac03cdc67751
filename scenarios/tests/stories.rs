//! The origin's evening, told by our server and by the real sendmail, each in its container.

mod logins;
mod stage;
mod stories {
    pub(crate) mod clients;
    pub(crate) mod evening;
    pub(crate) mod failures;
    pub(crate) mod lettre;
}

use std::{
    io,
    sync::{Arc, Mutex},
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use logins::{FAMILIES, Login, login};
use msaspec_harness::{
    error::Error,
    mechanism::Mechanism,
    promises::Family,
    report::TlsState,
    target::container::{Client, Options, Output, Running},
};
use stage::{SERVERS, Stage, Told};

/// The mechanisms of the origin's `confAUTH_MECHANISMS`.
const MECHANISMS: [Mechanism; 4] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::CramMd5,
    Mechanism::DigestMd5,
];

fn main() -> io::Result<()> {
    let arguments = Arguments::from_args();
    stage::end_on_signals()?;
    let scenes: Vec<_> = SERVERS.into_iter().map(Scene::new).collect();
    let trials = scenes.iter().flat_map(trials).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Containers go before the process does.
    drop(scenes);
    conclusion.exit();
}

/// A server on its stage, and beside it the container with mail programs once somebody needs it.
struct Scene {
    client: Mutex<Option<Client>>,
    stage: Arc<Stage>,
}

impl Scene {
    fn new(name: &'static str) -> Arc<Scene> {
        Arc::new(Scene {
            client: Mutex::default(),
            stage: Stage::new(name),
        })
    }

    /// For stories that leave the server as it is: they are told side by side.
    fn shared(&self, story: impl FnOnce(&Running) -> Told) -> Told {
        self.stage.shared(story)
    }

    /// For stories that stop something: they are alone with the server.
    fn alone(&self, story: impl FnOnce(&Running) -> Told) -> Told {
        match self.stage.set() {
            Ok(running) => story(
                &*running
                    .write()
                    .map_err(|_| "a story before this one panicked")?,
            ),
            Err(absent) => absent.told(),
        }
    }

    /// Runs a script of the shell in the container with mail programs.
    fn client(&self, running: &Running, script: &str) -> Result<String, Failed> {
        let mut client = self
            .client
            .lock()
            .map_err(|_| "a story before this one panicked")?;
        if client.is_none() {
            *client = Some(
                running
                    .client(&Options::default())
                    .map_err(|e| e.to_string())?,
            );
        }
        match client.as_ref() {
            Some(client) => said(client.exec(&["bash", "-c", script])),
            None => Err("no client".into()),
        }
    }
}

/// Compares with `snapshots/NAME.snap`.
fn snapshot(name: String, told: String) {
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, told);
    });
}

/// What a command said, if it went well.
fn said(output: Result<Output, Error>) -> Result<String, Failed> {
    let Output {
        status,
        stdout,
        stderr,
    } = output.map_err(|e| e.to_string())?;
    match status {
        0 => Ok(stdout),
        _ => Err(format!("exit status {status}: {stdout}{stderr}").into()),
    }
}

fn trials(scene: &Arc<Scene>) -> Vec<Trial> {
    let server = scene.stage.name;
    let told = |name: String, story: Box<dyn FnOnce(&Scene) -> Told + Send>| {
        let scene = scene.clone();
        stage::trial(format!("{server}::{name}"), move || story(&scene))
    };
    let mut trials = vec![
        told(
            "evening".to_owned(),
            Box::new(|scene| scene.shared(stories::evening::told)),
        ),
        told(
            "certificate".to_owned(),
            Box::new(|scene| scene.shared(stories::evening::certificate)),
        ),
        told(
            "saslauthd-stopped".to_owned(),
            Box::new(move |scene| {
                scene.alone(|running| stories::failures::saslauthd_stopped(server, running))
            }),
        ),
        told(
            "next-hop-closed-at-first".to_owned(),
            Box::new(move |scene| {
                scene.alone(|running| stories::failures::next_hop_closed(server, running))
            }),
        ),
    ];
    if server == "sendmail" {
        let proof = Box::new(|scene: &Scene| scene.shared(stories::failures::backend_proof));
        trials.push(told("which-backend-answers".to_owned(), proof));
    }
    for (name, client) in stories::clients::CLIENTS {
        let submits = move |scene: &Scene| {
            scene.shared(|running| stories::clients::submits(scene, name, *client, running))
        };
        trials.push(told(format!("client::{name}"), Box::new(submits)));
    }
    let implicit_tls = tls_states(server).contains(&TlsState::Implicit);
    for (name, story) in stories::lettre::STORIES
        .iter()
        .filter(|(name, _)| implicit_tls || !stories::lettre::wraps(name))
    {
        trials.push(told(
            format!("lettre::{name}"),
            Box::new(|scene| scene.shared(*story)),
        ));
    }
    for mechanism in MECHANISMS {
        for family in FAMILIES {
            for tls in tls_states(server) {
                let name = format!("login::{mechanism}::{}::{tls:?}", family.ip());
                trials.push(told(
                    name,
                    Box::new(move |scene| logs_in(scene, mechanism, family, tls)),
                ));
            }
        }
    }
    trials
}

/// The origin's sendmail has no implicit TLS.
fn tls_states(server: &str) -> Vec<TlsState> {
    match server {
        "sendmail" => vec![TlsState::Clear, TlsState::Starttls],
        _ => vec![TlsState::Clear, TlsState::Starttls, TlsState::Implicit],
    }
}

/// Both servers offer all four mechanisms in every TLS state, as the origin's configuration says.
fn logs_in(scene: &Scene, mechanism: Mechanism, family: Family, tls: TlsState) -> Told {
    scene.shared(
        |running| match login(&running.target, mechanism, family, tls)? {
            Login::Answered(answer) if answer.starts_with("235") => Ok(Completion::Completed),
            ended => Err(format!("{ended:?}").into()),
        },
    )
}
