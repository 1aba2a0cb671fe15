'use strict';
// Networks without threads (modes inline and simulated): nothing of them runs but inside calls that wait, on
// the thread of JavaScript. Here is what such a call does: turns of the network, and between them turns of
// Node, for firings that go on after their call.

const native = require('./binding.cjs');
const { Status, problem } = require('./errors.cjs');

const TURNS = 256; // of the network, before promises have their turn
const NAP = 20; // milliseconds at most until a timer is looked at again

function nextTurn() {
  return new Promise((resolve) => { setImmediate(resolve); });
}

/** How a network without threads goes on. */
class Single {
  #core;
  #sleepers = []; // who waits for somebody else to bring something
  #simulated;
  #since; // up to when time has passed, of performance.now(), while firings go on

  constructor(core, simulated) {
    this.#core = core;
    this.#simulated = simulated;
  }

  /**
   * Runs the network until done() is true, or nothing is left that could make it so: then it tells false.
   * deadline is a time of performance.now().
   */
  async pump(done, deadline = Infinity) {
    this.#begin();
    for (;;) {
      if (done()) return true;
      const more = native.turn(this.#core, TURNS);
      if (done()) return true;
      if (performance.now() >= deadline) throw problem(Status.TIMEOUT, 'the network is not done within its time');
      const open = native.openFirings(this.#core) > 0;
      const due = native.due(this.#core);
      this.#keepTime(open, due);
      if (more || open) {
        await nextTurn();
        continue;
      }
      if (due === Infinity) return false;
      if (due > 0) await new Promise((resolve) => { setTimeout(resolve, Math.min(due, NAP)); });
    }
  }

  /** So many turns, and whether there is more. */
  turn(max) {
    this.#begin();
    const more = native.turn(this.#core, max);
    this.#keepTime(native.openFirings(this.#core) > 0, native.due(this.#core));
    return more;
  }

  // What has passed since the last call, while no firing went on, is no time of the next one.
  #begin() {
    if (native.openFirings(this.#core) === 0) this.#since = undefined;
  }

  // While firings go on after their call, the time of a simulated network goes as the real one does: what they wait for
  // takes that long, and their time limits do, too.
  #keepTime(open, due) {
    if (!this.#simulated || !open) {
      this.#since = undefined;
      return;
    }
    this.#since ??= performance.now();
    const passed = Math.floor(performance.now() - this.#since);
    if (passed < 1) return;
    this.#since += passed;
    if (due > 0 && due < Infinity) native.pass(this.#core, passed);
  }

  /** The same, and waits until somebody has sent something, or the end, where nothing is left. */
  async until(done) {
    while (!await this.pump(done)) {
      await new Promise((resolve) => { this.#sleepers.push(resolve); });
    }
  }

  /** Something was sent, or has ended. */
  wake() {
    for (const resolve of this.#sleepers.splice(0)) resolve();
  }

  async send(index, value, envelope, signal) {
    const sent = () => {
      signal?.throwIfAborted();
      return native.send(this.#core, index, value, false, envelope) === 1;
    };
    if (!await this.pump(sent)) {
      throw problem(Status.WOULD_BLOCK, 'the inport is full, and nothing is left that could take from it',
        'read the outputs that hold it back, or resume what is paused');
    }
    this.wake();
  }

  async idle(timeout) {
    if (await this.pump(() => native.idleNow(this.#core), deadlineOf(timeout))) return this.wake();
    return native.idle(this.#core, NAP); // says why it never will be
  }

  async drain(timeout) {
    if (!await this.pump(() => native.tryDrain(this.#core), deadlineOf(timeout))) {
      await native.drain(this.#core, NAP);
    }
    this.wake();
  }
}

function deadlineOf(timeout) {
  return timeout < 0 ? Infinity : performance.now() + timeout;
}

module.exports = { Single };
