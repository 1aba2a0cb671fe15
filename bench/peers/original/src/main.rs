//! The peer "original": the published crate `reflow_network`, with its tracing switched off.
//! It speaks the line protocol of bench/contender.hpp; docs/benchmarks.md describes the shapes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{mpsc, Arc, Mutex};
use std::time::Instant;

use reflow_actor::message::Message;
use reflow_actor::{Actor, ActorBehavior, ActorContext, Port};
use reflow_network::connector::{ConnectionPoint, Connector, InitialPacket};
use reflow_network::network::{Network, NetworkConfig};

const CAPACITY: usize = 1000;
const RING_TOKENS: i64 = 32;
const PAYLOAD_TARGETS: i64 = 10;
const UNSUPPORTED: i32 = 3;

struct Call {
    shape: String,
    size: i64,
    n: i64,
    workers: usize,
    spin: u32,
}

#[derive(Clone, Copy)]
enum Kind {
    Source,
    Pass,
    Sink,
    Bounce,
    Clock,
    ClockEnd,
    PayloadSource,
    PayloadSink,
    Idle,
}

/// What the actors of a run share: how much there is to do, and what was done.
struct Plan {
    n: i64,
    spin: u32,
    expected: i64,
    bytes: i64,
    begin: Instant,
    count: AtomicI64,
    sum: AtomicI64,
    finished: AtomicI64,
    next: AtomicI64,
    sent: AtomicU64,
    samples: Mutex<Vec<u64>>,
    done: mpsc::SyncSender<u64>,
}

impl Plan {
    fn now(&self) -> u64 {
        self.begin.elapsed().as_nanos() as u64
    }

    fn received(&self, value: i64) {
        self.sum.fetch_add(value, Relaxed);
        if self.count.fetch_add(1, Relaxed) + 1 == self.expected {
            self.done.send(self.now()).unwrap();
        }
    }
}

struct BenchActor {
    kind: Kind,
    plan: Arc<Plan>,
    inports: Port,
    outports: Port,
}

impl BenchActor {
    fn new(kind: Kind, plan: Arc<Plan>) -> Self {
        BenchActor {
            kind,
            plan,
            inports: flume::bounded(CAPACITY),
            outports: flume::bounded(CAPACITY),
        }
    }
}

fn packet(message: Message) -> HashMap<String, Message> {
    HashMap::from([("Out".to_owned(), message)])
}

fn integer(message: &Message) -> i64 {
    match message {
        Message::Integer(value) => *value,
        _ => 0,
    }
}

