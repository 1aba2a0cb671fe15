//! The peer "flume": flume's channels between tasks, a task for each actor, run by tokio's threads.
//! It speaks the line protocol of bench/contender.hpp; docs/benchmarks.md describes the shapes.

use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Instant;

use flume::{Receiver, Sender};
use tokio::runtime::{Builder, Runtime};

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

fn answer(ns: u64, count: i64, sum: i64) {
    println!("ns={ns} count={count} sum={sum}");
}

fn elapsed(begin: Instant) -> u64 {
    begin.elapsed().as_nanos() as u64
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

fn channel() -> (Sender<i64>, Receiver<i64>) {
    flume::bounded(CAPACITY)
}

async fn source(n: i64, outs: Vec<Sender<i64>>) {
    for i in 0..n {
        for out in &outs {
            out.send_async(i).await.unwrap();
        }
    }
}

async fn pass(input: Receiver<i64>, out: Sender<i64>, spin: u32) {
    let mut seed = 0;
    while let Ok(value) = input.recv_async().await {
        if spin != 0 {
            seed = work(spin, seed);
        }
        if out.send_async(value).await.is_err() {
            break;
        }
    }
    std::hint::black_box(seed);
}

async fn sink(input: Receiver<i64>, n: i64) -> i64 {
    let mut sum = 0;
    for _ in 0..n {
        sum += input.recv_async().await.unwrap();
    }
    sum
}

/// One worker is a thread of its own beside the main thread, as with the others.
fn runtime(call: &Call) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(call.workers)
        .build()
        .unwrap()
}

/// Runs the last part of a shape on a worker, and waits for it.
fn finish<T: Send + 'static>(
    runtime: &Runtime,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let task = runtime.spawn(future);
    runtime.block_on(task).unwrap()
}

/// `size` passes behind the first receiver; returns the last receiver.
fn passes(runtime: &Runtime, first: Receiver<i64>, count: i64, spin: u32) -> Receiver<i64> {
    let mut last = first;
    for _ in 0..count {
        let (out, next) = channel();
        runtime.spawn(pass(last, out, spin));
        last = next;
    }
    last
}

fn pipeline(call: &Call) {
    let runtime = runtime(call);
    let (out, first) = channel();
    let last = passes(&runtime, first, call.size, call.spin);
    let begin = Instant::now();
    runtime.spawn(source(call.n, vec![out]));
    let sum = finish(&runtime, sink(last, call.n));
    answer(elapsed(begin), call.n, sum);
}

fn fan_out(call: &Call) {
    let runtime = runtime(call);
    let mut outs = Vec::new();
    let mut sinks = Vec::new();
    for _ in 0..call.size {
        let (out, input) = channel();
        outs.push(out);
        sinks.push(runtime.spawn(sink(input, call.n)));
    }
    let begin = Instant::now();
    runtime.spawn(source(call.n, outs));
    let sum = sinks
        .into_iter()
        .map(|sink| runtime.block_on(sink).unwrap())
        .sum();
    answer(elapsed(begin), call.n * call.size, sum);
}

fn fan_in(call: &Call) {
    let runtime = runtime(call);
    let each = call.n / call.size;
    let (out, input) = channel();
    let begin = Instant::now();
    for _ in 0..call.size {
        runtime.spawn(source(each, vec![out.clone()]));
    }
    let sum = finish(&runtime, sink(input, each * call.size));
    answer(elapsed(begin), each * call.size, sum);
}

async fn bounce(
    input: Receiver<i64>,
    out: Sender<i64>,
    hops: i64,
    done: Sender<i64>,
    total: Arc<AtomicI64>,
) {
    let mut count = 0;
    while let Ok(value) = input.recv_async().await {
        let value = value + 1;
        count += 1;
        if value < hops {
            out.send_async(value).await.unwrap();
        } else if value == hops {
            done.send_async(value).await.unwrap();
        } else {
            // The message that asks for the count, far beyond the hops of any token.
            total.fetch_add(count - 1, Relaxed);
            done.send_async(0).await.unwrap();
            return;
        }
    }
}

fn rings(call: &Call, count: i64, length: i64, tokens: i64) {
    let runtime = runtime(call);
    let hops = call.n / (count * tokens);
    let total = Arc::new(AtomicI64::new(0));
    let (done, finished) = flume::unbounded();
    let mut all = Vec::new();
    for _ in 0..count {
        let ends: Vec<_> = (0..length).map(|_| channel()).collect();
        for i in 0..length as usize {
            let out = ends[(i + 1) % length as usize].0.clone();
            let input = ends[i].1.clone();
            runtime.spawn(bounce(input, out, hops, done.clone(), total.clone()));
        }
        all.push(ends);
    }
    let begin = Instant::now();
    for ring in &all {
        for token in 0..tokens {
            ring[(token * length / tokens) as usize].0.send(0).unwrap();
        }
    }
    let tasks = count * tokens;
    let (sum, finished) = finish(&runtime, async move {
        (sink(finished.clone(), tasks).await, finished)
    });
    let ns = elapsed(begin);
    for (actor, _) in all.iter().flatten() {
        actor.send(i64::MAX - 1).unwrap();
    }
    finish(&runtime, sink(finished, count * length));
    answer(ns, total.load(Relaxed), sum);
}