fn work(turns: u32, mut seed: u64) -> u64 {
    seed |= 1;
    for _ in 0..turns {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    seed
}

fn bounce(plan: &Plan, value: i64) -> HashMap<String, Message> {
    plan.count.fetch_add(1, Relaxed);
    if value + 1 < plan.n {
        return packet(Message::Integer(value + 1));
    }
    plan.sum.fetch_add(value + 1, Relaxed);
    if plan.finished.fetch_add(1, Relaxed) + 1 == plan.expected {
        plan.done.send(plan.now()).unwrap();
    }
    HashMap::new()
}

async fn fire(
    kind: Kind,
    plan: &Plan,
    context: ActorContext,
) -> Result<HashMap<String, Message>, anyhow::Error> {
    let Some(message) = context.payload.get("In") else {
        return Ok(HashMap::new());
    };
    match kind {
        Kind::Source => {
            for value in 0..plan.n {
                let out = packet(Message::Integer(value));
                context.outports.0.send_async(out).await?;
            }
        }
        Kind::PayloadSource => {
            let bytes = Message::bytes(vec![1; plan.bytes as usize]);
            for _ in 0..plan.n {
                context.outports.0.send_async(packet(bytes.clone())).await?;
            }
        }
        Kind::Pass => {
            if plan.spin != 0 {
                std::hint::black_box(work(plan.spin, 1));
            }
            return Ok(packet(message.clone()));
        }
        Kind::Idle => return Ok(packet(Message::Integer(integer(message) + 1))),
        Kind::Sink => plan.received(integer(message)),
        Kind::PayloadSink => {
            if let Message::Bytes(bytes) = message {
                plan.received(bytes.len() as i64 + i64::from(bytes[bytes.len() - 1]));
            }
        }
        Kind::Bounce => return Ok(bounce(plan, integer(message))),
        Kind::Clock => {
            plan.sent.store(plan.now(), Relaxed);
            return Ok(packet(Message::Integer(plan.next.fetch_add(1, Relaxed))));
        }
        Kind::ClockEnd => {
            let sample = plan.now() - plan.sent.load(Relaxed);
            plan.samples.lock().unwrap().push(sample);
            plan.received(integer(message));
            if plan.count.load(Relaxed) < plan.expected {
                return Ok(packet(Message::Integer(0)));
            }
        }
    }
    Ok(HashMap::new())
}

impl Actor for BenchActor {
    fn get_behavior(&self) -> ActorBehavior {
        let (kind, plan) = (self.kind, self.plan.clone());
        Box::new(move |context| {
            let plan = plan.clone();
            Box::pin(async move { fire(kind, &plan, context).await })
        })
    }
    fn get_inports(&self) -> Port {
        self.inports.clone()
    }
    fn get_outports(&self) -> Port {
        self.outports.clone()
    }
    fn inport_names(&self) -> Vec<String> {
        vec!["In".to_owned()]
    }
    fn outport_names(&self) -> Vec<String> {
        vec!["Out".to_owned()]
    }
    fn create_instance(&self) -> Arc<dyn Actor> {
        Arc::new(BenchActor::new(self.kind, self.plan.clone()))
    }
}

const KINDS: [(&str, Kind); 9] = [
    ("Source", Kind::Source),
    ("Pass", Kind::Pass),
    ("Sink", Kind::Sink),
    ("Bounce", Kind::Bounce),
    ("Clock", Kind::Clock),
    ("ClockEnd", Kind::ClockEnd),
    ("PayloadSource", Kind::PayloadSource),
    ("PayloadSink", Kind::PayloadSink),
    ("Idle", Kind::Idle),
];

struct Net {
    network: Network,
    plan: Arc<Plan>,
    done: mpsc::Receiver<u64>,
}

impl Net {
    fn new(call: &Call, n: i64, expected: i64) -> Self {
        let (done, finished) = mpsc::sync_channel(1);
        let plan = Arc::new(Plan {
            n,
            spin: call.spin,
            expected,
            bytes: call.size,
            begin: Instant::now(),
            count: AtomicI64::new(0),
            sum: AtomicI64::new(0),
            finished: AtomicI64::new(0),
            next: AtomicI64::new(0),
            sent: AtomicU64::new(0),
            samples: Mutex::new(Vec::new()),
            done,
        });
        let mut config = NetworkConfig::default();
        config.tracing.enabled = false;
        let mut network = Network::new(config);
        for (name, kind) in KINDS {
            let actor = BenchActor::new(kind, plan.clone());
            network.register_actor(name, actor).unwrap();
        }
        Net {
            network,
            plan,
            done: finished,
        }
    }
    fn node(&mut self, id: &str, component: &str) {
        self.network.add_node(id, component, None).unwrap();
    }
    fn connect(&mut self, from: &str, to: &str) {
        let point = |actor: &str, port: &str| ConnectionPoint {
            actor: actor.to_owned(),
            port: port.to_owned(),
            ..Default::default()
        };
        let connector = Connector::new(point(from, "Out"), point(to, "In"));
        self.network.add_connection(connector);
    }
    fn token(&mut self, to: &str) {
        self.network.add_initial(InitialPacket {
            to: ConnectionPoint {
                actor: to.to_owned(),
                port: "In".to_owned(),
                initial_data: Some(Message::Integer(0)),
            },
        });
    }
    fn chain(&mut self, prefix: &str, count: i64, component: &str) {
        for i in 0..count {
            self.node(&format!("{prefix}{i}"), component);
            if i > 0 {
                self.connect(&format!("{prefix}{}", i - 1), &format!("{prefix}{i}"));
            }
        }
    }
    /// Starts, waits for the end, prints and leaves; `more` adds to the line.
    fn run(mut self, more: impl FnOnce(&Plan) -> String) -> ! {
        let begin = self.plan.now();
        self.network.start().unwrap();
        let ns = self.done.recv().unwrap() - begin;
        let (count, sum) = (self.plan.count.load(Relaxed), self.plan.sum.load(Relaxed));
        println!("ns={ns} count={count} sum={sum}{}", more(&self.plan));
        std::process::exit(0);
    }
}

fn nothing(_: &Plan) -> String {
    String::new()
}

fn pipeline(call: &Call) -> ! {
    let mut net = Net::new(call, call.n, call.n);
    net.node("source", "Source");
    net.chain("pass", call.size, "Pass");
    net.node("sink", "Sink");
    net.connect("source", "pass0");
    net.connect(&format!("pass{}", call.size - 1), "sink");
    net.token("source");
    net.run(nothing)
}

fn fan(call: &Call, inwards: bool) -> ! {
    let expected = if inwards { call.n } else { call.n * call.size };
    let n = if inwards { call.n / call.size } else { call.n };
    let mut net = Net::new(call, n, expected);
    net.node("one", if inwards { "Sink" } else { "Source" });
    for i in 0..call.size {
        let id = format!("many{i}");
        net.node(&id, if inwards { "Source" } else { "Sink" });
        if inwards {
            net.connect(&id, "one");
            net.token(&id);
        } else {
            net.connect("one", &id);
        }
    }
    if !inwards {
        net.token("one");
    }
    net.run(nothing)
}

fn rings(call: &Call, rings: i64, length: i64, tokens: i64) -> ! {
    let mut net = Net::new(call, call.n / (rings * tokens), rings * tokens);
    for ring in 0..rings {
        let prefix = format!("ring{ring}-");
        net.chain(&prefix, length, "Bounce");
        net.connect(&format!("{prefix}{}", length - 1), &format!("{prefix}0"));
        for token in 0..tokens {
            net.token(&format!("{prefix}{}", token * length / tokens));
        }
    }
    net.run(nothing)
}

fn latency(call: &Call) -> ! {
    let mut net = Net::new(call, call.n, call.n);
    net.node("clock", "Clock");
    net.chain("pass", call.size - 1, "Pass");
    net.node("end", "ClockEnd");
    net.connect("clock", "pass0");
    net.connect(&format!("pass{}", call.size - 2), "end");
    net.connect("end", "clock");
    net.token("clock");
    net.run(|plan| {
        let mut samples = plan.samples.lock().unwrap();
        samples.sort_unstable();
        format!(" p50={}", samples[samples.len() / 2])
    })
}

fn payload(call: &Call) -> ! {
    let mut net = Net::new(call, call.n, call.n * PAYLOAD_TARGETS);
    net.node("source", "PayloadSource");
    for i in 0..PAYLOAD_TARGETS {
        let id = format!("sink{i}");
        net.node(&id, "PayloadSink");
        net.connect("source", &id);
    }
    net.token("source");
    net.run(nothing)
}

fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * 4096
}