fn latency(call: &Call) {
    let runtime = runtime(call);
    let (out, first) = channel();
    let (back, ready) = channel();
    let last = passes(&runtime, first, call.size - 1, 0);
    let epoch = Instant::now();
    let sent = Arc::new(AtomicU64::new(0));
    let (n, sent_by_clock) = (call.n, sent.clone());
    runtime.spawn(async move {
        for i in 0..n {
            sent_by_clock.store(elapsed(epoch), Relaxed);
            out.send_async(i).await.unwrap();
            ready.recv_async().await.unwrap();
        }
    });
    let (sum, mut samples) = finish(&runtime, async move {
        let mut samples = Vec::with_capacity(n as usize);
        let mut sum = 0;
        for _ in 0..n {
            let value = last.recv_async().await.unwrap();
            samples.push(elapsed(epoch) - sent.load(Relaxed));
            sum += value;
            back.send_async(0).await.unwrap();
        }
        (sum, samples)
    });
    let ns = elapsed(epoch);
    samples.sort_unstable();
    let middle = samples[samples.len() / 2];
    println!("ns={ns} count={} sum={sum} p50={middle}", samples.len());
}

fn payload(call: &Call) {
    let runtime = runtime(call);
    let n = call.n;
    let bytes: Arc<[u8]> = vec![1; call.size as usize].into();
    let mut outs = Vec::new();
    let mut sinks = Vec::new();
    for _ in 0..PAYLOAD_TARGETS {
        let (out, input) = flume::bounded::<Arc<[u8]>>(CAPACITY);
        outs.push(out);
        sinks.push(runtime.spawn(async move {
            let mut sum = 0;
            for _ in 0..n {
                let bytes = input.recv_async().await.unwrap();
                sum += bytes.len() as i64 + i64::from(bytes[bytes.len() - 1]);
            }
            sum
        }));
    }
    let begin = Instant::now();
    runtime.spawn(async move {
        for _ in 0..n {
            for out in &outs {
                out.send_async(bytes.clone()).await.unwrap();
            }
        }
    });
    let sum = sinks
        .into_iter()
        .map(|sink| runtime.block_on(sink).unwrap())
        .sum();
    answer(elapsed(begin), n * PAYLOAD_TARGETS, sum);
}

fn resident() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    // SAFETY: both calls are always allowed.
    let page = unsafe {
        libc::malloc_trim(0);
        libc::sysconf(libc::_SC_PAGESIZE)
    };
    text.split(' ').nth(1).unwrap().parse::<i64>().unwrap() * page
}

/// Channels hold one packet here, so that what is measured is the actor and not its buffer.
fn idle(call: &Call) {
    let runtime = runtime(call);
    let before = resident();
    let begin = Instant::now();
    let (out, mut last) = flume::bounded::<i64>(1);
    for _ in 0..call.n {
        let (out, next) = flume::bounded(1);
        let input = last;
        runtime.spawn(async move {
            while let Ok(value) = input.recv_async().await {
                if out.send_async(value + 1).await.is_err() {
                    break;
                }
            }
        });
        last = next;
    }
    let ns = elapsed(begin);
    let bytes = (resident() - before) as f64 / call.n as f64;
    out.send(0).unwrap();
    let value = last.recv().unwrap();
    println!("ns={ns} count={value} sum={value} bytes={bytes}");
    std::process::exit(0);
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.len() != 7 {
        eprintln!("usage: flume shape size n workers spin variant");
        std::process::exit(2);
    }
    let mut call = Call {
        shape: words[1].clone(),
        size: words[2].parse().unwrap(),
        n: words[3].parse().unwrap(),
        workers: words[4].parse().unwrap(),
        spin: words[5].parse().unwrap(),
    };
    let size = call.size;
    match call.shape.clone().as_str() {
        "pipeline" | "work" => pipeline(&call),
        "start" => {
            (call.size, call.n) = (1, 1);
            pipeline(&call);
        }
        "fan-out" => fan_out(&call),
        "fan-in" => fan_in(&call),
        "ping-pong" => rings(&call, 1, 2, 1),
        "pairs" => rings(&call, size, 2, 1),
        "ring" => rings(&call, 1, size, RING_TOKENS),
        "latency" => latency(&call),
        "payload" => payload(&call),
        "idle" => idle(&call),
        _ => std::process::exit(UNSUPPORTED),
    }
}