fn idle(call: &Call) -> ! {
    let mut net = Net::new(call, call.n, 1);
    let before = resident();
    let begin = Instant::now();
    net.chain("a", call.n, "Idle");
    net.node("sink", "Sink");
    net.connect(&format!("a{}", call.n - 1), "sink");
    net.network.start().unwrap();
    let ns = begin.elapsed().as_nanos();
    let bytes = (resident() - before) as f64 / call.n as f64;
    net.network
        .send_to_actor("a0", "In", Message::Integer(0))
        .unwrap();
    net.done.recv().unwrap();
    let passed = net.plan.sum.load(Relaxed);
    println!("ns={ns} count={passed} sum={passed} bytes={bytes}");
    std::process::exit(0);
}

fn run(call: &mut Call) -> ! {
    let size = call.size;
    match call.shape.clone().as_str() {
        "pipeline" | "work" => pipeline(call),
        "start" => {
            (call.size, call.n) = (1, 1);
            pipeline(call)
        }
        "fan-out" => fan(call, false),
        "fan-in" => fan(call, true),
        "ping-pong" => rings(call, 1, 2, 1),
        "pairs" => rings(call, size, 2, 1),
        "ring" => rings(call, 1, size, RING_TOKENS),
        "latency" => latency(call),
        "payload" => payload(call),
        // Its start goes through all connections for each node: more would take minutes.
        "idle" if call.n <= 10_000 => idle(call),
        _ => std::process::exit(UNSUPPORTED),
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.len() != 7 {
        eprintln!("usage: original shape size n workers spin variant");
        std::process::exit(2);
    }
    let mut call = Call {
        shape: words[1].clone(),
        size: words[2].parse().unwrap(),
        n: words[3].parse().unwrap(),
        workers: words[4].parse().unwrap(),
        spin: words[5].parse().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(call.workers)
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    run(&mut call)
}
